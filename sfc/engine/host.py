"""What keeps executions going: steps, their commits, and what follows from a commit.

    result, timer, stop ─► step(run, entry) ─► committer ─► committed: jobs leave, answers leave, the run waits or is
    gone
                                                       └──► refused: the run is thrown away and read again later

A run in memory is ahead of the store by the steps whose commit is under way; nobody is told of these.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from sfc.arn import Partition
from sfc.asl.expression import Failure
from sfc.catalog.catalog import Catalog
from sfc.engine.committer import Committer
from sfc.engine.drains import Drains
from sfc.engine.errands import Errands
from sfc.engine.gate import Gate
from sfc.engine.jobs import answer_of, job_of
from sfc.engine.listeners import Listeners
from sfc.engine.mocked import Mocked
from sfc.engine.own_tasks import Doers, Ends, MapRuns
from sfc.engine.residence import Residence
from sfc.engine.resident import Answer, Resident, Work
from sfc.engine.settings import EngineSettings
from sfc.engine.threads import Threads
from sfc.engine.timers import Timers
from sfc.engine.wakes import Wakes
from sfc.errors import SfcError, Unavailable
from sfc.interpreter import step
from sfc.interpreter.commands import CancelTask, CloseTask, Command, DispatchTask, MapRunCommand
from sfc.interpreter.entries import Entry, TaskFailed, TaskSubmitted, TaskSucceeded
from sfc.store.journal import WORKING, ExecutionChange, Kept, NewExecution, Store, Waiting
from sfc.tasks.job import Dispatcher, Job, JobResult
from sfc.tasks.mocks import MockConfig

log = logging.getLogger(__name__)


class Host:
    """Executions of the shards this engine owns."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        dispatcher: Dispatcher,
        partition: Partition,
        clock: Callable[[], int],
        owner: str,
        settings: EngineSettings,
        mocks: MockConfig | None = None,
    ) -> None:
        self.store = store
        self.catalog = catalog
        self.partition = partition
        self.clock = clock
        self.secret = store.secret()
        self.settings = settings
        self.listeners = Listeners()
        self.maps: MapRuns
        self.passivated = 0
        self.threads = Threads(store.inline)
        self.committer = Committer(store, owner, self, self.threads, settings)
        self.errands = Errands(self.threads, settings, self.committer.owns_any)
        self.residence = Residence(
            store,
            catalog,
            partition,
            self.threads,
            settings.recovery_page,
            self.committer.owns,
            self._go_on,
            self._left,
        )
        self.mocked = Mocked(mocks, self.residence.all, clock, self.apply)
        self.gate = Gate(clock)
        self.wakes = Wakes(clock, settings, self.gate)
        self.heartbeats = self.wakes.heartbeats
        self.timers = Timers(self.residence.all, clock, self.wakes.due, self._timer_due)
        self.drains = Drains(
            clock, self.gate, self.wakes, self.timers, self.residence.all, self._carry_out, self._timer_due
        )
        self._dispatcher = dispatcher
        self.doers = Doers()
        self._ends: Ends | None = None
        self._came_back: set[Resident] = set()
        """Read again since they were last let go, or stay a while for an answer."""
        self._held: dict[int, list[Entry]] = {}
        """Results of executions that were thrown away and are not read again yet."""
        self._closing = False

    def tell(self, ends: Ends) -> None:
        self._ends = ends

    # Steps

    def results(self, results: Sequence[JobResult]) -> None:
        """Takes finished jobs from the dispatcher; late and double ones are dropped."""
        now = self.clock()
        for result in results:
            execution, task, attempt = result.key.split(":")
            id, entry = int(execution, 16), answer_of(result, now, int(task), int(attempt))
            resident = self.residence.all.get(id)
            if resident is not None:
                self._result(resident, entry)
            elif id in self._held:
                self._held[id].append(entry)

    def _result(self, resident: Resident, entry: Entry) -> None:
        assert isinstance(entry, TaskSucceeded | TaskFailed | TaskSubmitted)
        job = resident.run.jobs.get(entry.task)
        if job is not None and job.attempt == entry.attempt:
            if isinstance(entry, TaskSucceeded) and job.resource.is_answered_later:
                entry = TaskSubmitted(at=entry.at, task=entry.task, attempt=entry.attempt, output=entry.output)
            self.apply(resident, entry if entry.at >= resident.run.now else replace(entry, at=resident.run.now))

    def apply(
        self,
        resident: Resident,
        entry: Entry,
        answer: Answer | None = None,
        new: NewExecution | None = None,
        kept: Kept | None = None,
    ) -> bool:
        """Step the run and have that committed, with `kept` beside it. False when the step showed a bug: the execution
        is set aside."""
        run = resident.run
        try:
            commands = step(run, entry)
        except Exception:
            story = self.residence.story(resident.id)
            log.exception("a step of execution %s failed at %r after %s", resident.arn, entry, story)
            self.residence.set_aside(resident, "a bug of SFC stopped it; see the log")
            if resident.sync is not None:
                resident.sync(None)
            return False
        if resident.sync is not None:
            self._go_unwritten(resident, commands)
            if run.done:
                self.residence.leave(resident)
                resident.sync(run)
            return True
        wake_at = self.wakes.wake_at(resident)
        change = None
        if run.done:
            failure = run.failure or Failure(None)
            change = ExecutionChange(
                resident.id, None, run.status, run.now, run.output, failure.error, failure.cause
            )  # fmt: skip
        elif new is not None:
            new = new._replace(wake_at=wake_at or WORKING)
        elif wake_at != resident.wake_at:
            change = ExecutionChange(resident.id, wake_at)
        resident.wake_at = wake_at
        journalled = resident.kind == "STANDARD" or new is not None
        if not journalled and change is None:  # an EXPRESS execution under way: after a crash it begins anew
            self._go_unwritten(resident, commands)
            return True
        kept = self.doers.kept(resident, commands, kept)
        resident.pending += 1
        self.committer.add(Work(resident, entry, journalled, run.digest, commands, new, change, answer, kept))
        return True

    def at(self, resident: Resident) -> int:
        """The time of an entry that is made now, UTC ms: an execution's time never goes back."""
        return max(self.clock(), resident.run.now)

    def write_beside(self, resident: Resident, kept: Kept | None = None, change: ExecutionChange | None = None) -> None:
        """Have something written that is no step of the execution."""
        resident.pending += 1
        self.committer.add(Work(resident, None, False, 0, (), None, change, None, kept))

    def _go_unwritten(self, resident: Resident, commands: Sequence[Command]) -> None:
        self._carry_out([(resident, commands)])
        self.timers.watch(resident)

    def _timer_due(self, resident: Resident) -> None:
        entry = self.wakes.entry(resident, self.at(resident))
        if entry is not None:
            self.apply(resident, entry)

    # What follows from commits

    def committed(self, works: Sequence[Work]) -> None:
        for work in works:
            work.resident.pending -= 1
            if work.new is not None and not work.resident.run.done:
                self.residence.enter(work.resident)
        self._carry_out((work.resident, work.commands) for work in works)
        for work in works:
            resident = work.resident
            self.heartbeats.stepped(resident)
            if work.change is not None and work.change.wake_at is None:
                self.residence.leave(resident)
                record = resident.ended(self.partition, work.change)
                if resident.kind == "STANDARD":
                    self.residence.remember(record)
                if resident.parents and self._ends is not None:
                    self._ends.ended(resident, record, resident.parents)
                self.listeners.tell_end(resident.id, record)
            elif resident.id in self.residence.all:
                self._stay_or_leave(resident)
            if work.entry is not None and work.journalled:
                self.listeners.tell_entry(resident.id, (work.position, work.entry))
            if work.answer is not None:
                work.answer(None)

    def _stay_or_leave(self, resident: Resident, lingers: bool = True) -> None:
        if resident.wake_at == WORKING:
            self.timers.watch(resident)
        elif resident.wake_at is not None and resident.pending == 0:
            pause_is_over = resident.wake_at < WORKING and not self.gate.is_shut(resident)  # it ended meanwhile
            # An answer that comes soon finds the execution here, and need not read and replay it.
            lingers = lingers and bool(resident.run.accepted) and len(self._came_back) < self.settings.lingering
            if pause_is_over or lingers:
                self._came_back.add(resident)
                self.timers.watch(resident)
                return
            self.residence.leave(resident)
            self.passivated += 1

    def refused(self, works: Sequence[Work], error: SfcError) -> None:
        again: dict[int, tuple[Resident, list[Entry]]] = {}
        for work in works:
            resident = work.resident
            resident.pending -= 1
            if work.answer is not None:
                work.answer(error)
            if work.new is not None or resident.broken or not self.committer.owns(resident.shard):
                continue
            if not work.journalled:  # the end of an EXPRESS execution: nothing else knows it
                self.errands.begin(self._commit_again(work))
                continue
            if self.residence.all.get(resident.id) is resident:
                self.residence.leave(resident)
            held = self._held.setdefault(resident.id, [])
            # What was to be written beside an acceptance, only the doer knows: it is asked to begin again.
            entry = work.entry
            if isinstance(entry, TaskSucceeded | TaskFailed) or (
                isinstance(entry, TaskSubmitted) and work.kept is None
            ):
                held.append(entry)
            again[resident.id] = (resident, held)
        if again:
            self.errands.begin(self._read_again(list(again.values())))

    def shard_lost(self, shard: int) -> None:
        log.error("shard %d was taken over by another engine; this one stops acting for it", shard)
        for resident in [each for each in self.residence.all.values() if each.shard == shard and each.sync is None]:
            self.residence.leave(resident)
            self.listeners.tell_end(resident.id, None)
            self.listeners.end_watches(resident.id)

    def _carry_out(self, steps: Iterable[tuple[Resident, Sequence[Command]]]) -> None:
        if self._closing:  # the next owner finds these jobs in the journal
            return
        jobs: dict[str, Job] = {}
        cancelled: list[str] = []
        for resident, commands in steps:
            if resident.broken:
                continue
            for command in commands:
                if isinstance(command, DispatchTask):
                    if self.gate.holds(resident, command):
                        continue
                    if resident.case is not None and self.mocked.begin(resident, command):
                        continue
                    own = self.doers.of(command.resource)
                    if own is not None:
                        own.begin(resident, command)
                        continue
                    job = job_of(resident, command)
                    jobs[job.key] = job
                elif isinstance(command, CloseTask):
                    self.doers.close(resident, command)
                elif isinstance(command, CancelTask):
                    key = f"{resident.key}:{command.task}:{command.attempt}"
                    if jobs.pop(key, None) is None:
                        cancelled.append(key)
                    self.doers.cancel(Waiting(resident.id, command.task, command.attempt))
                elif isinstance(command, MapRunCommand):
                    self.maps.carry_out(resident, command)
        if cancelled:
            self._dispatcher.cancel(cancelled)
        if jobs:
            self._dispatcher.dispatch(list(jobs.values()))

    def abandon(self, resident: Resident) -> None:
        """Nobody waits for this StartSyncExecution any more: call its jobs back."""
        if self.residence.all.get(resident.id) is resident:
            self.residence.leave(resident)
            jobs = list(resident.run.jobs.values())
            for job in jobs:
                self.doers.cancel(Waiting(resident.id, job.task, job.attempt))
            if jobs:
                self._dispatcher.cancel([f"{resident.key}:{job.task}:{job.attempt}" for job in jobs])

    # Coming back

    async def recover(self, shard: int) -> None:
        """Bring back what the owner before had in memory, and have its jobs done under the same keys."""
        after = (-1, 0)
        while page := await self.residence.load_page(shard, WORKING, after):
            after = (page[-1].wake_at or WORKING, page[-1].id)

    async def load_window(self, shard: int) -> None:
        """Bring back the executions whose timers are due within the window."""
        after = (WORKING, (1 << 63) - 1)
        before = self.clock() + self.settings.passivate_after_ms
        while self.committer.owns(shard) and len(self.residence.all) < self.settings.max_resident:
            page = await self.residence.load_page(shard, before, after)
            if not page:
                return
            after = (page[-1].wake_at or WORKING, page[-1].id)

    def let_rest(self) -> None:
        """Executions that were read to be asked something leave memory again."""
        came_back, self._came_back = self._came_back, set()
        for resident in came_back:
            if resident.pending or resident.run.jobs or self.residence.all.get(resident.id) is not resident:
                continue
            wake_at = self.wakes.wake_at(resident)
            if wake_at == resident.wake_at:
                self._stay_or_leave(resident, lingers=False)
            elif wake_at != WORKING:
                resident.wake_at = wake_at
                self.write_beside(resident, change=ExecutionChange(resident.id, wake_at))

    def _go_on(self, resident: Resident) -> None:
        """An execution came back: give it the results that came meanwhile, and send its jobs out again."""
        outstanding = list(resident.run.jobs.values())
        for entry in self._held.pop(resident.id, ()):
            self._result(resident, entry)
        jobs = [job for job in outstanding if job.task in resident.run.jobs]
        overdue = self.wakes.overdue(resident) is not None
        self._go_unwritten(resident, self.gate.came_back(resident, jobs, overdue))
        if not jobs:
            self._came_back.add(resident)
        if resident.children and self._ends is not None:
            self._ends.came_back(resident)
        if resident.run.map_runs or "/" in resident.machine:
            self.maps.resume(resident)

    def _left(self, resident: Resident) -> None:
        if resident.run.told_map_runs:
            self.maps.leave(resident)

    async def _read_again(self, thrown_away: Sequence[tuple[Resident, list[Entry]]]) -> None:
        delay = self.settings.retry_first_s
        for resident, held in thrown_away:
            while True:
                await asyncio.sleep(delay)
                try:
                    await self.residence.load(resident.id, resident.shard)
                except Unavailable:
                    if not self.committer.owns(resident.shard):
                        break
                    delay = min(max(delay * 2, self.settings.retry_first_s), self.settings.retry_most_s)
                    continue
                delay = 0
                break
            # Another list is of a later failure, whose own reading will take it up.
            if self._held.get(resident.id) is held:
                del self._held[resident.id]

    async def _commit_again(self, work: Work) -> None:
        await asyncio.sleep(self.settings.retry_first_s)
        work.answer = None
        work.resident.pending += 1
        self.committer.add(work)

    async def close(self) -> None:
        """Write what is under way, tell who waits, and do nothing more."""
        self._closing = True
        self.maps.close()
        self.timers.close()
        self.drains.close()
        await self.errands.close()
        await self.committer.close()
        self.listeners.close()
        self.threads.close()
