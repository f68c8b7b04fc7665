"""Reads the journal from where it was left, in order, and keeps how far it has come: the base of every projection.

A fact is given again after a crash if what was made of it was not told to be done: whoever reads must bear that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from sfc.engine.facts import Facts
from sfc.errors import SfcError
from sfc.store.journal import JournalRow

log = logging.getLogger(__name__)

_PAGE: Final = 100
"""An entry may have a quarter of a megabyte."""
_IDLE_S: Final = 0.1
_RETRY_FIRST_S: Final = 0.1
_RETRY_MOST_S: Final = 5.0


class JournalReader:
    """One reader of all shards of an engine. Executions do not wait for it: it takes half of one thread's time at
    most, and lags behind when that is too little."""

    def __init__(self, facts: Facts, name: str, take: Callable[[Sequence[JournalRow]], Awaitable[None]]) -> None:
        """`name` tells its checkpoints from those of others. `take` returns when all is done with these facts, for
        good; those of one shard come one page after the other, in order."""
        self._facts = facts
        self._name = name
        self._take = take
        self._positions: dict[int, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin, once the engine is open."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._read(shard)) for shard in self._facts.shards]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    @property
    def lag(self) -> int:
        """How many facts are written that it is not done with."""
        facts = self._facts
        done = ((shard, self._positions.get(shard, facts.first(shard) - 1)) for shard in facts.shards)
        return sum(facts.end(shard) - position for shard, position in done)

    async def _read(self, shard: int) -> None:
        delay = _RETRY_FIRST_S
        while self._facts.owns(shard):  # else its new owner reads it
            try:
                if shard not in self._positions:
                    self._positions[shard] = max(
                        await self._facts.checkpoint(self._name, shard), self._facts.first(shard) - 1
                    )
                await self._next(shard)
                delay = _RETRY_FIRST_S
            except SfcError as error:
                log.info("the reader %s of the journal waits: %s", self._name, error)
                await asyncio.sleep(delay)
                delay = min(2 * delay, _RETRY_MOST_S)
            except Exception:
                log.exception("the reader %s of the journal failed behind %d", self._name, self._positions[shard])
                await asyncio.sleep(_RETRY_MOST_S)

    async def _next(self, shard: int) -> None:
        end, after = self._facts.end(shard), self._positions[shard]
        if end <= after:
            await asyncio.sleep(_IDLE_S)
            return
        clock = asyncio.get_running_loop().time
        began = clock()
        rows = await self._facts.page(shard, after, _PAGE)
        if rows:
            await self._take(rows)
        # Behind the last row of a short page there are only facts that are forgotten.
        done = rows[-1].position if len(rows) == _PAGE else max(end, rows[-1].position if rows else 0)
        await self._facts.put_checkpoint(self._name, shard, done)
        self._positions[shard] = done
        await asyncio.sleep(clock() - began)
