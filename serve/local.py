"""`sfc up --no-ray`: engine, handlers and HTTP server in one process, on one event loop."""

import asyncio
import os
import signal
from collections.abc import Callable

import psutil
import uvloop

from serve.assembly import local_engine
from serve.host import hosting
from serve.platform.state import ProcessId, State, state_file, write_state
from serve.settings import Settings
from sfc.bridge.readers import LocalReaders

_PATIENCE_S = 5.0


def run_local(settings: Settings, say: Callable[[str], None]) -> None:
    """Returns after SIGTERM or Ctrl-C, when requests under way are answered and the engine is closed."""
    me = ProcessId.of(psutil.Process(os.getpid()))
    write_state(settings.directory, State(up=me, url=settings.url))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, say))
    finally:
        state_file(settings.directory).unlink(missing_ok=True)


async def _serve(settings: Settings, say: Callable[[str], None]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with hosting(local_engine(settings), settings, _PATIENCE_S, LocalReaders()) as ingress:
        say(f"ready at {settings.url}")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({stopped, ingress.task}, return_when=asyncio.FIRST_COMPLETED)
        say("stopping")
