"""The store interface: what an engine needs to keep executions, in words of the domain.

Memory, SQLite and PostgreSQL pass the same contract tests (tests/contract). Methods block and may be called from any
thread. Times are UTC milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from sfc.store.feeds import DeadLetter, FeedStore, Move

Kind = Literal["STANDARD", "EXPRESS"]


class JournalRow(NamedTuple):
    """One fact. `position` is contiguous within its shard, which its top bits hold (`sfc.store.ids`): a projection's
    checkpoint is one position per shard."""

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
    """Unique within the machine for STANDARD; the second one of a name is refused."""
    version: int
    """Id of the definition it runs, kept for its whole life."""
    kind: Kind
    started_at: int
    wake_at: int
    published: int | None = None
    """The published version that it was started through, by itself or by an alias."""
    alias: str | None = None
    """The alias that it was started through."""


class ExecutionChange(NamedTuple):
    """What changed in an index row: only when it starts to wait or to work again, and at its end."""

    id: int
    wake_at: int | None
    status: str = "RUNNING"
    stopped_at: int | None = None
    output: bytes | None = None
    error: str | None = None
    cause: str | None = None


class Waiting(NamedTuple):
    """One attempt of a task that waits for something the store keeps."""

    execution: int
    task: int
    attempt: int


class Child(NamedTuple):
    """An execution that a task of another one started; it stays until the task's answer is written."""

    child: int
    parent: Waiting


class QueuedTask(NamedTuple):
    """A task of an activity that no worker has taken yet. Tasks are handed out in the order of `(at, execution,
    task)`."""

    activity: str
    at: int
    waiting: Waiting


class Redrive(NamedTuple):
    """An execution that had ended goes on. Its change says the rest; both are of one batch."""

    id: int
    redrives: int
    """How often it was redriven, this time included."""
    at: int


class Pause(NamedTuple):
    """One time in which nothing of a blueprint, or of a group, is begun. Times are UTC ms."""

    kind: str
    """`blueprint` or `group`."""
    name: str
    paused_at: int
    resumed_at: int | None = None
    drained_at: int | None = None
    """When all that was held had gone out."""
    rate: float | None = None
    """What was held goes out so many a second."""


@dataclass(slots=True)
class Kept:
    """What a batch changes in what the store keeps beside the journal, above all for tasks that wait; the new rows are
    written first."""

    children: list[Child] = field(default_factory=list)
    queued: list[QueuedTask] = field(default_factory=list)
    answered: list[Waiting] = field(default_factory=list)
    """Tasks whose `Child` goes, if there is one."""
    taken: list[Waiting] = field(default_factory=list)
    """Tasks whose `QueuedTask` goes, if there is one."""
    test_cases: list[tuple[int, str]] = field(default_factory=list)
    """(execution, name of its test case)."""
    redrives: list[Redrive] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    """Positions in topics, each at most once in a batch. One that is not what it must be: nothing is written."""
    dead_letters: list[DeadLetter] = field(default_factory=list)
    published: list[tuple[int, int]] = field(default_factory=list)
    """(dead letter, UTC ms)."""
    buried: list[int] = field(default_factory=list)
    """Dead letters that go. One that is gone already: nothing is written."""
    pauses: list[Pause] = field(default_factory=list)
    """Each takes the place of the one of the same kind, name and `paused_at`."""

    def add(self, other: "Kept") -> None:
        self.children += other.children
        self.queued += other.queued
        self.answered += other.answered
        self.taken += other.taken
        self.test_cases += other.test_cases
        self.redrives += other.redrives
        self.moves += other.moves
        self.dead_letters += other.dead_letters
        self.published += other.published
        self.buried += other.buried
        self.pauses += other.pauses


WORKING = 0
"""`wake_at` of an execution that its owner keeps in memory: a new owner loads it at once. None: it has ended.

Below zero: it is parked. Its time, without the sign, has come or is near, but it is paused; it wakes when that is over.
"""


@dataclass(slots=True)
class Part:
    """What the executions of one shard produced: `rows` in journal order, numbered from `first_position`, which is the
    lease's next one."""

    shard: int
    epoch: int
    first_position: int
    new: list[NewExecution] = field(default_factory=list)
    rows: list[JournalRow] = field(default_factory=list)
    changes: list[ExecutionChange] = field(default_factory=list)
    kept: Kept | None = None


@dataclass(slots=True)
class Batch:
    """What one replica's executions produced since its last commit; written as one transaction.

    `id` (63 bits, random) tells after a lost answer whether the batch was written.
    """

    id: int
    owner: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Both empty: written. Otherwise nothing was: `lost` are the shards whose lease is gone, `taken` the executions
    whose names exist already. The caller drops these and commits the rest again."""

    lost: frozenset[int] = frozenset()
    taken: frozenset[int] = frozenset()

    @property
    def written(self) -> bool:
        return not self.lost and not self.taken


WRITTEN = Outcome()


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
    error: str | None
    cause: str | None
    output: bytes | None
    published: int | None
    alias: str | None
    redrives: int
    redriven_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which executions a list shall hold; None: any."""

    machine: str | None = None
    family: str | None = None
    """A machine, and the children of its distributed Maps (`machine/label`)."""
    names: tuple[str, str] | None = None
    """From the first on, below the second."""
    status: str | None = None
    published: int | None = None
    alias: str | None = None
    redriven: bool | None = None


class Store(FeedStore, Protocol):
    """Durable executions. Raises Unavailable when the database cannot be reached, OutcomeUnknown when a commit's
    answer is lost."""

    shards: int
    inline: bool
    """Whether a commit costs less than handing it to a thread: a local file, no network."""

    def acquire(self, shard: int, owner: str) -> Lease | None:
        """Take the shard: one transaction that bumps the epoch, then reads. None while another live owner holds it.

        The owner itself gets it again, under a new epoch: what it held before is void.
        """
        ...

    def release(self, lease: Lease) -> None:
        """Give the shard up; nothing happens when it is lost already."""
        ...

    def commit(self, batch: Batch) -> Outcome:
        """Write the batch in one transaction, on disk when this returns. Every part's lease is checked first.

        Raises Superseded, with nothing written, when a position or dead letter is not as the batch has it."""
        ...

    def settle(self, batch: Batch) -> bool:
        """After OutcomeUnknown: whether the batch was written. When not, it may be committed again."""
        ...

    def journal(self, execution: int, after: int = 0, limit: int | None = None) -> list[JournalRow]:
        """The entries of one execution behind the position `after`, in order, at most `limit`."""
        ...

    def latest(self, execution: int, limit: int) -> list[JournalRow]:
        """Its last entries, in order."""
        ...

    def entries(self, execution: int, kind: int, after: int, limit: int) -> list[JournalRow]:
        """Entries of one kind behind the position `after`, in order."""
        ...

    def facts(self, shard: int, after: int, limit: int) -> list[JournalRow]:
        """Entries of all executions of the shard behind the position `after`, in order; 0: from the first on. Those
        of executions that are forgotten are not there."""
        ...

    def checkpoint(self, reader: str, shard: int) -> int:
        """The position up to which a reader of the journal has done its work; 0: it has not begun."""
        ...

    def put_checkpoint(self, reader: str, shard: int, position: int) -> None:
        """On disk when this returns."""
        ...

    def started(self, execution: int) -> JournalRow | None:
        """The first entry: its input."""
        ...

    def awake(self, shard: int, before: int, after: tuple[int, int], limit: int) -> list[ExecutionRow]:
        """RUNNING executions of the shard with `wake_at <= before` and `(wake_at, id) > after`, in that order."""
        ...

    def parked(self, shard: int, after: tuple[int, int], limit: int) -> list[ExecutionRow]:
        """Executions of the shard that are parked, by time and then id, both falling, `(wake_at, id) < after`: those
        that should have gone on first come first."""
        ...

    def pauses(self) -> list[Pause]:
        """All that are kept, the oldest first."""
        ...

    def put_pause(self, pause: Pause) -> None:
        """Keep it, in the place of the one of the same kind, name and `paused_at`; on disk when this returns."""
        ...

    def forget_pauses(self, kind: str, name: str, before: int) -> None:
        """Delete those that began before this time."""
        ...

    def secret(self) -> bytes:
        """32 bytes of chance, always the same for this store."""
        ...

    def parents(self, execution: int) -> list[Waiting]:
        """The tasks that started this execution, or attached themselves to it, and have no answer yet."""
        ...

    def children(self, execution: int) -> list[Child]:
        """The executions that tasks of this one wait for."""
        ...

    def ended_children(self, shard: int, after: Child, limit: int) -> list[Child]:
        """Those of parents in the shard whose execution `child` has ended (or is forgotten), in order, above
        `after`."""
        ...

    def orphans(self, shard: int, after: Child, limit: int) -> list[Child]:
        """RUNNING executions that were started by tasks of parents in the shard that have ended, in order, above
        `after`."""
        ...

    def test_cases(self) -> dict[int, str]:
        """The RUNNING executions that were started as test cases."""
        ...

    def oldest_pin(self) -> int | None:
        """The lowest change of tasks that a RUNNING execution pinned; None: none has pinned one."""
        ...

    def queue(self, activity: str, limit: int) -> list[QueuedTask]:
        """The first tasks that wait for a worker, in order."""
        ...

    def find(self, machine: str, name: str) -> ExecutionRow | None:
        """The STANDARD execution of that name."""
        ...

    def get(self, execution: int) -> ExecutionRow | None: ...

    def list(self, wanted: Wanted, before_id: int | None, limit: int) -> Sequence[ExecutionRow]:
        """Newest first, ids below `before_id`."""
        ...

    def count_by_status(self, machine: str | None) -> dict[str, int]: ...

    def forget_machine(self, machine: str) -> int:
        """Delete the ended executions of a deleted machine and of its distributed Maps (`machine/label`), with their
        journal entries; returns how many are gone."""
        ...

    def close(self) -> None:
        """Give up what is held; leases become free for others."""
        ...
