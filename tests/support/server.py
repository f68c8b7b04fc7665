"""The HTTP application over an engine in memory, on a real port, in a thread."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from serve.app import build_app
from serve.ingress import Ingress, bind
from serve.pools import Pools
from serve.sfn.sdk import sdk_of
from sfc.bridge.bridge import Bridge
from sfc.engine.engine import Engine
from sfc.tasks.aws.settings import AwsSettings
from tests.support.engines import memory_engine


class _Server:
    """Engine and server on an event loop of their own."""

    def __init__(self, make: Callable[[], tuple[Engine, Pools | None]], bridge: Callable[[Engine], Bridge]) -> None:
        self._make = make
        self._bridge = bridge
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.url = ""

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        listener = bind("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        engine, pools = self._make()
        engine.serve_api(sdk_of(engine))
        if pools is not None:
            await pools.open()
        await engine.open()
        ingress = Ingress(build_app(engine, pools, self._bridge(engine)), listener)
        await ingress.start()
        self._ready.set()
        await self._stop.wait()
        engine.close_polls()
        await ingress.stop()
        await engine.close()
        if pools is not None:
            await pools.close()


@contextmanager
def serving(
    aws: AwsSettings | None = None,
    make: Callable[[], tuple[Engine, Pools | None]] | None = None,
    bridge: Callable[[Engine], Bridge] = Bridge,
) -> Iterator[str]:
    """Its URL. `make`: the engine, if it shall be another one, and pools; `bridge`: what is beside it, which is not
    opened. Both are called on the server's loop."""
    server = _Server(make or (lambda: (memory_engine(aws), None)), bridge)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
