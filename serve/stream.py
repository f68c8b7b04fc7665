"""Long answers that stay alive."""

import asyncio
from collections.abc import AsyncIterator


async def keep_alive(chunks: AsyncIterator[bytes], idle_s: float) -> AsyncIterator[bytes]:
    """The chunks; after every `idle_s` seconds without one a comment, so that proxies keep the connection open.

    The iterator runs in a task of its own: asking it again after a time-out must not cancel what it waits for.
    """
    step = asyncio.ensure_future(anext(chunks))
    try:
        while True:
            done, _ = await asyncio.wait({step}, timeout=idle_s)
            if not done:
                yield b": still here\n\n"
                continue
            try:
                chunk = step.result()
            except StopAsyncIteration:
                return
            yield chunk
            step = asyncio.ensure_future(anext(chunks))
    finally:
        step.cancel()
