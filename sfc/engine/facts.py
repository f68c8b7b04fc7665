"""The journal as its readers see it: all facts of a shard in order, and what an execution was made of them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sfc.catalog.version import Version
from sfc.engine.host import Host
from sfc.engine.resident import info_of, pinned, replay
from sfc.engine.stored_journal import StoredJournal
from sfc.interpreter import Run
from sfc.store.ids import first_position
from sfc.store.journal import ExecutionRow, JournalRow

T = TypeVar("T")


class Facts:
    """Raises Unavailable while the store cannot be reached."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.shards: Sequence[int] = ()
        """Those of this engine, once it is open."""

    def owns(self, shard: int) -> bool:
        """Whether no other engine has taken the shard over."""
        return self._host.committer.owns(shard)

    def end(self, shard: int) -> int:
        """The position of the last fact that is written. Costs nothing."""
        return self._host.committer.next_position(shard) - 1

    def first(self, shard: int) -> int:
        """Where the shard's positions begin."""
        return first_position(shard)

    async def page(self, shard: int, after: int, limit: int) -> Sequence[JournalRow]:
        """The next facts behind a position; those of executions that are forgotten are not there."""
        return await self.compute(lambda: self._host.store.facts(shard, after, limit))

    async def checkpoint(self, reader: str, shard: int) -> int:
        """The position that the reader of this name has put there; 0: none."""
        return await self.compute(lambda: self._host.store.checkpoint(reader, shard))

    async def put_checkpoint(self, reader: str, shard: int, position: int) -> None:
        """It is on disk when this returns."""
        await self.compute(lambda: self._host.store.put_checkpoint(reader, shard, position))

    async def compute(self, work: Callable[[], T]) -> T:
        """Do something that blocks beside the event loop."""
        return await self._host.threads.call(work)

    def execution(self, id: int) -> ExecutionRow | None:
        """Blocks."""
        return self._host.store.get(id)

    def version(self, row: ExecutionRow) -> Version:
        """What the execution runs. Blocks."""
        return self._host.catalog.version(row.version)

    def replayed(self, row: ExecutionRow, before: int) -> Run:
        """The execution as it was before the fact at this position; its run records events from then on. Blocks."""
        host, journal = self._host, StoredJournal(self._host.store, row.id)
        version = self.version(row)
        info = info_of(host.partition, version, row, host.secret)
        machine = host.catalog.bindings.machine(version, row.machine, pinned(journal))
        run = replay(machine, info, journal, record=True, check=False, before=before)
        run.events = []
        return run
