"""What keeps executions going: steps, their commits, and what follows from a commit.

    result, timer, stop ─► step(run, entry) ─► committer ─► committed: jobs leave, answers leave, the run waits or is
    gone
                                                       └──► refused: the run is thrown away and read again later

A run in memory is ahead of the store by the steps whose commit is under way; nobody is told of these.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sfc.arn import Partition
from sfc.asl.expression import Failure
from sfc.catalog.catalog import Catalog
from sfc.engine.committer import Committer
from sfc.engine.resident import Answer, Divergence, Resident, Work, revive
from sfc.engine.settings import EngineSettings
from sfc.engine.timers import Timers
from sfc.errors import SfcError, Unavailable
from sfc.interpreter import step
from sfc.interpreter.commands import CancelTask, Command, DispatchTask
from sfc.interpreter.entries import Entry, TaskFailed, TaskSucceeded, TimerFired
from sfc.store.journal import WORKING, ExecutionChange, ExecutionRow, JournalRow, NewExecution, Store
from sfc.tasks.job import Dispatcher, Job, JobResult

log = logging.getLogger(__name__)
T = TypeVar("T")
_STORY = 5


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
    ) -> None:
        self.store = store
        self.catalog = catalog
        self.partition = partition
        self.clock = clock
        self.settings = settings
        self.residents: dict[int, Resident] = {}
        self.names: dict[tuple[str, str], int] = {}
        """STANDARD executions in memory, by machine and name."""
        self.broken: dict[int, str] = {}
        """Executions that are not acted for, and why."""
        self.ended: dict[int, list[asyncio.Future[None]]] = {}
        self.watchers: dict[int, list[asyncio.Queue[tuple[int, Entry]]]] = {}
        self.passivated = 0
        self.timers = Timers(self.residents, clock, self._timer_due)
        self.committer = Committer(store, owner, self, self._in_thread, settings)
        self._dispatcher = dispatcher
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="sfc-store")
        self._held: dict[int, list[Entry]] = {}
        """Results of executions that were thrown away and are not read again yet."""
        self._loading: dict[int, asyncio.Future[Resident | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # Steps

    def results(self, results: Sequence[JobResult]) -> None:
        """Takes finished jobs from the dispatcher; late and double ones are dropped."""
        now = self.clock()
        for result in results:
            execution, task_text, attempt_text = result.key.split(":")
            id, task, attempt = int(execution, 16), int(task_text), int(attempt_text)
            entry: Entry
            if result.output is not None:
                entry = TaskSucceeded(at=now, task=task, attempt=attempt, output=result.output, began=result.began)
            else:
                failure = Failure(result.error, result.cause)
                entry = TaskFailed(at=now, task=task, attempt=attempt, failure=failure, began=result.began)
            resident = self.residents.get(id)
            if resident is not None:
                self._result(resident, entry)
            elif id in self._held:
                self._held[id].append(entry)

    def _result(self, resident: Resident, entry: Entry) -> None:
        assert isinstance(entry, TaskSucceeded | TaskFailed)
        if resident.run.awaits(entry.task, entry.attempt):
            self.apply(resident, entry)

    def apply(
        self, resident: Resident, entry: Entry, answer: Answer | None = None, new: NewExecution | None = None
    ) -> bool:
        """Step the run and have that committed. False when the step showed a bug: the execution is set aside."""
        run = resident.run
        try:
            commands = step(run, entry)
        except Exception:
            log.exception("a step of execution %s failed at %r after %s", resident.arn, entry, self._story(resident.id))
            self._set_aside(resident, "a bug of SFC stopped it; see the log")
            return False
        if resident.sync is not None:
            self._carry_out([(resident, commands)])
            if run.done:
                self.leave(resident)
                resident.sync(run)
            else:
                self.timers.watch(resident)
            return True
        wake_at = self._wake_at(resident)
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
        if not journalled and change is None:  # an EXPRESS execution under way: it would begin anew, not go on
            self._carry_out([(resident, commands)])
            self.timers.watch(resident)
            return True
        resident.pending += 1
        self.committer.add(Work(resident, entry, journalled, run.digest, commands, new, change, answer))
        return True

    def _wake_at(self, resident: Resident) -> int | None:
        """What the index row must say: WORKING keeps an execution in memory, a time lets it leave until then."""
        run = resident.run
        if run.done:
            return None
        timer = run.next_timer()
        if run.jobs or timer is None or resident.kind == "EXPRESS":
            return WORKING
        return timer[0] if timer[0] > self.clock() + self.settings.passivate_after_ms else WORKING

    def _timer_due(self, resident: Resident) -> None:
        timer = resident.run.next_timer()
        if timer is not None:
            self.apply(resident, TimerFired(at=max(self.clock(), timer[0]), task=timer[1], attempt=timer[2]))

    # What follows from commits

    def committed(self, works: Sequence[Work]) -> None:
        for work in works:
            resident = work.resident
            resident.pending -= 1
            if work.new is not None and not resident.run.done:
                self.enter(resident)
        self._carry_out((work.resident, work.commands) for work in works)
        for work in works:
            resident = work.resident
            if work.change is not None and work.change.wake_at is None:
                self.leave(resident)
                self._tell_end(resident.id)
            elif resident.pending == 0 and not resident.run.done and not resident.broken:
                if resident.wake_at is None or resident.wake_at == WORKING:
                    self.timers.watch(resident)
                elif resident.id in self.residents:
                    self.leave(resident)
                    self.passivated += 1
            if work.journalled and resident.id in self.watchers:
                for queue in self.watchers[resident.id]:
                    queue.put_nowait((work.position, work.entry))
            if work.answer is not None:
                work.answer(None)

    def refused(self, works: Sequence[Work], error: SfcError) -> None:
        again: dict[int, None] = {}
        for work in works:
            resident = work.resident
            resident.pending -= 1
            if work.answer is not None:
                work.answer(error)
            if work.new is not None:
                continue
            if not work.journalled:  # the end of an EXPRESS execution: nothing else knows it
                self._spawn(self._commit_again(work))
                continue
            if self.residents.get(resident.id) is resident:
                self.leave(resident)
            held = self._held.setdefault(resident.id, [])
            if isinstance(work.entry, TaskSucceeded | TaskFailed):
                held.append(work.entry)
            again[resident.id] = None
        if again:
            self._spawn(self._read_again(list(again)))

    def shard_lost(self, shard: int) -> None:
        log.error("shard %d was taken over by another engine; this one stops acting for it", shard)
        for resident in [each for each in self.residents.values() if each.shard == shard and each.sync is None]:
            self.leave(resident)
            self._tell_end(resident.id)  # whoever waits looks into the store

    def _carry_out(self, steps: Iterable[tuple[Resident, Sequence[Command]]]) -> None:
        jobs: dict[str, Job] = {}
        cancelled: list[str] = []
        for resident, commands in steps:
            if resident.broken:
                continue
            for command in commands:
                if isinstance(command, DispatchTask):
                    job = self._job(resident, command)
                    jobs[job.key] = job
                elif isinstance(command, CancelTask):
                    key = f"{resident.key}:{command.task}:{command.attempt}"
                    if jobs.pop(key, None) is None:
                        cancelled.append(key)
        if cancelled:
            self._dispatcher.cancel(cancelled)
        if jobs:
            self._dispatcher.dispatch(list(jobs.values()))

    @staticmethod
    def _job(resident: Resident, command: DispatchTask) -> Job:
        return Job(
            f"{resident.key}:{command.task}:{command.attempt}",
            resident.arn,
            resident.machine,
            command.state,
            command.resource.text,
            command.input,
            command.retry_count,
            command.timeout_s,
            command.heartbeat_s,
        )

    def enter(self, resident: Resident) -> None:
        self.residents[resident.id] = resident
        if resident.kind == "STANDARD":
            self.names[resident.machine, resident.name] = resident.id

    def leave(self, resident: Resident) -> None:
        self.residents.pop(resident.id, None)
        if resident.kind == "STANDARD":
            self.names.pop((resident.machine, resident.name), None)

    def abandon(self, resident: Resident) -> None:
        """Nobody waits for this StartSyncExecution any more: call its jobs back."""
        if self.residents.get(resident.id) is resident:
            self.leave(resident)
            keys = [f"{resident.key}:{job.task}:{job.attempt}" for job in resident.run.jobs.values()]
            if keys:
                self._dispatcher.cancel(keys)

    def _tell_end(self, id: int) -> None:
        for waiting in self.ended.pop(id, ()):
            if not waiting.done():
                waiting.set_result(None)

    # Into memory

    async def load(self, id: int) -> Resident | None:
        """The execution in memory, read and replayed when it is not there. None: it has ended, is unknown, or broken.

        Raises Unavailable.
        """
        resident = self.residents.get(id)
        if resident is not None or id in self.broken:
            return resident
        loading = self._loading.get(id)
        if loading is None:
            loading = self._loading[id] = asyncio.ensure_future(self._load(id))
            loading.add_done_callback(lambda _: self._loading.pop(id, None))
        return await asyncio.shield(loading)

    async def _load(self, id: int) -> Resident | None:
        def read() -> list[tuple[ExecutionRow, Resident | Exception]]:
            row = self.store.get(id)
            return [] if row is None or row.status != "RUNNING" else self._revive([row])

        self._settle_in(await self.read(read))
        return self.residents.get(id)

    async def recover(self, shard: int) -> None:
        """Bring back what the owner before had in memory, and have its jobs done under the same keys."""
        after = (-1, 0)
        while page := await self._load_page(shard, WORKING, after):
            after = (page[-1].wake_at or WORKING, page[-1].id)

    async def load_window(self, shard: int) -> None:
        """Bring back the executions whose timers are due within the window."""
        after = (WORKING, (1 << 63) - 1)
        before = self.clock() + self.settings.passivate_after_ms
        while len(self.residents) < self.settings.max_resident:
            page = await self._load_page(shard, before, after)
            if not page:
                return
            after = (page[-1].wake_at or WORKING, page[-1].id)

    async def _load_page(self, shard: int, before: int, after: tuple[int, int]) -> list[ExecutionRow]:
        here = self.residents.keys() | self.broken.keys() | self._held.keys() | self._loading.keys()

        def read() -> tuple[list[ExecutionRow], list[tuple[ExecutionRow, Resident | Exception]]]:
            rows = self.store.awake(shard, before, after, self.settings.recovery_page)
            return rows, self._revive([row for row in rows if row.id not in here])

        rows, revived = await self.read(read)
        self._settle_in(revived)
        return rows

    def _revive(self, rows: Sequence[ExecutionRow]) -> list[tuple[ExecutionRow, Resident | Exception]]:
        revived: list[tuple[ExecutionRow, Resident | Exception]] = []
        for row in rows:
            journal = self.store.journal(row.id)
            try:
                version = self.catalog.version(row.version)
                revived.append((row, revive(self.partition, version, row, journal)))
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001  one execution that cannot live must not keep the others out
                revived.append((row, error))
        return revived

    def _settle_in(self, revived: Sequence[tuple[ExecutionRow, Resident | Exception]]) -> None:
        for row, resident in revived:
            if row.id in self.residents or row.id in self.broken:
                continue
            if isinstance(resident, Exception):
                what = "diverged" if isinstance(resident, Divergence) else "cannot be replayed"
                self.broken[row.id] = f"{what}: {resident!r}"
                log.error("execution %s of %s %s: %r; last entries %s", row.name, row.machine, what, resident,
                          self._story(row.id))  # fmt: skip
                continue
            self.enter(resident)
            held = self._held.pop(row.id, ())
            for entry in held:
                self._result(resident, entry)
            self._carry_out([(resident, list(resident.run.jobs.values()))])
            self.timers.watch(resident)

    async def _read_again(self, ids: Sequence[int]) -> None:
        delay = self.settings.retry_first_s
        for id in ids:
            while True:
                await asyncio.sleep(delay)
                try:
                    await self.load(id)
                except Unavailable:
                    delay = min(delay * 2, self.settings.retry_most_s)
                    continue
                self._held.pop(id, None)
                delay = 0
                break

    async def _commit_again(self, work: Work) -> None:
        await asyncio.sleep(self.settings.retry_first_s)
        work.answer = None
        work.resident.pending += 1
        self.committer.add(work)

    def _set_aside(self, resident: Resident, reason: str) -> None:
        resident.broken = True
        self.leave(resident)
        self.broken[resident.id] = reason

    def _story(self, id: int) -> list[JournalRow]:
        try:
            return self.store.journal(id)[-_STORY:]
        except SfcError:
            return []

    # Threads and tasks

    async def read(self, function: Callable[[], T]) -> T:
        """Run something that blocks (or computes long) beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    def _in_thread(self, function: Callable[[], object]) -> "asyncio.Future[object]":
        return asyncio.get_running_loop().run_in_executor(self._threads, function)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self.timers.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.committer.flush()
        for id in list(self.ended):
            self._tell_end(id)
        self._threads.shutdown(wait=False)
