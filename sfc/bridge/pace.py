"""Keeps to a rate: so many starts a second go on, no matter how many records come at once."""

import asyncio
from collections.abc import Callable
from typing import Final

from sfc.kafka.chunk import Chunk, Start

_BURST_S: Final = 0.1
"""The starts of so much of a second may go on at once."""


class Pace:
    """A bucket of tokens, one for each start; partitions of a feed share it."""

    def __init__(self, rate: float | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rate: float | None = None
        self._tokens = 0.0
        self._at = 0.0
        self.set(rate)

    def set(self, rate: float | None) -> None:
        """Starts a second; None: as fast as it goes."""
        if rate != self._rate:
            self._rate, self._tokens, self._at = rate, 0.0, self._clock()

    def grant(self, most: int) -> tuple[int, float]:
        """How many of `most` may go on now; when none, in how many seconds one may."""
        if self._rate is None:
            return most, 0.0
        now = self._clock()
        room = max(1.0, self._rate * _BURST_S)
        self._tokens = min(room, self._tokens + (now - self._at) * self._rate)
        self._at = now
        granted = min(most, int(self._tokens))
        self._tokens -= granted
        return granted, 0.0 if granted else (1 - self._tokens) / self._rate

    async def wait(self, chunk: Chunk) -> Chunk:
        """As much of the beginning of the chunk as may go on, as soon as any of it may."""
        if self._rate is None:
            return chunk
        starts = [decision.first for decision in chunk.decisions if type(decision) is Start]
        while True:
            granted, wait_s = self.grant(len(starts))
            if granted == len(starts):
                return chunk
            if granted:
                return chunk.upto(starts[granted])
            await asyncio.sleep(wait_s)
