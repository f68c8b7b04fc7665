"""Activities: tasks that wait in a queue until a worker somewhere asks for them.

The queue is in the store, so its order outlives every engine; a task leaves it in the commit that says which worker
began it. From then on its token is the worker's, and its time runs.
"""

import asyncio
from collections import deque
from typing import Final, NamedTuple

from sfc.asl.expression import Failure
from sfc.asl.model import Resource
from sfc.engine.host import Host
from sfc.engine.resident import Resident
from sfc.errors import NotFound, QuotaExceeded, SfcError
from sfc.interpreter import task_token
from sfc.interpreter.commands import CloseTask, DispatchTask
from sfc.interpreter.entries import ActivityStarted, TaskFailed, TaskSubmitted
from sfc.interpreter.task_token import TokenPlace
from sfc.limits import ACTIVITY_POLLERS
from sfc.store.ids import shard_of
from sfc.store.journal import Kept, QueuedTask, Waiting

_AHEAD: Final = 2
"""One to take, and one that tells that there is more."""


class ActivityTask(NamedTuple):
    token: str
    input: str
    """JSON text."""


class Activities:
    """Implements `OwnTasks` for activities."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._pollers: dict[str, deque[asyncio.Future[None]]] = {}
        self._being_taken: set[Waiting] = set()
        self._closing = False

    def takes(self, resource: Resource) -> bool:
        return resource.kind == "activity"

    def begin(self, resident: Resident, job: DispatchTask) -> None:
        self._host.errands.begin(self._schedule(resident.id, job))

    def kept(self, resident: Resident, closed: CloseTask) -> Kept:
        return Kept(taken=[Waiting(resident.id, closed.task, closed.attempt)])

    def close(self, resident: Resident, closed: CloseTask) -> None:
        """Its place in the queue went with the commit."""

    def cancel(self, waiting: Waiting) -> None:
        """Nothing runs here."""

    async def _schedule(self, execution: int, job: DispatchTask) -> None:
        name = job.resource.action
        exists = await self._host.errands.read(lambda: self._exists(name))
        resident = self._host.residence.all.get(execution)
        if resident is None:
            return
        asked = resident.run.jobs.get(job.task)
        if asked is None or asked.attempt != job.attempt:
            return
        at = self._host.at(resident)
        if not exists:
            failure = Failure("States.Runtime", f"The activity {job.resource.text} does not exist.")
            self._host.apply(resident, TaskFailed(at=at, task=job.task, attempt=job.attempt, failure=failure))
            return
        queued = QueuedTask(name, at, Waiting(execution, job.task, job.attempt))
        entry = TaskSubmitted(at=at, task=job.task, attempt=job.attempt, output=b"")
        self._host.apply(resident, entry, lambda error: self._wake(name) if error is None else None,
                         kept=Kept(queued=[queued]))  # fmt: skip

    def _exists(self, name: str) -> bool:
        try:
            self._host.catalog.activities.get(name)
        except NotFound:
            return False
        return True

    async def get_task(self, name: str, worker: str | None, timeout_s: float) -> ActivityTask | None:
        """The next task for this worker; None when none came in time, or the engine closes.

        Raises NotFound (ActivityDoesNotExist), QuotaExceeded (ActivityWorkerLimitExceeded), Unavailable.
        """
        await self._host.threads.look_up(lambda: self._host.catalog.activities.get(name))
        if len(self._pollers.get(name, ())) >= ACTIVITY_POLLERS:
            message = f"Activity Worker Limit Exceeded: '{ACTIVITY_POLLERS} workers wait for a task already'"
            raise QuotaExceeded(message, code="ActivityWorkerLimitExceeded")
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout_s
        woken = self._enlist(name)
        try:
            while True:
                task = await self._take(name, worker)
                left_s = deadline - clock()
                if task is not None or left_s <= 0 or self._closing:
                    return task
                await asyncio.wait({woken}, timeout=left_s)
                if woken.done():
                    woken = self._enlist(name)
        finally:
            if woken.done():  # whatever it was woken for is left to another one
                self._wake(name)
            else:
                self._pollers[name].remove(woken)
            if not self._pollers.get(name):
                self._pollers.pop(name, None)

    def _enlist(self, name: str) -> asyncio.Future[None]:
        """Done when there may be a task."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pollers.setdefault(name, deque()).append(woken)
        return woken

    async def _take(self, name: str, worker: str | None) -> ActivityTask | None:
        """Begin the first task that nobody else is just beginning."""
        over: set[Waiting] = set()
        while not self._closing:
            queue = await self._queue(name, len(self._being_taken) + len(over) + _AHEAD)
            free = [queued.waiting for queued in queue if queued.waiting not in self._being_taken | over]
            if not free:
                return None
            waiting = free[0]
            if len(free) > 1:
                self._wake(name)
            self._being_taken.add(waiting)
            try:
                task = await self._start(waiting, worker)
            finally:
                self._being_taken.discard(waiting)
            if task is not None:
                return task
            over.add(waiting)
        return None

    async def _queue(self, name: str, most: int) -> list[QueuedTask]:
        return await self._host.threads.look_up(lambda: self._host.store.queue(name, most))

    async def _start(self, waiting: Waiting, worker: str | None) -> ActivityTask | None:
        """Note that the worker has begun the task; None when the task is over meanwhile."""
        host = self._host
        resident = await host.residence.load(waiting.execution, shard_of(waiting.execution))
        accepted = None if resident is None else resident.run.accepted.get(waiting.task)
        if resident is None or accepted is None or accepted.job.attempt != waiting.attempt or accepted.since:
            return None
        if host.gate.is_shut(resident):
            return None
        decided: asyncio.Future[SfcError | None] = asyncio.get_running_loop().create_future()
        at = host.at(resident)
        entry = ActivityStarted(at=at, task=waiting.task, attempt=waiting.attempt, worker=worker)
        answer = lambda error: None if decided.done() else decided.set_result(error)  # noqa: E731
        if not host.apply(resident, entry, answer, kept=Kept(taken=[waiting])):
            raise SfcError("the execution stopped at a bug of SFC; see the log")
        error = await decided
        if error is not None:
            raise error
        token = task_token.make(host.secret, TokenPlace(*waiting))
        return ActivityTask(token, accepted.job.input.decode())

    def close_polls(self) -> None:
        """Whoever waits for a task is answered now; so is whoever asks from now on."""
        self._closing = True
        for pollers in self._pollers.values():
            for woken in pollers:
                if not woken.done():
                    woken.set_result(None)

    def wake_all(self) -> None:
        """There may be a task for each of them again."""
        for name in list(self._pollers):
            self._wake(name)

    def _wake(self, name: str) -> None:
        """One more poller looks at the queue."""
        pollers = self._pollers.get(name)
        while pollers:
            woken = pollers.popleft()
            if not woken.done():
                woken.set_result(None)
                return
