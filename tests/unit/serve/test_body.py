"""Bodies are read within a limit."""

from collections.abc import Sequence

import pytest
from starlette.types import Message, Receive

from serve.body import BodyTooLarge, Disconnected, read_body, replay

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


async def test_a_body_announced_too_large_is_not_read_further() -> None:
    receive, left = arriving(b"a", b"b", b"c")
    with pytest.raises(BodyTooLarge):
        await read_body({**SCOPE, "headers": [(b"content-length", b"11")]}, receive, 10)
    assert len(left) == 2


async def test_a_body_of_unknown_length_is_read_no_further_than_the_limit() -> None:
    receive, left = arriving(b"12345", b"67890", b"x", b"never read")
    with pytest.raises(BodyTooLarge):
        await read_body(SCOPE, receive, 10)
    assert len(left) == 1


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
