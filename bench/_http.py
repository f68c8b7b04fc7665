"""A keep-alive client that costs next to nothing: an ordinary one would be the bottleneck on two cores."""

import asyncio
from types import TracebackType


class Connection:
    """One connection to a server on loopback; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def post(self, path: str, body: bytes) -> bytes:
        """The body of the answer. Raises RuntimeError when its status is not 200."""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        )
        self._writer.write(head.encode() + b"\r\n\r\n" + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        content = await self._reader.readexactly(int(length[15:]))
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{answer.decode()}{content.decode()}")
        return content
