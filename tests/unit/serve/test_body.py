"""Bodies are read within a limit."""

from collections.abc import Sequence

import pytest
from starlette.types import Message, Receive

from serve.body import BodyTooLarge, Disconnected, read_body, replay
from sfc.limits import REQUEST_BODY_BYTES

SCOPE = {"type": "http", "headers": [(b"host", b"here")]}


def arriving(*chunks: bytes) -> tuple[Receive, list[Message]]:
    """A client that sends these chunks; the list holds what was not read yet."""
    left: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks)
    ]

    async def receive() -> Message:
        return left.pop(0) if left else {"type": "http.disconnect"}

    return receive, left


@pytest.mark.parametrize("chunks", [(b"",), (b"abc",), (b"ab", b"c"), (b"", b"a", b"bc")])
async def test_a_body_is_what_its_chunks_make(chunks: Sequence[bytes]) -> None:
    receive, _ = arriving(*chunks)
    assert await read_body(SCOPE, receive, 3) == b"".join(chunks)


@pytest.mark.parametrize("headers", [[(b"content-length", b"11")], []], ids=["announced", "of unknown length"])
async def test_a_body_too_large_is_refused_once_the_client_has_sent_it(headers: list[tuple[bytes, bytes]]) -> None:
    receive, left = arriving(b"12345", b"67890", b"x", b"yz")
    with pytest.raises(BodyTooLarge):
        await read_body({**SCOPE, "headers": headers}, receive, 10)
    assert left == []


async def test_a_body_far_too_large_is_not_read_to_its_end() -> None:
    receive, left = arriving(*[b"x" * REQUEST_BODY_BYTES] * 9)
    with pytest.raises(BodyTooLarge):
        await read_body(SCOPE, receive)
    assert left


async def test_a_client_that_goes_away_in_the_middle_is_no_short_body() -> None:
    receive, left = arriving(b"12345", b"67890")
    left.pop()
    with pytest.raises(Disconnected):
        await read_body(SCOPE, receive, 100)


async def test_a_body_read_ahead_is_handed_out_once_and_then_the_connection_speaks() -> None:
    receive, _ = arriving()
    again = replay(b"abc", receive)
    assert await again() == {"type": "http.request", "body": b"abc", "more_body": False}
    assert await again() == {"type": "http.disconnect"}
