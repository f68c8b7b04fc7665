"""The embedded store: one SQLite file (WAL, `synchronous=FULL`), one engine at a time.

*Where a commit runs.* Measured with 32 executions in flight, 2 cores: on an otherwise idle event loop a commit in a
thread and one on the loop give the same rate (4,300 executions a second), at one in flight the loop gives twice that
of a thread (1,000 against 500). When the loop has other Python work, a committer thread waits up to 5 ms for the
interpreter lock after each statement: 100 executions a second in a thread, 2,800 on the loop. So `inline` is True: a
commit takes less than a millisecond, and while it runs the next batch gathers in the sockets. (Statements of many
rows or `executemany`: no difference on the loop.)

*Leases.* A lock on `<file>.lock`, held by the process, is freed by the kernel when the process dies: the next one
takes over at once. The epoch fences what a store of the same process may still write.
"""

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Final, TypeAlias

from sfc.errors import OutcomeUnknown, Unavailable
from sfc.store import schema, sql
from sfc.store.ids import first_id, first_position
from sfc.store.journal import (
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
from sfc.store.sqlite_feeds import SqliteFeeds, prune, write_feeds

BUSY_MS: Final = 5_000
Rows: TypeAlias = list[Any]


class SqliteStore(SqliteFeeds):
    """Executions in the SQLite database at `path`, made when it does not exist."""

    inline = True

    def __init__(self, path: str | Path, shards: int = 1) -> None:
        """Raises Unavailable when the file cannot be opened or is no database."""
        self.path = Path(path)
        self.shards = shards
        self._lock_file: int | None = None
        self._owners: dict[int, str] = {}
        self._writing = RLock()
        self._reading = RLock()
        try:
            self._writer = _connect(self.path)
            if not schema.is_current(self._writer):
                schema.upgrade(f"sqlite:///{self.path}")
            self._reader = _connect(self.path)
            self._writer.executemany(sql.ADD_SHARD, [(shard, first_position(shard)) for shard in range(shards)])
            self._writer.execute(sql.ADD_KEY, (secrets.token_bytes(32),))
            self._secret: bytes = self._writer.execute(sql.KEY).fetchone()[0]
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"cannot open the database {self.path}: {error}") from error

    def acquire(self, shard: int, owner: str) -> Lease | None:
        with self._writing:
            if self._owners.get(shard, owner) != owner or not self._lock():
                return None
            with self._transaction():
                epoch, position = self._writer.execute(sql.TAKE_OVER, (owner, shard)).fetchall()[0]
                last = self._writer.execute(sql.LAST_ID, (shard,)).fetchone()
            self._owners[shard] = owner
        return Lease(shard, owner, epoch, position, last[0] if last else first_id(shard))

    def release(self, lease: Lease) -> None:
        with self._writing:
            with self._transaction():
                freed = self._writer.execute(sql.RELEASE, (lease.shard, lease.owner, lease.epoch)).rowcount
            if freed:
                self._owners.pop(lease.shard, None)
            if not self._owners:
                self._unlock()

    def commit(self, batch: Batch) -> Outcome:
        with self._writing:
            with self._transaction() as transaction:
                outcome = self._write(batch)
                if not outcome.written:
                    transaction.abandon()
            return outcome

    def _write(self, batch: Batch) -> Outcome:
        writer = self._writer
        lost = [
            part.shard
            for part in batch.parts
            if not writer.execute(sql.FENCE, (len(part.rows), batch.id, part.shard, batch.owner, part.epoch)).rowcount
        ]
        if lost:
            return Outcome(lost=frozenset(lost))
        new = sorted(
            (sql.new_row(new, part.shard) for part in batch.parts for new in part.new),
            key=lambda row: (row[1], row[2]),
        )
        if new and sql.insert_executions(writer, new) < len(new):
            return Outcome(taken=frozenset(row[0] for row in new if not writer.execute(sql.GET, row[:1]).fetchall()))
        sql.insert_journal(writer, [row for part in batch.parts for row in part.rows])
        sql.change_executions(writer, [change for part in batch.parts for change in part.changes])
        for part in batch.parts:
            if part.kept is not None:
                self._write_kept(part.kept)
        return WRITTEN

    def _write_kept(self, kept: Kept) -> None:
        for statement, rows in (
            (sql.ADD_CHILD, [(child, *parent) for child, parent in kept.children]),
            (sql.ENQUEUE, [(activity, at, *waiting) for activity, at, waiting in kept.queued]),
            (sql.END_CHILD, kept.answered),
            (sql.DEQUEUE, kept.taken),
            (sql.ADD_TEST_CASE, kept.test_cases),
            (sql.REDRIVE, [(each.redrives, each.at, each.id) for each in kept.redrives]),
            (sql.PUT_PAUSE, kept.pauses),
        ):
            if rows:
                self._writer.executemany(statement, rows)
        write_feeds(self._writer, kept)

    def settle(self, batch: Batch) -> bool:
        with self._writing, _reachable("settle a commit"):
            for part in batch.parts:
                if (
                    self._writer.execute("SELECT batch FROM shards WHERE shard = ?", (part.shard,)).fetchone()[0]
                    == batch.id
                ):
                    return True
                # Another owner may have gone on since; what stands at the batch's place tells then.
                if part.rows:
                    found = self._writer.execute(sql.AT_POSITION, (part.rows[0].position,)).fetchone()
                    if found is not None and JournalRow(*found) == part.rows[0]:
                        return True
        return False

    def journal(self, execution: int, after: int = 0, limit: int | None = None) -> list[JournalRow]:
        most = -1 if limit is None else limit
        return [JournalRow(*row) for row in self._read(sql.JOURNAL, execution, after, most)]

    def latest(self, execution: int, limit: int) -> list[JournalRow]:
        return [JournalRow(*row) for row in reversed(self._read(sql.LATEST, execution, limit))]

    def entries(self, execution: int, kind: int, after: int, limit: int) -> list[JournalRow]:
        return [JournalRow(*row) for row in self._read(sql.ENTRIES, execution, kind, after, limit)]

    def facts(self, shard: int, after: int, limit: int) -> list[JournalRow]:
        begin = max(after, first_position(shard) - 1)
        return [JournalRow(*row) for row in self._read(sql.FACTS, begin, first_position(shard + 1), limit)]

    def checkpoint(self, reader: str, shard: int) -> int:
        rows = self._read(sql.CHECKPOINT, reader, shard)
        return int(rows[0][0]) if rows else 0

    def put_checkpoint(self, reader: str, shard: int, position: int) -> None:
        with self._writing, self._transaction():
            self._writer.execute(sql.PUT_CHECKPOINT, (reader, shard, position))

    def started(self, execution: int) -> JournalRow | None:
        rows = self._read(sql.STARTED, execution)
        return JournalRow(*rows[0]) if rows else None

    def awake(self, shard: int, before: int, after: tuple[int, int], limit: int) -> list[ExecutionRow]:
        return [ExecutionRow(*row) for row in self._read(sql.AWAKE, shard, before, *after, limit)]

    def parked(self, shard: int, after: tuple[int, int], limit: int) -> list[ExecutionRow]:
        return [ExecutionRow(*row) for row in self._read(sql.PARKED, shard, *after, limit)]

    def pauses(self) -> list[Pause]:
        return [Pause(*row) for row in self._read(sql.PAUSES)]

    def put_pause(self, pause: Pause) -> None:
        with self._writing, self._transaction():
            self._writer.execute(sql.PUT_PAUSE, pause)

    def forget_pauses(self, kind: str, name: str, before: int) -> None:
        with self._writing, self._transaction():
            self._writer.execute(sql.FORGET_PAUSES, (kind, name, before))

    def secret(self) -> bytes:
        return self._secret

    def parents(self, execution: int) -> list[Waiting]:
        return [Waiting(*row) for row in self._read(sql.PARENTS, execution)]

    def children(self, execution: int) -> list[Child]:
        return self._children(sql.CHILDREN, execution)

    def _children(self, text: str, *values: object) -> list[Child]:
        return [Child(child, Waiting(*parent)) for child, *parent in self._read(text, *values)]

    def ended_children(self, shard: int, after: Child, limit: int) -> list[Child]:
        return self._children(sql.ENDED_CHILDREN, shard, after.child, *after.parent, limit)

    def orphans(self, shard: int, after: Child, limit: int) -> list[Child]:
        return self._children(sql.ORPHANS, shard, after.child, *after.parent, limit)

    def queue(self, activity: str, limit: int) -> list[QueuedTask]:
        rows = self._read(sql.QUEUE, activity, limit)
        return [QueuedTask(name, at, Waiting(*waiting)) for name, at, *waiting in rows]

    def find(self, machine: str, name: str) -> ExecutionRow | None:
        rows = self._read(sql.FIND, machine, name)
        return ExecutionRow(*rows[0]) if rows else None

    def get(self, execution: int) -> ExecutionRow | None:
        rows = self._read(sql.GET, execution)
        return ExecutionRow(*rows[0]) if rows else None

    def test_cases(self) -> dict[int, str]:
        return dict(self._read(sql.TEST_CASES))

    def oldest_pin(self) -> int | None:
        ((found,),) = self._read(sql.OLDEST_PIN)
        return None if found is None else int(found)

    def list(self, wanted: Wanted, before_id: int | None, limit: int) -> Sequence[ExecutionRow]:
        text, values = sql.listing(wanted)
        above = before_id if before_id is not None else (1 << 63) - 1
        return [ExecutionRow(*row) for row in self._read(text, *values, above, limit)]

    def count_by_status(self, machine: str | None) -> dict[str, int]:
        rows = self._read(sql.COUNT) if machine is None else self._read(sql.COUNT_OF_MACHINE, machine)
        return dict(rows)

    def forget_machine(self, machine: str) -> int:
        gone = 0
        while True:
            with self._writing, self._transaction():
                ended = self._writer.execute(sql.ENDED, sql.family(machine)).fetchall()
                self._writer.executemany(sql.FORGET_ENTRIES, ended)
                self._writer.executemany(sql.FORGET_TEST_CASE, ended)
                self._writer.executemany(sql.FORGET_EXECUTION, ended)
            if not ended:
                return gone
            gone += len(ended)

    def prune_dead_letters(self, keep: int, since: int) -> int:
        with self._writing, self._transaction():
            return prune(self._writer, keep, since)

    def close(self) -> None:
        with self._writing, self._reading:
            self._owners.clear()
            self._unlock()
            self._reader.close()
            self._writer.close()

    def _read(self, text: str, *values: object) -> Rows:
        with self._reading, _reachable("read"):
            return self._reader.execute(text, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator["_Transaction"]:
        """One transaction of the writer. Raises Unavailable when it certainly was not written, else OutcomeUnknown."""
        transaction = _Transaction()
        with _reachable("write"):
            self._writer.execute("BEGIN IMMEDIATE")
        try:
            with _reachable("write"):
                yield transaction
        except BaseException:
            self._roll_back()
            raise
        if transaction.abandoned:
            self._roll_back()
            return
        try:
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            if self._writer.in_transaction:  # busy or full: the transaction stands as it was
                self._roll_back()
                raise Unavailable(f"the database could not commit: {error}") from error
            raise OutcomeUnknown(f"the database did not confirm a commit: {error}") from error

    def _roll_back(self) -> None:
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            # A connection that cannot even roll back is of no more use; what it had not committed goes with it.
            self._writer.close()
            self._writer = _connect(self.path)

    def _lock(self) -> bool:
        if self._lock_file is None:
            file = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(file)
                return False
            self._lock_file = file
        return True

    def _unlock(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None


class _Transaction:
    __slots__ = ("abandoned",)

    def __init__(self) -> None:
        self.abandoned = False

    def abandon(self) -> None:
        """Write nothing after all."""
        self.abandoned = True


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=BUSY_MS / 1000
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextmanager
def _reachable(what: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.ProgrammingError, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.IntegrityError):
            raise
        raise Unavailable(f"the database could not {what}: {error}") from error
