"""Readers of topics as Ray actors: decoding and mapping records takes CPU that the engine needs for executions.

An engine has as many as its partitions ask for. They belong to it, not to the cluster: they end with it, and the next
engine starts its own. One that dies is replaced at the next call, and reads on where the engine says.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sfc.bridge.source import ReaderLost
from sfc.kafka.reader import Plan, Readers, Reading
from sfc.limits import KAFKA_PARTITIONS_OF_READER, KAFKA_READERS

log = logging.getLogger(__name__)

_CPUS: Final = 0.0
"""What Ray reserves: pools may have all CPUs of a cluster, and their work comes through readers."""
_ANSWER_S: Final = 10.0
"""Over the wait that was asked for: an actor that says nothing for so long is given up."""


class ReaderActor:
    """Runs in its own process; `ReaderActors` is how the engine sees it."""

    def __init__(self) -> None:
        self._readers = Readers()

    async def take(self, plan: Plan, lane: int, positions: dict[int, int], wait_s: float) -> Reading:
        return await self._readers.take(plan, lane, positions, wait_s)

    async def drop(self, feed: str) -> None:
        self._readers.drop(feed)

    async def pid(self) -> int:
        import os

        return os.getpid()


class _Seat:
    """One place for an actor; another one sits there when it has died."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._handle: Any = None

    def handle(self) -> Any:
        import ray

        if self._handle is None:
            actor: Any = ray.remote(ReaderActor)
            self._handle = actor.options(num_cpus=_CPUS, max_restarts=0, max_concurrency=1_000).remote()
        return self._handle

    def lose(self, handle: Any) -> None:
        """Whoever asked for it next gets another one."""
        import ray

        if self._handle is handle:
            self._handle = None
            ray.kill(handle)

    async def take(self, plan: Plan, lane: int, positions: Mapping[int, int], wait_s: float) -> Reading:
        """Raises ReaderLost."""
        from ray.exceptions import RayActorError, RayError

        handle = self.handle()
        try:
            call = handle.take.remote(plan, lane, dict(positions), wait_s)
            found: Reading = await asyncio.wait_for(_answer(call), wait_s + _ANSWER_S)
            return found
        except TimeoutError:
            self.lose(handle)
            raise ReaderLost(f"reader {self.number} does not answer") from None
        except RayActorError as error:
            self.lose(handle)
            raise ReaderLost(str(error).splitlines()[0]) from None
        except RayError as error:
            raise ReaderLost(str(error).splitlines()[0]) from None

    async def drop(self, feed: str) -> None:
        from ray.exceptions import RayError

        if self._handle is not None:
            try:
                await asyncio.wait_for(_answer(self._handle.drop.remote(feed)), _ANSWER_S)
            except (RayError, TimeoutError):
                pass  # what is dead reads nothing

    def close(self) -> None:
        import ray

        if self._handle is not None:
            ray.kill(self._handle)
            self._handle = None


class ReaderActors:
    """Implements `ReaderPool`. The number of actors follows the partitions, up to a limit."""

    def __init__(self, most: int = KAFKA_READERS, partitions: int = KAFKA_PARTITIONS_OF_READER) -> None:
        self._most = most
        self._partitions = partitions
        self._seats: list[_Seat] = []
        self._taken: dict[tuple[str, int], _Seat] = {}
        self._sizes: dict[tuple[str, int], int] = {}

    def groups(self, feed: str, partitions: Sequence[int]) -> list[list[int]]:
        """Even ones, none larger than need be."""
        number = min(-(-len(partitions) // self._partitions), self._most)
        groups = [list(partitions[index::number]) for index in range(number)]
        for key in [key for key in self._sizes if key[0] == feed and key[1] >= number]:
            del self._sizes[key]
            self._taken.pop(key, None)
        self._sizes |= {(feed, lane): len(group) for lane, group in enumerate(groups)}
        return groups

    def client(self, feed: str, lane: int) -> _Seat:
        seat = self._taken.get((feed, lane))
        if seat is None:
            seat = self._taken[feed, lane] = self._free_seat(self._sizes.get((feed, lane), 0))
        return seat

    def _free_seat(self, size: int) -> _Seat:
        """The one with the fewest partitions; a new one when these would be too many there."""
        loads = dict.fromkeys(self._seats, 0)
        for key, seat in self._taken.items():
            loads[seat] += self._sizes.get(key, 0)
        least = min(loads, key=lambda seat: (loads[seat], seat.number), default=None)
        full = least is not None and loads[least] + size > self._partitions
        if least is None or (full and loads[least] and len(self._seats) < self._most):
            least = _Seat(len(self._seats))
            self._seats.append(least)
        return least

    async def drop(self, feed: str) -> None:
        mine = [key for key in self._taken if key[0] == feed]
        for key in mine:
            self._sizes.pop(key, None)
        await asyncio.gather(*[seat.drop(feed) for seat in {self._taken.pop(key) for key in mine}])

    async def close(self) -> None:
        for seat in self._seats:
            seat.close()
        self._seats.clear()
        self._taken.clear()
        self._sizes.clear()


async def _answer(call: Any) -> Any:
    return await call
