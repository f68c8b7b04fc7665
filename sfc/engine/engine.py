"""The engine: durable executions behind one object, on one asyncio event loop, with or without Ray around it."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from sfc import arn as arns
from sfc.arn import Partition
from sfc.asl.expression import Failure
from sfc.catalog.catalog import Catalog, utc_ms
from sfc.catalog.tasks import TaskChange
from sfc.catalog.version import Version
from sfc.engine.activities import Activities, ActivityTask
from sfc.engine.api_tasks import ApiCall, ApiTasks
from sfc.engine.blueprints import Blueprints
from sfc.engine.callbacks import Callbacks
from sfc.engine.children import Children
from sfc.engine.facts import Facts
from sfc.engine.history import Histories
from sfc.engine.host import Host
from sfc.engine.intake import Intake
from sfc.engine.kafka_tasks import Kafka, KafkaTasks
from sfc.engine.map_runs import MapRunQueries
from sfc.engine.maps import Maps
from sfc.engine.pauses import Pauses
from sfc.engine.queries import Queries
from sfc.engine.records import ExecutionRecord, HistoryEvent, MapRunRecord, Page
from sfc.engine.redrives import Redrives
from sfc.engine.resident import pinned
from sfc.engine.settings import EngineSettings
from sfc.engine.starts import StartRequest, Starts
from sfc.engine.stats import stats
from sfc.engine.stops import Stops
from sfc.engine.stored_journal import StoredJournal
from sfc.errors import SfcError, Unavailable
from sfc.interpreter import Run
from sfc.interpreter.entries import Started
from sfc.items.storage import Storage
from sfc.limits import DEFAULT_PAGE_SIZE
from sfc.store.journal import Lease, Store
from sfc.tasks.job import Dispatcher
from sfc.tasks.mocks import MockConfig

log = logging.getLogger(__name__)
T = TypeVar("T")

__all__ = ["Engine", "EngineSettings", "StartRequest"]


class Engine:
    """Starts, runs, stops and tells of executions. What it acknowledges is on disk.

    Every method raises Unavailable while the store cannot be reached.
    """

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        dispatcher: Dispatcher,
        *,
        partition: Partition | None = None,
        clock: Callable[[], int] = utc_ms,
        owner: str | None = None,
        settings: EngineSettings | None = None,
        mocks: MockConfig | None = None,
        storage: Storage | None = None,
        admit: Callable[[str], None] | None = None,
    ) -> None:
        """`clock` gives UTC ms. `owner` names this engine in the store; engines alive at once have different ones.
        `mocks` answer for executions that are started as a test case: `machine#Case`. `storage` is where Distributed
        Maps may read and write. `admit` raises Overloaded while no more executions of the named state machine should
        be started from outside."""
        self.partition = partition or Partition()
        self._store = store
        self._catalog = catalog
        self.triggers = catalog.triggers
        self._dispatcher = dispatcher
        self._owner = owner or f"{socket.gethostname()}:{os.getpid()}"
        self._settings = settings or EngineSettings()
        self._host = Host(store, catalog, dispatcher, self.partition, clock, self._owner, self._settings, mocks)
        self.errands = self._host.errands
        self._kafka_tasks = KafkaTasks(self._host)
        self._admit = admit
        self._starts = Starts(self._host, self._admit_start)
        self._stops = Stops(self._host)
        self.blueprints = Blueprints(self._host, self._stops)
        self.intake = Intake(self._host, self._starts, self._kafka_tasks.flaw)
        self._queries = Queries(self._host)
        self._histories = Histories(self._host)
        self.facts = Facts(self._host)
        self._redrives = Redrives(self._host)
        maps = Maps(self._host, self._stops, self._redrives, storage or Storage(), self._starts.new_id)
        self._host.maps = maps
        self._map_runs = MapRunQueries(self._host, self._queries, self._histories, maps)
        self._children = Children(self._host, self._starts, self._stops, self._queries)
        self._callbacks = Callbacks(self._host)
        self._activities = Activities(self._host)
        self.pauses = Pauses(self._host, self._stops, self._activities.wake_all)
        self._host.doers.add(self._children)
        self._host.doers.add(self._activities)
        self._host.doers.add(self._kafka_tasks)
        self._host.tell(self._children)
        self._leases: list[Lease] = []

    def serve_api(self, call: ApiCall) -> None:
        """Have tasks that are actions of the Step Functions API done by `call`; before `open`."""
        self._host.doers.add(ApiTasks(self._host, call))

    def now(self) -> int:
        """UTC ms by this engine's clock."""
        return self._host.clock()

    def use_kafka(self, kafka: Kafka) -> None:
        """Have tasks that are messages sent by this; before `open`."""
        self._kafka_tasks.use(kafka)

    async def open(self) -> None:
        """Take the shards, bring back what was at work, and go on with it. Raises Unavailable when all shards are
        held."""
        for shard in range(self._store.shards):
            lease = await self._host.threads.call(partial(self._store.acquire, shard, self._owner))
            if lease is not None:
                self._leases.append(lease)
                self._host.committer.own(lease)
        if not self._leases:
            raise Unavailable("another engine holds the store")
        self._starts.own(self._leases)
        await self.intake.open([lease.shard for lease in self._leases])
        self._host.heartbeats.restart(self._host.clock())
        await self._dispatcher.open(self._host.results, self._host.committer.settled)
        self._host.residence.test_cases = await self._host.threads.call(self._store.test_cases)
        self.facts.shards = [lease.shard for lease in self._leases]
        await self.pauses.open(self.facts.shards)
        for lease in self._leases:
            await self._host.recover(lease.shard)
            self._host.errands.begin(self._children.recover(lease.shard))
        self.pauses.go_on()
        self._host.errands.begin(self._load_windows())
        for name in await self._host.threads.call(self._catalog.deleting):
            self._host.errands.begin(self._stops.forget(name))
        self._host.errands.begin(self._drop_tasks())

    async def close(self) -> None:
        """Write what is under way and give the shards up. Nobody is kept waiting; what runs goes on at the next
        `open`."""
        self.close_polls()
        await self._host.close()
        await self._dispatcher.close()
        self._starts.own([])
        for lease in self._leases:
            try:
                self._store.release(lease)
            except Unavailable:
                log.warning("shard %d could not be released; its lease ends with this process", lease.shard)
        self._leases.clear()

    async def advance(self) -> None:
        """Do what is due by the clock now; a host that simulates time calls this after moving its clock."""
        self._host.let_rest()
        for lease in self._leases:
            await self._host.load_window(lease.shard)
        self._host.timers.run_due()
        self._host.drains.run_due()
        await self._host.committer.settled()

    # Executions

    async def start(self, machine: str, input: str = "{}", name: str | None = None) -> ExecutionRecord:
        """Start an execution of the machine (name or ARN); it is on disk when this returns.

        The same name with the same input gives the execution that is there, while it is RUNNING. Raises NotFound
        (StateMachineDoesNotExist), Conflict (ExecutionAlreadyExists), InvalidInput, InvalidName, Overloaded.
        """
        return await self._starts.start(StartRequest(machine, input, name))

    def check_start(self, machine: str) -> None:
        """Raises what a start would be refused for now, whatever its input: NotFound, BlueprintPaused, Overloaded."""
        self._starts.check(machine)

    async def start_many(self, requests: Sequence[StartRequest]) -> list[ExecutionRecord | SfcError]:
        """Start all in one commit; each has its record, or what `start` would have raised, at its place."""
        return await self._starts.start_many(requests)

    async def start_sync(self, machine: str, input: str = "{}", name: str | None = None) -> ExecutionRecord:
        """Run an EXPRESS execution to its end. Not durable: nothing is written. Raises NotSupported for STANDARD."""
        return await self._starts.start_sync(StartRequest(machine, input, name))

    async def run_alone(self, run: Run, started: Started) -> None:
        """Run something that is of no state machine (a state that is tested) to its end. Nothing is written."""
        await self._starts.run_alone(run, started)

    async def stop(self, arn: str, error: str | None = None, cause: str | None = None) -> int:
        """End the execution as ABORTED; returns when it stopped (UTC ms), also when it had ended before."""
        row = await self._queries.row(arn)
        return await self._stops.stop(row, Failure(error, cause))

    async def redrive(self, arn: str, client_token: str = "") -> int:
        """Have an execution that failed, timed out or was stopped go on where it stood; returns when (UTC ms).

        Raises NotFound, NotSupported for EXPRESS, Conflict (ExecutionNotRedrivable).
        """
        row = await self._queries.row(arn)
        return await self._redrives.redrive(row, client_token)

    def why_not_redrivable(self, record: ExecutionRecord) -> str | None:
        """None when the execution can be redriven, as far as can be told without looking at its history."""
        return self._redrives.why_not(record)

    async def send_task_success(self, token: str, output: str) -> None:
        """The task that the token stands for succeeds with `output`, JSON text.

        Raises InvalidToken, InvalidRequest (InvalidOutput), NotFound (TaskDoesNotExist), Conflict (TaskTimedOut: it
        waits no longer).
        """
        await self._callbacks.succeed(token, output)

    async def send_task_failure(self, token: str, error: str | None = None, cause: str | None = None) -> None:
        """The task that the token stands for fails. Raises as `send_task_success`."""
        await self._callbacks.fail(token, error, cause)

    async def send_task_heartbeat(self, token: str) -> None:
        """The holder of the token is alive. Raises as `send_task_success`."""
        await self._callbacks.heartbeat(token)

    # Activities

    async def get_activity_task(
        self, activity: str, worker: str | None = None, timeout_s: float = 0
    ) -> ActivityTask | None:
        """The next task of the activity of this name; None when none came in time.

        Raises NotFound (ActivityDoesNotExist), QuotaExceeded (ActivityWorkerLimitExceeded).
        """
        return await self._activities.get_task(activity, worker, timeout_s)

    def close_polls(self) -> None:
        """Answer whoever waits for a task of an activity: the server is going to stop."""
        self._activities.close_polls()

    async def describe(self, arn: str) -> ExecutionRecord:
        """The execution as it stands. Raises NotFound (ExecutionDoesNotExist), NotSupported for EXPRESS, but for what
        a Map Run has started."""
        if "/" in arn and arns.parse(arn, "execution", "express").kind == "express":
            return await self._map_runs.express_child(arn)
        return await self._queries.describe(arn)

    async def list(
        self,
        machine: str | None = None,
        status: str | None = None,
        limit: int = DEFAULT_PAGE_SIZE,
        token: str | None = None,
        redriven: bool | None = None,
    ) -> Page[ExecutionRecord]:
        """Newest first, without inputs. `machine` is a name or ARN; that of a release or an alias means what was
        started through it. `redriven`: only those that were redriven, or never were.

        Raises NotFound, NotSupported, InvalidToken.
        """
        return await self._queries.list(machine, status, limit, token, redriven)

    async def describe_map_run(self, arn: str) -> MapRunRecord:
        """Raises InvalidArn, NotFound (ResourceNotFound)."""
        return await self._map_runs.describe(arn)

    async def list_map_runs(
        self, execution: str, limit: int = DEFAULT_PAGE_SIZE, token: str | None = None
    ) -> Page[MapRunRecord]:
        """Those of one execution, newest first. Raises NotFound (ExecutionDoesNotExist), InvalidToken."""
        return await self._map_runs.list(execution, limit, token)

    async def update_map_run(
        self,
        arn: str,
        *,
        max_concurrency: int | None = None,
        tolerated_failure_count: int | None = None,
        tolerated_failure_percentage: float | None = None,
    ) -> None:
        """Set what is given, from now on. Raises InvalidRequest for a Map Run that is over."""
        await self._map_runs.update(arn, max_concurrency, tolerated_failure_count, tolerated_failure_percentage)

    async def list_children(
        self,
        map_run: str,
        status: str | None = None,
        limit: int = DEFAULT_PAGE_SIZE,
        token: str | None = None,
        redriven: bool | None = None,
    ) -> Page[ExecutionRecord]:
        """The children of a Map Run, without inputs: STANDARD ones newest first, EXPRESS ones as they ended."""
        return await self._map_runs.children(map_run, status, limit, token, redriven)

    async def history(
        self,
        arn: str,
        *,
        reverse: bool = False,
        limit: int = DEFAULT_PAGE_SIZE,
        token: str | None = None,
        include_data: bool = True,
    ) -> Page[HistoryEvent]:
        """What happened, as GetExecutionHistory spells it."""
        row = await self._queries.row(arn)
        return await self._histories.page(row, reverse=reverse, limit=limit, token=token, include_data=include_data)

    async def wait(self, arn: str, timeout_s: float) -> ExecutionRecord:
        """The execution at its end, or as it stands after `timeout_s`."""
        return await self._queries.wait(arn, timeout_s)

    async def watch(self, arn: str) -> AsyncIterator[HistoryEvent]:
        """History events from the first on, then as they are committed; ends with the execution."""
        async for event in self._histories.watch(await self._queries.row(arn)):
            yield event

    async def version_of(self, arn: str) -> Version:
        """The definition an execution runs."""
        row = await self._queries.row(arn)
        return await self._host.threads.call(lambda: self._catalog.version(row.version))

    async def tasks_of(self, arn: str) -> Sequence[TaskChange]:
        """The versions of the catalog's tasks that an execution has pinned."""
        row = await self._queries.row(arn)

        def look() -> Sequence[TaskChange]:
            pin = pinned(StoredJournal(self._store, row.id))
            return self._catalog.bindings.tasks(self._catalog.version(row.version), pin)

        return await self._host.threads.call(look)

    async def counts(self, machine: str | None = None) -> dict[str, int]:
        """How many executions there are, by status."""
        return await self._host.threads.call(lambda: self._store.count_by_status(machine))

    def stats(self) -> dict[str, int | float]:
        """Figures of this engine since it was made."""
        return {**stats(self._host), "messages": self._kafka_tasks.waiting}

    async def consult(self, question: Callable[[Catalog], T]) -> T:
        """Have the catalog do or tell something, beside the event loop."""
        return await self.blueprints.consult(question)

    def _admit_start(self, machine: str) -> None:
        if self._admit is not None:
            self._admit(machine)
        self._kafka_tasks.admit()

    async def _drop_tasks(self) -> None:
        """Forget the deleted tasks that no execution can need any more."""
        tasks = self._catalog.tasks

        def drop() -> None:
            if tasks.has_deleted():
                pinned = self._store.oldest_pin()
                tasks.drop(tasks.last() if pinned is None else pinned)

        await self._host.errands.insist(lambda: self._host.threads.call(drop))

    async def _load_windows(self) -> None:
        while True:
            await asyncio.sleep(self._settings.passivate_after_ms / 2_000)
            self._host.let_rest()
            for lease in self._leases:
                try:
                    await self._host.load_window(lease.shard)
                except Unavailable as error:
                    log.warning("waiting executions could not be read: %s", error)
