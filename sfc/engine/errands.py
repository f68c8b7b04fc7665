"""What an engine does beside its event loop's callbacks: small coroutines that end with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from sfc.engine.settings import EngineSettings
from sfc.engine.threads import Threads
from sfc.errors import Unavailable

log = logging.getLogger(__name__)
T = TypeVar("T")


class Errands:
    """Begins them, and reads the store for them with all patience."""

    def __init__(self, threads: Threads, settings: EngineSettings, owns_any: Callable[[], bool]) -> None:
        """`owns_any` tells whether there is still something to be patient for."""
        self._threads = threads
        self._settings = settings
        self._owns_any = owns_any
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def begin(self, work: Coroutine[None, None, None]) -> None:
        """Have this done beside everything else; nothing is begun any more after `close`."""
        if self._closed:
            work.close()
        else:
            _ = self.started(work)

    def started(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Begin it; the task may be cancelled."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def read(self, look: Callable[[], T]) -> T:
        """Read a row or two from the store, however long that takes. Raises Unavailable as `insist` does."""
        return await self.insist(lambda: self._threads.look_up(look))

    async def insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do this again until the store can be reached. Raises Unavailable when this engine owns nothing any more."""
        delay = self._settings.retry_first_s
        while True:
            try:
                return await act()
            except Unavailable:
                if not self._owns_any():
                    raise
                await asyncio.sleep(delay)
                delay = min(delay * 2, self._settings.retry_most_s)

    async def close(self) -> None:
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("what was to be done beside failed", exc_info=task.exception())
