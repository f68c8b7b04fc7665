"""Where the engine calls what blocks."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """Two threads: a long read does not keep a commit waiting."""

    def __init__(self, inline: bool) -> None:
        """`inline`: the store answers a question about a row sooner than a thread could."""
        self._inline = inline
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="sfc-store")

    async def call(self, function: Callable[[], T]) -> T:
        """Run something that blocks (or computes long) beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    async def look_up(self, function: Callable[[], T]) -> T:
        """Read a row or two: at once where that takes less than the way to a thread and back."""
        return function() if self._inline else await self.call(function)

    def close(self) -> None:
        self._threads.shutdown(wait=False)
