"""Which executions are in memory, and how the others come back there.

An execution leaves when it ends, when it only waits for a far timer, and when a commit of it failed: then what memory
says of it is wrong, and it is read and replayed again. Reading takes a while in a thread, and what was read is stale
when the execution has been here and left again meanwhile: `_left` tells.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from sfc.arn import Partition
from sfc.catalog.catalog import Catalog
from sfc.engine.records import ExecutionRecord
from sfc.engine.resident import Divergence, Resident, Stored, pinned, revive
from sfc.engine.stored_journal import StoredJournal
from sfc.engine.threads import Threads
from sfc.errors import SfcError, Unavailable
from sfc.store.journal import ExecutionRow, JournalRow, Kept, Store

log = logging.getLogger(__name__)
Revived = list[tuple[ExecutionRow, Resident | Exception]]
_STORY = 5
_RECENT = 10_000
_RECENT_CHARS = 2_000
"""Together at most some 20 MB; larger ones are read from the store."""


class Residence:
    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        partition: Partition,
        threads: Threads,
        page: int,
        owns: Callable[[int], bool],
        go_on: Callable[[Resident], None],
        left: Callable[[Resident], None],
    ) -> None:
        """`owns` tells whether a shard is ours; `go_on` is called with each execution that came back, `left` with each
        that is no longer here."""
        self.store = store
        self.catalog = catalog
        self.partition = partition
        self.all: dict[int, Resident] = {}
        self.names: dict[tuple[str, str], int] = {}
        """STANDARD ones by machine and name."""
        self.broken: dict[int, str] = {}
        """Executions that are not acted for, and why."""
        self.test_cases: dict[int, str] = {}
        """By execution, of those that were started as one."""
        self._recent: dict[tuple[str, str], ExecutionRecord] = {}
        self._page = page
        self._secret = store.secret()
        self._owns = owns
        self._go_on = go_on
        self._tell_left = left
        self._threads = threads
        self._loading: dict[int, asyncio.Future[bool]] = {}
        self._readings = 0
        self._departures = 0
        self._left: dict[int, int] = {}
        """Executions that left while something was being read: the number of their departure."""

    def enter(self, resident: Resident) -> None:
        self.all[resident.id] = resident
        if resident.kind == "STANDARD":
            self.names[resident.machine, resident.name] = resident.id

    def leave(self, resident: Resident) -> None:
        self.all.pop(resident.id, None)
        if resident.kind == "STANDARD":
            self.names.pop((resident.machine, resident.name), None)
        if self._readings:
            self._departures += 1
            self._left[resident.id] = self._departures
        self._tell_left(resident)

    def remember(self, record: ExecutionRecord) -> None:
        """Keep how a STANDARD execution ended for a while: whoever started it usually asks soon."""
        if len(record.input or "") + len(record.output or "") + len(record.cause or "") <= _RECENT_CHARS:
            recent = self._recent
            recent[record.machine, record.name] = record
            if len(recent) > _RECENT:
                del recent[next(iter(recent))]

    def recent(self, machine: str, name: str) -> ExecutionRecord | None:
        """The end of an execution, if it came a short while ago."""
        return self._recent.get((machine, name))

    def again(self, machine: str, name: str) -> None:
        """The execution has not ended after all."""
        self._recent.pop((machine, name), None)

    async def load_ended(self, row: ExecutionRow) -> Resident:
        """An execution that has ended, with all that it lost on the way; it is not entered here. Raises Divergence."""

        def read() -> Resident:
            stored = Stored(row, StoredJournal(self.store, row.id), (), (), self.test_cases.get(row.id))
            return self._revived(stored, keeps=True)

        return await self._threads.call(read)

    def forget(self, machine: str) -> None:
        """The machine is gone, and with it its executions."""
        self._recent = {key: record for key, record in self._recent.items() if key[0] != machine}

    def keep_case(self, resident: Resident) -> Kept:
        """Remember which test case a new execution is; what its first commit keeps of that."""
        assert resident.case is not None
        self.test_cases[resident.id] = resident.case.name
        return Kept(test_cases=[(resident.id, resident.case.name)])

    def set_aside(self, resident: Resident, reason: str) -> None:
        """Act for it no more."""
        resident.broken = True
        self.leave(resident)
        self.broken[resident.id] = reason

    async def load(self, id: int, shard: int) -> Resident | None:
        """The execution, read and replayed when it is not here. None: it has ended, is unknown, or broken.

        Raises Unavailable, also when another engine has the shard.
        """
        while id not in self.all and id not in self.broken:
            if not self._owns(shard):
                raise Unavailable("another engine has taken over this execution")
            loading = self._loading.get(id)
            if loading is None:
                loading = self._loading[id] = asyncio.ensure_future(self._load(id))
            if not await asyncio.shield(loading):
                return None
        return self.all.get(id)

    async def _load(self, id: int) -> bool:
        """Whether there is such an execution. It may be gone from here again when this is heard."""

        def read() -> tuple[list[ExecutionRow], Revived]:
            row = self.store.get(id)
            rows = [] if row is None or row.status != "RUNNING" else [row]
            return rows, self._revive(rows)

        try:
            rows, stale = await self._bring(read)
        finally:  # before anybody hears of it: who then reads again would find this one, which is over, for ever
            del self._loading[id]
        return bool(rows) or id in stale

    async def load_page(self, shard: int, before: int, after: tuple[int, int]) -> list[ExecutionRow]:
        """Bring executions in that are to wake until `before`; returns their rows, in order of (wake_at, id)."""

        def read() -> tuple[list[ExecutionRow], Revived]:
            rows = self.store.awake(shard, before, after, self._page)
            return rows, self._revive([row for row in rows if row.id not in self.all and row.id not in self.broken])

        rows, _stale = await self._bring(read)
        return rows

    async def load_parked(
        self, shard: int, after: tuple[int, int], limit: int, wanted: Callable[[ExecutionRow], bool]
    ) -> list[ExecutionRow]:
        """Bring those of a page of parked executions in that are wanted; returns all rows of the page, in their
        order."""

        def read() -> tuple[list[ExecutionRow], Revived]:
            rows = self.store.parked(shard, after, limit)
            return rows, self._revive([row for row in rows if row.id not in self.all and wanted(row)])

        rows, _stale = await self._bring(read)
        return rows

    async def _bring(
        self, read: Callable[[], tuple[list[ExecutionRow], Revived]]
    ) -> tuple[list[ExecutionRow], set[int]]:
        self._readings += 1
        began = self._departures
        try:
            rows, revived = await self._threads.call(read)
            # What left before this reading began, was read as it left.
            stale = {row.id for row, _ in revived if self._left.get(row.id, 0) > began}
            for row, resident in revived:
                if row.id not in stale and row.id not in self.all and row.id not in self.broken:
                    self._settle_in(row, resident)
        finally:
            self._readings -= 1
            if not self._readings:
                self._left.clear()
        return rows, stale

    def _revived(self, stored: Stored, *, keeps: bool = False) -> Resident:
        version = self.catalog.version(stored.row.version)
        machine = self.catalog.bindings.machine(version, stored.row.machine, pinned(stored.journal))
        return revive(self.partition, version, machine, stored, self._secret, keeps=keeps)

    def _revive(self, rows: Sequence[ExecutionRow]) -> Revived:
        revived: Revived = []
        for row in rows:
            store, id = self.store, row.id
            stored = Stored(
                row, StoredJournal(store, id), store.parents(id), store.children(id), self.test_cases.get(id)
            )
            try:
                revived.append((row, self._revived(stored)))
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001  one execution that cannot live must not keep the others out
                revived.append((row, error))
        return revived

    def _settle_in(self, row: ExecutionRow, resident: Resident | Exception) -> None:
        if not isinstance(resident, Exception):
            self.enter(resident)
            self._go_on(resident)
            return
        what = "diverged" if isinstance(resident, Divergence) else "cannot be replayed"
        self.broken[row.id] = f"{what}: {resident!r}"
        story = self.story(row.id)
        log.error("execution %s of %s %s: %r; last entries %s", row.name, row.machine, what, resident, story)

    def story(self, id: int) -> list[JournalRow]:
        """The last entries, for the log."""
        try:
            return self.store.latest(id, _STORY)
        except SfcError:
            return []
