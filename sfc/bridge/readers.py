"""Readers in the engine's own process: for servers without Ray, and for tests."""

from collections.abc import Mapping, Sequence

from sfc.kafka.reader import Plan, Readers, Reading


class LocalReaders:
    """Implements `ReaderPool` and `ReaderClient`: one thread for each feed."""

    def __init__(self) -> None:
        self._readers = Readers()

    def groups(self, feed: str, partitions: Sequence[int]) -> list[list[int]]:
        return [list(partitions)] if partitions else []

    def client(self, feed: str, lane: int) -> "LocalReaders":
        return self

    async def take(self, plan: Plan, lane: int, positions: Mapping[int, int], wait_s: float) -> Reading:
        return await self._readers.take(plan, lane, positions, wait_s)

    async def drop(self, feed: str) -> None:
        self._readers.drop(feed)

    async def close(self) -> None:
        self._readers.close()
