"""Jobs done in the engine's own process."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Final

from sfc.errors import Overloaded
from sfc.limits import ALL_QUEUED_JOBS
from sfc.tasks.job import Job, JobResult
from sfc.tasks.runner import JobRunner

_REMEMBERED: Final = 4_096
"""Keys of finished jobs that are still refused: more than are on their way to a journal at any time."""


class LocalDispatcher:
    """A `Dispatcher` over a runner; at most `concurrency` jobs run at once, the rest waits in order."""

    def __init__(self, runner: JobRunner, concurrency: int = 1_000) -> None:
        self._runner = runner
        self._concurrency = concurrency
        self._on_results: Callable[[Sequence[JobResult]], None] = _nobody
        self._waiting: dict[str, Job] = {}
        self._running: set[str] = set()
        self._finished: dict[str, None] = {}
        self._results: deque[JobResult] = deque()
        self._handing_over = False

    async def open(
        self,
        on_results: Callable[[Sequence[JobResult]], None],
        _written: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._on_results = on_results

    def admit(self, machine: str) -> None:
        """Raises Overloaded when so many jobs wait that no more executions should begin."""
        if len(self._waiting) >= ALL_QUEUED_JOBS:
            raise Overloaded(f"{len(self._waiting):,} jobs wait to be begun; no execution of {machine} is started now")

    def dispatch(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if job.key in self._running or job.key in self._finished:
                continue
            self._waiting[job.key] = job
        self._begin()

    def cancel(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._waiting.pop(key, None)
            self._running.discard(key)
        self._runner.cancel(keys)
        self._begin()

    async def close(self) -> None:
        self._waiting.clear()
        self._on_results = _nobody
        await self._runner.close()

    def _begin(self) -> None:
        free = self._concurrency - len(self._running)
        for key in list(islice(self._waiting, max(free, 0))):
            self._running.add(key)
            self._runner.begin(self._waiting.pop(key), self._done)

    def _done(self, result: JobResult) -> None:
        self._running.discard(result.key)
        self._finished[result.key] = None
        if len(self._finished) > _REMEMBERED:
            del self._finished[next(iter(self._finished))]
        self._results.append(result)
        if not self._handing_over:
            self._handing_over = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._handing_over = False
        results = list(self._results)
        self._results.clear()
        self._on_results(results)
        self._begin()


def _nobody(_results: Sequence[JobResult]) -> None:
    """Takes results before `open` and after `close`."""
