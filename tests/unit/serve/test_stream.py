"""Streams stay open while nothing happens."""

import asyncio
from collections.abc import AsyncIterator

from serve.stream import keep_alive


async def test_a_silent_stream_says_that_it_is_there_and_loses_nothing() -> None:
    gate = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        await gate.wait()
        yield b"two"

    got = []
    async for chunk in keep_alive(chunks(), 0.001):
        got.append(chunk)
        if chunk.startswith(b":"):
            gate.set()
    assert [got[0], got[1], got[-1]] == [b"one", b": still here\n\n", b"two"]


async def test_a_stream_that_nobody_reads_any_more_stops_its_source() -> None:
    stopped = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"one"
            await asyncio.Event().wait()
        finally:
            stopped.set()

    stream = keep_alive(chunks(), 60)
    assert await anext(stream) == b"one"
    await asyncio.sleep(0)
    await stream.aclose()
    await asyncio.wait_for(stopped.wait(), 5)
