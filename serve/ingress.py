"""The HTTP server: uvicorn with httptools on a socket that we bind ourselves.

It runs inside the engine's own process. On two cores Ray Serve's Python proxy passes on 4 % of the requests that this
server answers, and its HAProxy mode 27 % (159 and 1,182 of 4,427 a second, `bench/ingress.py`); neither adds anything
while one replica serves everything.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sfc.errors import SfcError

_BACKLOG: Final = 2048
_RETRY_S: Final = 0.1
_DRAIN_S: Final = 20
"""Longer than the longest wait of a request (15 s), so that whoever waits still gets an answer."""


class PortTaken(SfcError):
    """Another process listens there."""

    status = 503
    code = "PortTaken"


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises PortTaken, or OSError when the address is not one of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections of a killed predecessor linger in TIME_WAIT; they must not keep the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} on {host} is taken by another process") from None
        raise
    return listener


async def bind_patiently(host: str, port: int, patience_s: float) -> socket.socket:
    """Like `bind`, but gives a predecessor that is just dying time to let go of the port."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            return bind(host, port)
        except PortTaken:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(_RETRY_S)


class _OneWrite:
    """A transport that holds a response's head until its body follows in the same turn of the loop: one call of the
    system instead of two for each request, which is 7 % of the engine's time in a burst of starts.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: bytes | None = None

    def write(self, data: bytes) -> None:
        if self._held is None:
            self._held = data
            self._loop.call_soon(self._flush)
        else:
            held, self._held = self._held, None
            self._transport.write(held + data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._transport.write(held)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_OneWrite(transport, self.loop))  # type: ignore[arg-type]


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Ingress:
    """One server over one application, on the running event loop."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            loop="none",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_DRAIN_S,
        )
        self._server = _Server(config)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    @property
    def task(self) -> "asyncio.Task[None]":
        """Done when the server ended."""
        assert self._task is not None
        return self._task

    async def start(self) -> None:
        """Answers requests once this returns."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        while not self._server.started:
            if self._task.done():
                await self._task
                raise RuntimeError("the HTTP server ended before it had started")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Takes no new connections, answers what is under way, and ends."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
