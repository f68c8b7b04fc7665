"""Child executions: how a task starts one, and how its end comes back, exactly once, whatever dies in between.

A `Child` row stands in the store from the commit that begins the child to the commit of its parent's answer. So a
parent that is read again knows what it has started already; a child that has ended finds its parent, in memory or
not; and a new owner tells the parents of the children that ended before anybody was told. A child that nobody waits
for any more (its parent was stopped, or its task timed out) is stopped; its row goes when it has ended.

    parent: StartExecution ─► child begins, with its row ─► parent: TaskSubmitted … child ends ─► parent: its answer,
                                                                                                   without the row
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from sfc import arn as arns
from sfc.asl.expression import Failure
from sfc.asl.model import Resource
from sfc.engine import child_answers as answers
from sfc.engine.committer import NameTaken
from sfc.engine.host import Host
from sfc.engine.queries import Queries
from sfc.engine.records import ExecutionRecord
from sfc.engine.resident import Resident, stand_in
from sfc.engine.starts import StartRequest, Starts
from sfc.engine.stops import Stops
from sfc.errors import BlueprintPaused, NotFound, Overloaded, SfcError, Unavailable
from sfc.interpreter.commands import CloseTask, DispatchTask
from sfc.interpreter.entries import TaskFailed, TaskSubmitted, TaskSucceeded
from sfc.store.ids import shard_of
from sfc.store.journal import Child, Kept, Waiting

log = logging.getLogger(__name__)
_PAGE = 500
_FIRST = Child(0, Waiting(0, 0, 0))


class Children:
    """Implements `OwnTasks` for startExecution, and `Ends`."""

    def __init__(self, host: Host, starts: Starts, stops: Stops, queries: Queries) -> None:
        self._host = host
        self._starts = starts
        self._stops = stops
        self._queries = queries

    def takes(self, resource: Resource) -> bool:
        return resource.is_child

    def begin(self, resident: Resident, job: DispatchTask) -> None:
        waiting = Waiting(resident.id, job.task, job.attempt)
        known = resident.children.get(waiting)
        if known is not None:
            self._host.errands.begin(self._begun_before(job, waiting, known))
            return
        try:
            asked = answers.request_of(job.input)
            arns.parse(asked.machine, "stateMachine")
        except answers.BadRequest as error:
            self._fail(waiting, "States.Runtime", str(error))
            return
        except SfcError as error:
            self._fail(waiting, *answers.refused(job.resource, error))
            return
        # What an EXPRESS execution does is done anew when it begins anew: nothing is kept for it.
        parent = waiting if resident.kind == "STANDARD" else None
        request = StartRequest(asked.machine, asked.input, asked.name, parent)
        self._starts.begin(request, lambda result: self._begun(job, waiting, request, result))

    def kept(self, resident: Resident, closed: CloseTask) -> Kept:
        """The row of a child that is to be stopped stays until it has ended."""
        waiting = Waiting(resident.id, closed.task, closed.attempt)
        stopped = closed.given_up and closed.resource.pattern.startswith("sync")
        return Kept() if stopped or waiting not in resident.children else Kept(answered=[waiting])

    def close(self, resident: Resident, closed: CloseTask) -> None:
        child = resident.children.pop(Waiting(resident.id, closed.task, closed.attempt), None)
        if child is not None and closed.given_up and closed.resource.pattern.startswith("sync"):
            self._host.errands.begin(self._stop(child, resident.arn))

    def cancel(self, waiting: Waiting) -> None:
        """A start is over in no time, and what is kept for it is closed."""

    # The start

    def _begun(
        self, job: DispatchTask, waiting: Waiting, request: StartRequest, result: ExecutionRecord | SfcError
    ) -> None:
        """What became of the start, or of the namesake that answers for it."""
        if isinstance(result, NameTaken):
            self._host.errands.begin(self._namesake(job, waiting, request))
        elif isinstance(result, BlueprintPaused):
            parent = self._asking(waiting)
            if parent is not None:
                self._host.gate.hold_for((result.kind, result.name), parent, job)
        elif isinstance(result, Unavailable | Overloaded):
            self._host.errands.begin(self._begin_later(job, waiting))
        elif isinstance(result, SfcError):
            self._fail(waiting, *answers.refused(job.resource, result))
        else:
            parent = self._asking(waiting)
            if parent is None:  # it was given up while the child began
                if request.parent is not None and job.resource.pattern.startswith("sync"):
                    self._host.errands.begin(self._stop(result.id, f"execution {waiting.execution:x}"))
                return
            if request.parent is not None:
                parent.children[waiting] = result.id
            self._accept(parent, job, result.arn, result.started_at)

    def _accept(self, parent: Resident, job: DispatchTask, arn: str, started_at: int, kept: Kept | None = None) -> None:
        output = answers.started(job.resource, arn, started_at)
        at = self._host.at(parent)
        if job.resource.is_answered_later:
            entry: TaskSubmitted | TaskSucceeded = TaskSubmitted(
                at=at, task=job.task, attempt=job.attempt, output=output
            )
        else:
            entry = TaskSucceeded(at=at, task=job.task, attempt=job.attempt, output=output)
        self._host.apply(parent, entry, kept=kept)

    def _asking(self, waiting: Waiting) -> Resident | None:
        """The parent, when it is here and this start is still to be answered."""
        resident = self._host.residence.all.get(waiting.execution)
        if resident is None:
            return None
        job = resident.run.jobs.get(waiting.task)
        return resident if job is not None and job.attempt == waiting.attempt else None

    def _fail(self, waiting: Waiting, error: str, cause: str) -> None:
        resident = self._asking(waiting)
        if resident is not None:
            at = self._host.at(resident)
            failure = Failure(error, cause)
            self._host.apply(
                resident, TaskFailed(at=at, task=waiting.task, attempt=waiting.attempt, failure=failure)
            )  # fmt: skip

    async def _begin_later(self, job: DispatchTask, waiting: Waiting) -> None:
        await asyncio.sleep(self._host.settings.retry_first_s)
        resident = self._asking(waiting)
        if resident is not None:
            self.begin(resident, job)

    async def _begun_before(self, job: DispatchTask, waiting: Waiting, child: int) -> None:
        """The child was begun before a crash, or before a commit of its parent failed."""
        row = await self._host.errands.read(lambda: self._host.store.get(child))
        parent = self._asking(waiting)
        if parent is None:
            return
        if row is None:
            self._fail(waiting, *answers.refused(job.resource, _forgotten()))
            return
        record = self._queries.record(row)
        self._accept(parent, job, record.arn, record.started_at)
        if record.stopped_at is not None:
            await self._tell_parent(row.id, waiting)

    async def _namesake(self, job: DispatchTask, waiting: Waiting, request: StartRequest) -> None:
        """Another execution has the name: the one that was asked for, if it has the same input and runs."""
        result = await self._starts.namesake(request)
        if isinstance(result, SfcError) or not job.resource.is_answered_later:
            self._begun(job, waiting, request._replace(parent=None), result)
            return
        child = await self._load(result.id)
        parent = self._asking(waiting)
        if parent is None:
            return
        if child is None:  # it has just ended: its name cannot be used any more
            self._host.errands.begin(self._begin_later(job, waiting))
            return
        child.parents.append(waiting)
        parent.children[waiting] = child.id
        kept = Kept(children=[Child(child.id, waiting)])
        self._accept(parent, job, result.arn, result.started_at, kept)

    # The end

    def ended(self, child: Resident, record: ExecutionRecord, parents: Sequence[Waiting]) -> None:
        for waiting in parents:
            parent = self._host.residence.all.get(waiting.execution)
            if parent is None or not self._answer(parent, waiting, record):
                self._host.errands.begin(self._tell(child, record, waiting))

    async def _tell(self, child: Resident, record: ExecutionRecord, waiting: Waiting) -> None:
        while True:
            parent = await self._load(waiting.execution)
            if parent is not None and self._answer(parent, waiting, record):
                return
            if parent is None or not parent.pending:
                break
            # That it waits no more is not written yet, and may never be.
            await self._host.committer.settled()
        if parent is None and waiting.execution in self._host.residence.broken:
            return
        # Nobody waits for it: what was kept for the parent goes with a commit of its shard, or of the child's.
        self._host.write_beside(parent or child, Kept(answered=[waiting]))

    def _answer(self, parent: Resident, waiting: Waiting, record: ExecutionRecord) -> bool:
        """Give the parent its answer; False when it does not wait for it."""
        run = parent.run
        job = run.open_job(waiting.task, waiting.attempt)
        if job is None:
            return False
        resource = job.resource
        if not resource.pattern.startswith("sync"):
            return True  # it waits for the start, or for a token
        if waiting.task in run.jobs:
            self._accept(parent, job, record.arn, record.started_at)
        output, cause = answers.ended(resource, record)
        at = self._host.at(parent)
        if output is not None:
            self._host.apply(
                parent, TaskSucceeded(at=at, task=waiting.task, attempt=waiting.attempt, output=output)
            )  # fmt: skip
        else:
            failure = Failure("States.TaskFailed", cause)
            self._host.apply(
                parent, TaskFailed(at=at, task=waiting.task, attempt=waiting.attempt, failure=failure)
            )  # fmt: skip
        return True

    async def _tell_parent(self, id: int, waiting: Waiting) -> None:
        """Tell of a child that has ended, whatever is left of it."""
        row = await self._host.errands.read(lambda: self._host.store.get(id))
        if row is None:
            parent = await self._load(waiting.execution)
            if parent is not None and parent.run.open_job(waiting.task, waiting.attempt) is not None:
                at = self._host.at(parent)
                failure = Failure("States.TaskFailed", _forgotten().message)
                self._host.apply(
                    parent, TaskFailed(at=at, task=waiting.task, attempt=waiting.attempt, failure=failure)
                )  # fmt: skip
            return
        record = await self._host.errands.insist(lambda: self._queries.stored(row))
        version = self._host.catalog.version(row.version)
        await self._tell(stand_in(self._host.partition, version, row), record, waiting)

    async def _stop(self, child: int, parent: str) -> None:
        row = await self._host.errands.read(lambda: self._host.store.get(child))
        if row is not None:
            failure = Failure(None, f"The execution that waited for it has given it up: {parent}")
            await self._host.errands.insist(lambda: self._stops.stop(row, failure))

    # Coming back

    def came_back(self, resident: Resident) -> None:
        """Children of tasks that are over were to be stopped; others may have ended unheard."""
        for waiting, child in list(resident.children.items()):
            if resident.run.open_job(waiting.task, waiting.attempt) is None:
                del resident.children[waiting]
                self._host.errands.begin(self._stop(child, resident.arn))
            elif waiting.task in resident.run.accepted:
                self._host.errands.begin(self._look_at(child, waiting))

    async def _look_at(self, child: int, waiting: Waiting) -> None:
        row = await self._host.errands.read(lambda: self._host.store.get(child))
        if row is None or row.stopped_at is not None:
            await self._tell_parent(child, waiting)

    async def recover(self, shard: int) -> None:
        """Tell of the children that ended before their parents were told, and stop those of parents that ended."""
        after = _FIRST
        while page := await self._page(self._host.store.ended_children, shard, after):
            for each in page:
                await self._tell_parent(each.child, each.parent)
            after = page[-1]
        after = _FIRST
        while page := await self._page(self._host.store.orphans, shard, after):
            for each in page:
                await self._stop(each.child, f"execution {each.parent.execution:x}")
            after = page[-1]

    async def _page(self, read: Callable[[int, Child, int], list[Child]], shard: int, after: Child) -> list[Child]:
        """In a thread: with many children that run, it looks at many rows to find those few."""
        host = self._host
        return await host.errands.insist(lambda: host.threads.call(lambda: read(shard, after, _PAGE)))

    async def _load(self, id: int) -> Resident | None:
        return await self._host.errands.insist(lambda: self._host.residence.load(id, shard_of(id)))


def _forgotten() -> NotFound:
    return NotFound("The execution was deleted together with its state machine", code="ExecutionDoesNotExist")
