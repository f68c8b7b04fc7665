"""Reading a request's body within a limit, without a framework."""

from typing import Final

from starlette.types import Message, Receive, Scope

from sfc.errors import SfcError
from sfc.limits import REQUEST_BODY_BYTES


class BodyTooLarge(SfcError):
    """The body is larger than the server takes; what was not read yet is not read at all."""

    status = 413
    code = "RequestTooLarge"


class Disconnected(Exception):
    """The client went away before it had sent everything."""


_DISCARDED_BYTES: Final = 4 * REQUEST_BODY_BYTES
_TOO_LARGE: Final = f"the request body is larger than {REQUEST_BODY_BYTES} bytes"


async def read_body(scope: Scope, receive: Receive, limit: int = REQUEST_BODY_BYTES) -> bytes:
    """The whole body. Raises BodyTooLarge, or Disconnected.

    Of a body that is too large some more is read and thrown away, so that a client that sends all before it listens
    hears the answer instead of a broken connection.
    """
    message = await receive()
    if message["type"] != "http.request":
        raise Disconnected
    chunk: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(chunk) > limit:
            raise BodyTooLarge(_TOO_LARGE)
        return chunk
    if _announced(scope) > limit:
        await _discard(receive)
        raise BodyTooLarge(_TOO_LARGE)
    return await _gather(chunk, receive, limit)


async def _gather(first: bytes, receive: Receive, limit: int) -> bytes:
    chunks, size, more = [first], len(first), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        more = message.get("more_body", False)
        if size > limit:
            if more:
                await _discard(receive)
            raise BodyTooLarge(_TOO_LARGE)
    return b"".join(chunks)


async def _discard(receive: Receive) -> None:
    left, more = _DISCARDED_BYTES, True
    while more and left > 0:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        left -= len(message.get("body", b""))
        more = message.get("more_body", False)


def _announced(scope: Scope) -> int:
    for key, value in scope["headers"]:
        if key == b"content-length":
            return int(value)
    return 0


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands out the body already read, then whatever comes next (the disconnect)."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
