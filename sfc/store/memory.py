"""The store in memory: for `sfc run`, tests and notebooks. Nothing outlives the process; the rules are those of every
store."""

import secrets
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from sfc.store.ids import first_id, first_position, shard_of
from sfc.store.journal import (
    WORKING,
    WRITTEN,
    Batch,
    Child,
    ExecutionRow,
    JournalRow,
    Kept,
    Lease,
    Outcome,
    Pause,
    QueuedTask,
    Waiting,
    Wanted,
)
from sfc.store.memory_feeds import MemoryFeeds


class _Shard:
    __slots__ = ("batch", "epoch", "last_id", "next", "owner")

    def __init__(self, shard: int) -> None:
        self.owner: str | None = None
        self.epoch = 0
        self.next = first_position(shard)
        self.batch = 0
        self.last_id = first_id(shard)


class MemoryStore(MemoryFeeds):
    """Executions in dictionaries under one lock."""

    inline = True

    def __init__(self, shards: int = 1) -> None:
        MemoryFeeds.__init__(self)
        self.shards = shards
        self._shards = [_Shard(shard) for shard in range(shards)]
        self._rows: dict[int, ExecutionRow] = {}
        self._ids: dict[str | None, list[int]] = {None: []}
        """Sorted ids by machine; None: all."""
        self._names: dict[tuple[str, str], int] = {}
        self._journal: dict[int, list[JournalRow]] = {}
        self._wakes: list[tuple[int, int]] = []
        """Sorted (wake_at, id) of everything RUNNING."""
        self._test_cases: dict[int, str] = {}
        self._children: dict[int, dict[Waiting, set[int]]] = {}
        """By parent and task: the executions that it started."""
        self._parents: dict[int, set[Waiting]] = {}
        self._queued: list[QueuedTask] = []
        """Sorted."""
        self._pauses: dict[tuple[int, str, str], Pause] = {}
        self._checkpoints: dict[tuple[str, int], int] = {}
        self._secret = secrets.token_bytes(32)

    def acquire(self, shard: int, owner: str) -> Lease | None:
        with self._lock:
            held = self._shards[shard]
            if held.owner not in {None, owner}:
                return None
            held.owner = owner
            held.epoch += 1
            return Lease(shard, owner, held.epoch, held.next, held.last_id)

    def release(self, lease: Lease) -> None:
        with self._lock:
            held = self._shards[lease.shard]
            if (held.owner, held.epoch) == (lease.owner, lease.epoch):
                held.owner = None

    def commit(self, batch: Batch) -> Outcome:
        with self._lock:
            lost = {
                part.shard
                for part in batch.parts
                if (self._shards[part.shard].owner, self._shards[part.shard].epoch) != (batch.owner, part.epoch)
            }
            if lost:
                return Outcome(lost=frozenset(lost))
            taken = self._taken(batch)
            if taken:
                return Outcome(taken=taken)
            self._check_feeds(part.kept for part in batch.parts if part.kept is not None)
            for part in batch.parts:
                held = self._shards[part.shard]
                held.next += len(part.rows)
                held.batch = batch.id
                for new in part.new:
                    held.last_id = max(held.last_id, new.id)
            self._write(batch)
            return WRITTEN

    def _taken(self, batch: Batch) -> frozenset[int]:
        claimed: set[tuple[str, str]] = set()
        taken = set()
        for part in batch.parts:
            for new in part.new:
                name = (new.machine, new.name)
                if new.kind == "STANDARD":
                    if name in self._names or name in claimed:
                        taken.add(new.id)
                    claimed.add(name)
        return frozenset(taken)

    def _write(self, batch: Batch) -> None:
        for part in batch.parts:
            for new in part.new:
                self._rows[new.id] = ExecutionRow(
                    new.id, new.machine, new.name, new.version, new.kind, "RUNNING", new.started_at, None, new.wake_at,
                    None, None, None, new.published, new.alias, 0, None,
                )  # fmt: skip
                self._journal[new.id] = []
                insort(self._ids[None], new.id)
                insort(self._ids.setdefault(new.machine, []), new.id)
                insort(self._wakes, (new.wake_at, new.id))
                if new.kind == "STANDARD":
                    self._names[new.machine, new.name] = new.id
            for row in part.rows:
                self._journal[row.execution].append(row)
            for change in part.changes:
                old = self._rows[change.id]
                if old.wake_at is not None:
                    del self._wakes[bisect_left(self._wakes, (old.wake_at, old.id))]
                if change.wake_at is not None:
                    insort(self._wakes, (change.wake_at, change.id))
                self._rows[change.id] = old._replace(**{name: getattr(change, name) for name in _CHANGED})
            if part.kept is not None:
                self._write_kept(part.kept)

    def _write_kept(self, kept: Kept) -> None:
        """What is kept for tasks that wait. New rows first: a task may be over in the batch that began it."""
        for child, parent in kept.children:
            self._children.setdefault(parent.execution, {}).setdefault(parent, set()).add(child)
            self._parents.setdefault(child, set()).add(parent)
        self._test_cases.update(kept.test_cases)
        for redrive in kept.redrives:
            row = self._rows[redrive.id]
            self._rows[redrive.id] = row._replace(redrives=redrive.redrives, redriven_at=redrive.at)
        self._write_feeds(kept)
        for pause in kept.pauses:
            self._pauses[pause.paused_at, pause.kind, pause.name] = pause
        for queued in kept.queued:
            insort(self._queued, queued)
        for parent in kept.answered:
            for gone in self._children.get(parent.execution, {}).pop(parent, ()):
                self._parents[gone].discard(parent)
        if kept.taken:
            taken = set(kept.taken)
            self._queued = [queued for queued in self._queued if queued.waiting not in taken]

    def settle(self, batch: Batch) -> bool:
        with self._lock:
            return any(
                self._shards[part.shard].batch == batch.id
                or (part.rows and part.rows[0] in self._journal.get(part.rows[0].execution, ()))
                for part in batch.parts
            )

    def journal(self, execution: int, after: int = 0, limit: int | None = None) -> list[JournalRow]:
        with self._lock:
            rows = self._journal.get(execution, [])
            begin = bisect_left(rows, after + 1, key=lambda row: row.position)
            return rows[begin : None if limit is None else begin + limit]

    def latest(self, execution: int, limit: int) -> list[JournalRow]:
        with self._lock:
            return self._journal.get(execution, [])[-limit:]

    def entries(self, execution: int, kind: int, after: int, limit: int) -> list[JournalRow]:
        with self._lock:
            rows = self._journal.get(execution, ())
            begin = bisect_left(rows, after + 1, key=lambda row: row.position)
            return [row for row in rows[begin:] if row.kind == kind][:limit]

    def facts(self, shard: int, after: int, limit: int) -> list[JournalRow]:
        with self._lock:
            found = [
                row
                for execution, rows in self._journal.items()
                if shard_of(execution) == shard
                for row in rows[bisect_left(rows, after + 1, key=lambda row: row.position) :]
            ]
        return sorted(found)[:limit]

    def checkpoint(self, reader: str, shard: int) -> int:
        with self._lock:
            return self._checkpoints.get((reader, shard), 0)

    def put_checkpoint(self, reader: str, shard: int, position: int) -> None:
        with self._lock:
            self._checkpoints[reader, shard] = position

    def started(self, execution: int) -> JournalRow | None:
        with self._lock:
            rows = self._journal.get(execution)
            return rows[0] if rows else None

    def awake(self, shard: int, before: int, after: tuple[int, int], limit: int) -> list[ExecutionRow]:
        found: list[ExecutionRow] = []
        with self._lock:
            for index in range(bisect_left(self._wakes, (after[0], after[1] + 1)), len(self._wakes)):
                wake_at, execution = self._wakes[index]
                if wake_at > before or len(found) == limit:
                    break
                if shard_of(execution) == shard:
                    found.append(self._rows[execution])
        return found

    def parked(self, shard: int, after: tuple[int, int], limit: int) -> list[ExecutionRow]:
        with self._lock:
            end = bisect_left(self._wakes, min(after, (WORKING, 0)))
            found = (self._rows[id] for _wake_at, id in reversed(self._wakes[:end]) if shard_of(id) == shard)
            return list(islice(found, limit))

    def pauses(self) -> list[Pause]:
        with self._lock:
            return [pause for _key, pause in sorted(self._pauses.items())]

    def put_pause(self, pause: Pause) -> None:
        with self._lock:
            self._pauses[pause.paused_at, pause.kind, pause.name] = pause

    def forget_pauses(self, kind: str, name: str, before: int) -> None:
        with self._lock:
            for key in [key for key in self._pauses if key[0] < before and key[1:] == (kind, name)]:
                del self._pauses[key]

    def secret(self) -> bytes:
        return self._secret

    def parents(self, execution: int) -> list[Waiting]:
        with self._lock:
            return sorted(self._parents.get(execution, ()))

    def children(self, execution: int) -> list[Child]:
        with self._lock:
            waiting = self._children.get(execution, {})
            return sorted(Child(child, parent) for parent, started in waiting.items() for child in started)

    def ended_children(self, shard: int, after: Child, limit: int) -> list[Child]:
        with self._lock:
            ended = [
                Child(child, parent)
                for child, parents in self._parents.items()
                for parent in parents
                if (child, parent) > after and shard_of(parent.execution) == shard and not self._is_running(child)
            ]
        return sorted(ended)[:limit]

    def orphans(self, shard: int, after: Child, limit: int) -> list[Child]:
        with self._lock:
            orphans = [
                Child(child, parent)
                for child, parents in self._parents.items()
                for parent in parents
                if (child, parent) > after
                and shard_of(parent.execution) == shard
                and self._is_running(child)
                and not self._is_running(parent.execution)
            ]
        return sorted(orphans)[:limit]

    def _is_running(self, execution: int) -> bool:
        row = self._rows.get(execution)
        return row is not None and row.status == "RUNNING"

    def queue(self, activity: str, limit: int) -> list[QueuedTask]:
        with self._lock:
            return [queued for queued in self._queued if queued.activity == activity][:limit]

    def find(self, machine: str, name: str) -> ExecutionRow | None:
        with self._lock:
            execution = self._names.get((machine, name))
            return None if execution is None else self._rows[execution]

    def get(self, execution: int) -> ExecutionRow | None:
        with self._lock:
            return self._rows.get(execution)

    def list(self, wanted: Wanted, before_id: int | None, limit: int) -> Sequence[ExecutionRow]:
        found: list[ExecutionRow] = []
        with self._lock:
            ids = self._ids.get(wanted.machine, [])
            index = len(ids) if before_id is None else bisect_left(ids, before_id)
            while index > 0 and len(found) < limit:
                index -= 1
                row = self._rows[ids[index]]
                if _is_wanted(row, wanted):
                    found.append(row)
        return found

    def test_cases(self) -> dict[int, str]:
        with self._lock:
            return {id: name for id, name in self._test_cases.items() if self._rows[id].status == "RUNNING"}

    def oldest_pin(self) -> int | None:
        with self._lock:
            running = [id for id, row in self._rows.items() if row.status == "RUNNING"]
            pins = [row.attempt for id in running for row in self._journal.get(id, ())[:1]]
            return min(filter(None, pins), default=None)

    def count_by_status(self, machine: str | None) -> dict[str, int]:
        with self._lock:
            return dict(Counter(self._rows[execution].status for execution in self._ids.get(machine, ())))

    def forget_machine(self, machine: str) -> int:
        with self._lock:
            family = [name for name in self._ids if name is not None and _in_family(name, machine)]
            gone: set[int] = set()
            for name in family:
                ids = self._ids[name]
                ended = {execution for execution in ids if self._rows[execution].status != "RUNNING"}
                self._ids[name] = [execution for execution in ids if execution not in ended]
                gone |= ended
            for execution in gone:
                row = self._rows.pop(execution)
                self._names.pop((row.machine, row.name), None)
                del self._journal[execution]
                self._test_cases.pop(execution, None)
            self._ids[None] = [execution for execution in self._ids[None] if execution not in gone]
            return len(gone)

    def close(self) -> None:
        with self._lock:
            for held in self._shards:
                held.owner = None


def _is_wanted(row: ExecutionRow, wanted: Wanted) -> bool:
    return (
        wanted.status in (None, row.status)
        and wanted.published in (None, row.published)
        and wanted.alias in (None, row.alias)
        and wanted.redriven in (None, row.redrives > 0)
        and (wanted.family is None or _in_family(row.machine, wanted.family))
        and (wanted.names is None or wanted.names[0] <= row.name < wanted.names[1])
    )


def _in_family(name: str, machine: str) -> bool:
    return name == machine or name.startswith(f"{machine}/")


_CHANGED = ("wake_at", "status", "stopped_at", "output", "error", "cause")
