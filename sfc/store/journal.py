"""The store interface: what an engine needs to keep executions, in words of the domain.

Memory, SQLite and PostgreSQL pass the same contract tests (tests/contract). Methods block; the engine calls them off
its event loop. Times are UTC milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

Kind = Literal["STANDARD", "EXPRESS"]


class JournalRow(NamedTuple):
    """One fact. `position` is contiguous within its shard: a projection's checkpoint is (shard, position)."""

    position: int
    execution: int
    kind: int
    at: int
    task: int
    attempt: int
    began: int
    data: bytes
    digest: int
    """64-bit signed: what the interpreter made of this entry; a replay that differs is a divergence."""


class NewExecution(NamedTuple):
    """The index row of an execution, written with its Started entry."""

    id: int
    """`sfc.store.ids`: time-ordered, holds its shard."""
    machine: str
    """Name of the state machine."""
    name: str
    """Unique within the machine; the second one of a name is refused."""
    version: int
    """Id of the definition it runs, kept for its whole life."""
    kind: Kind
    started_at: int
    wake_at: int | None


class ExecutionChange(NamedTuple):
    """What changed in an index row: only when it starts to wait or to work again, and at its end."""

    id: int
    wake_at: int | None
    status: str = "RUNNING"
    stopped_at: int | None = None
    output: bytes | None = None
    error: str | None = None
    cause: str | None = None


WORKING = 0
"""`wake_at` of an execution with outstanding jobs: a new owner loads it at once. None: nothing to wake it (ended)."""


@dataclass(slots=True)
class Batch:
    """What one replica's executions of one shard produced since the last commit; written as one transaction.

    `rows` are in journal order with `position` already given from the lease's `next`. All executions belong to `shard`.
    """

    shard: int
    owner: str
    epoch: int
    first_position: int
    new: list[NewExecution] = field(default_factory=list)
    rows: list[JournalRow] = field(default_factory=list)
    changes: list[ExecutionChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`lost`: the lease is gone and nothing was written. `taken`: nothing was written because these executions' names
    exist already; the caller drops them (and their rows) and commits the rest again.
    """

    lost: bool = False
    taken: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Lease:
    shard: int
    owner: str
    epoch: int
    next_position: int
    last_id: int
    """The highest execution id in this shard: new ids are above it."""


class ExecutionRow(NamedTuple):
    id: int
    machine: str
    name: str
    version: int
    kind: Kind
    status: str
    started_at: int
    stopped_at: int | None
    wake_at: int | None
    output: bytes | None
    error: str | None
    cause: str | None


class Store(Protocol):
    """Durable executions. Raises Unavailable when the database cannot be reached, OutcomeUnknown when a commit's
    answer is lost.
    """

    shards: int

    def acquire(self, shard: int, owner: str) -> Lease | None:
        """Take the shard: one transaction that bumps the epoch, then reads. None while another live owner holds it."""
        ...

    def release(self, lease: Lease) -> None: ...

    def commit(self, batch: Batch) -> Outcome:
        """Write the batch in one transaction, on disk when this returns. The lease is checked by the first
        statement.
        """
        ...

    def settle(self, batch: Batch) -> bool:
        """After OutcomeUnknown: whether the batch was written."""
        ...

    def journal(self, execution: int) -> list[JournalRow]:
        """All entries of one execution in order; empty when there is none."""
        ...

    def started(self, execution: int) -> JournalRow | None:
        """The first entry: its input."""
        ...

    def awake(self, shard: int, before: int, after_id: int, limit: int) -> list[ExecutionRow]:
        """RUNNING executions with `wake_at <= before` and `id > after_id`, ordered by id."""
        ...

    def find(self, machine: str, name: str) -> ExecutionRow | None: ...

    def get(self, execution: int) -> ExecutionRow | None: ...

    def list(
        self, machine: str | None, status: str | None, before_id: int | None, limit: int
    ) -> Sequence[ExecutionRow]:
        """Newest first, ids below `before_id`."""
        ...

    def count_by_status(self, machine: str | None) -> dict[str, int]: ...

    def forget_machine(self, machine: str) -> int:
        """Delete the ended executions of a deleted machine (and their journal entries); returns how many are gone."""
        ...

    def close(self) -> None: ...
