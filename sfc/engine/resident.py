"""An execution in memory, and how it comes back there: by replay of its journal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sfc.arn import Partition
from sfc.asl.model import StateMachine
from sfc.catalog.version import Version
from sfc.engine.mocked import CaseCalls
from sfc.engine.records import ExecutionRecord
from sfc.engine.run_id import express_run, map_run_arn
from sfc.engine.stored_journal import StoredJournal
from sfc.errors import SfcError
from sfc.interpreter import ExecutionInfo, Run, step
from sfc.interpreter.commands import Command
from sfc.interpreter.entries import Entry, decode
from sfc.store.ids import shard_of
from sfc.store.journal import Child, ExecutionChange, ExecutionRow, Kept, Kind, NewExecution, Waiting

Answer = Callable[[SfcError | None], None]
"""Told once what became of a commit."""


class Resident:
    """A live run with what the engine has to know of it."""

    __slots__ = (
        "alias", "arn", "broken", "case", "children", "group", "id", "input", "key", "kind", "machine", "name",
        "parents", "pending", "published", "redriven_at", "redrives", "run", "shard", "started_at", "sync", "timer_due",
        "version", "wake_at",
    )  # fmt: skip

    def __init__(
        self, id: int, machine: str, name: str, version: int, kind: Kind, started_at: int, input: bytes, run: Run
    ) -> None:
        self.id = id
        self.shard = shard_of(id)
        self.machine = machine
        self.name = name
        self.version = version
        self.kind = kind
        self.started_at = started_at
        self.input = input
        self.run = run
        self.published: int | None = None
        self.alias: str | None = None
        self.group: str | None = None
        """Of its version."""
        self.redrives = 0
        self.redriven_at: int | None = None
        self.arn = run.info.arn
        self.key = f"{id:x}"
        self.wake_at: int | None = None
        """What the index row says, or will when the commits under way are written."""
        self.pending = 0
        """Steps whose commit is under way."""
        self.timer_due: int | None = None
        self.sync: Callable[[Run | None], None] | None = None
        """Of StartSyncExecution: told the end, or None after a bug. Nothing of such an execution is written."""
        self.broken = False
        self.case: CaseCalls | None = None
        """Of an execution that was started as a test case."""
        self.parents: list[Waiting] = []
        """The tasks that are told of its end."""
        self.children: dict[Waiting, int] = {}
        """The executions that its own tasks started, by task."""

    def record(self, partition: Partition) -> ExecutionRecord:
        """As it stands in the store: RUNNING until its end is committed."""
        return ExecutionRecord(
            arn=self.arn,
            id=self.id,
            machine=self.machine,
            machine_arn=partition.state_machine(self.machine),
            name=self.name,
            kind=self.kind,
            version=self.version,
            status="RUNNING",
            started_at=self.started_at,
            published=self.published,
            alias=self.alias,
            redrives=self.redrives,
            redriven_at=self.redriven_at,
            input=self.input.decode(),
            map_run_arn=map_run_arn(partition, self.machine, self.name),
            states=self.run.active_states(),
        )

    def ended(self, partition: Partition, end: ExecutionChange) -> ExecutionRecord:
        """As the store has it after its end."""
        return replace(
            self.record(partition),
            status=end.status,
            stopped_at=end.stopped_at,
            output=None if end.output is None else end.output.decode(),
            error=end.error,
            cause=end.cause,
            states=(),
        )


@dataclass(slots=True)
class Work:
    """One step on its way through a commit; or, without an entry, only what is written beside the journal."""

    resident: Resident
    entry: Entry | None
    journalled: bool
    digest: int
    commands: Sequence[Command]
    new: NewExecution | None = None
    change: ExecutionChange | None = None
    answer: Answer | None = None
    kept: Kept | None = None
    position: int = 0


class Divergence(Exception):
    """A replay made something else of an entry than the execution did when it lived."""


def execution_info(
    partition: Partition,
    version: Version,
    machine: str,
    name: str,
    kind: Kind,
    id: int,
    secret: bytes,
    published: int | None = None,
    alias: str | None = None,
) -> ExecutionInfo:
    """`secret` is the store's."""
    execution = (
        partition.execution(machine, name) if kind == "STANDARD" else partition.express(machine, name, express_run(id))
    )
    return ExecutionInfo(
        arn=execution,
        name=name,
        machine_arn=partition.state_machine(machine),
        machine_name=machine,
        role_arn=version.role_arn,
        kind=kind,
        id=id,
        secret=secret,
        release_arn=None if published is None else partition.release(machine, published),
        alias_arn=None if alias is None else partition.alias(machine, alias),
    )


def info_of(partition: Partition, version: Version, row: ExecutionRow, secret: bytes) -> ExecutionInfo:
    """What a stored execution knows of itself."""
    return execution_info(partition, version, row.machine, row.name, row.kind, row.id, secret, row.published, row.alias)


def replay(
    machine: StateMachine,
    info: ExecutionInfo,
    journal: StoredJournal,
    *,
    record: bool = False,
    check: bool = True,
    case: CaseCalls | None = None,
    keeps: bool = False,
    before: int | None = None,
) -> Run:
    """The run that these entries make, or those before a position; with `keeps` it can be redriven. Raises Divergence
    when a digest differs and `check` is set.
    """
    run = Run(machine, info, record=record, keeps=keeps or journal.was_redriven())
    for row in journal:
        if before is not None and row.position >= before:
            break
        commands = step(run, decode((row.kind, row.at, row.task, row.attempt, row.began, row.data)))
        if case is not None:
            case.saw(commands)
        if check and run.digest != row.digest:
            raise Divergence(f"entry {row.position} replays to {run.digest}, not to {row.digest}")
    return run


class Stored(NamedTuple):
    """What the store has of a RUNNING execution."""

    row: ExecutionRow
    journal: StoredJournal
    parents: Sequence[Waiting]
    children: Sequence[Child]
    test_case: str | None = None


def pinned(journal: StoredJournal) -> int:
    """The change of tasks that an execution with this journal pinned when it began."""
    started = journal.started()
    return 0 if started is None else started.attempt


def revive(
    partition: Partition, version: Version, machine: StateMachine, stored: Stored, secret: bytes, *, keeps: bool = False
) -> Resident:
    """The resident of a stored execution; with `keeps` it can be redriven. Raises Divergence."""
    row, started = stored.row, stored.journal.started()
    case = None if stored.test_case is None else CaseCalls(stored.test_case)
    run = replay(machine, info_of(partition, version, row, secret), stored.journal, case=case, keeps=keeps)
    input = b"{}" if started is None else started.data
    resident = Resident(row.id, row.machine, row.name, row.version, row.kind, row.started_at, input, run)
    resident.wake_at = row.wake_at
    resident.case = case
    resident.published, resident.alias = row.published, row.alias
    resident.group = version.group
    resident.redrives, resident.redriven_at = row.redrives, row.redriven_at
    resident.parents = list(stored.parents)
    resident.children = {each.parent: each.child for each in stored.children}
    return resident


def stand_in(partition: Partition, version: Version, row: ExecutionRow) -> Resident:
    """For an execution that nobody acts for: it has ended, or its run cannot be trusted. Only what stands beside its
    journal is written."""
    run = Run(version.machine_of(row.machine), info_of(partition, version, row, b""))
    resident = Resident(row.id, row.machine, row.name, row.version, row.kind, row.started_at, b"{}", run)
    resident.published, resident.alias = row.published, row.alias
    resident.broken = True
    return resident
