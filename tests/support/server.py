"""The HTTP application over an engine in memory, on a real port, in a thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from serve.app import build_app
from serve.ingress import Ingress, bind
from serve.sfn.sdk import sdk_of
from sfc.tasks.aws.settings import AwsSettings
from tests.support.engines import memory_engine


class _Server:
    """Engine and server on an event loop of their own."""

    def __init__(self, aws: AwsSettings | None) -> None:
        self._aws = aws
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
        engine = memory_engine(self._aws)
        engine.serve_api(sdk_of(engine))
        await engine.open()
        ingress = Ingress(build_app(engine), listener)
        await ingress.start()
        self._ready.set()
        await self._stop.wait()
        engine.close_polls()
        await ingress.stop()
        await engine.close()


@contextmanager
def serving(aws: AwsSettings | None = None) -> Iterator[str]:
    """Its URL."""
    server = _Server(aws)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
