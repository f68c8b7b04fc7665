"""The scheduler: one detached actor that keeps every pool at its size.

It is on no job's path: engines know the workers they have and exchange with them directly. When it dies Ray starts it
again, and it finds the workers by their names, and what it was told in its memo. What it decides is decided by
`actors.planner`; here is only what touches Ray.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError

from actors.chronicle import Decision
from actors.clients import NAMESPACE, SchedulerClient, WorkerClient, start_worker
from actors.memo import Memo
from actors.overview import Overview, PoolOverview, overview, pool_overview
from actors.planner import Planner
from actors.roster import Report, Roster, Standings
from actors.worker import POLL_S, WorkerOptions, WorkerStatus
from sfc.catalog.pool_policy import COMMON, PoolPolicy

SCHEDULER: Final = "scheduler"
_TICK_S: Final = 1.0
_RESOURCES_S: Final = 2.0
_THREADS_S: Final = 10.0
"""Workers are asked so often how many threads they lost."""
_YOUNG_S: Final = 5.0
_KEPT_S: Final = 60.0
"""So long a drained worker keeps results that no engine acknowledged: theirs may have died after the commit."""
_log = logging.getLogger("sfc.scheduler")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    name: str = "worker"
    """Begins the workers' names, "worker/POOL/MAKE/ID": a scheduler finds only its own."""
    size: int = 2
    """Workers of the common pool, unless its policy says otherwise."""
    worker: WorkerOptions = field(default_factory=WorkerOptions)
    headroom_cpus: float = 0.0
    """How many more CPUs than the cluster has may be asked for, so that Ray's autoscaler adds nodes."""


class Scheduler:
    """Runs in its own process; `SchedulerClient` is how others see it."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self._settings = settings
        now = time.time()
        common = PoolPolicy(mode="common", min=settings.size, max=settings.size)
        self._planner: Planner[Any] = Planner(common, settings.worker.cpus, int(now * 1000), now)
        self._memo = Memo(settings.name)
        self._writing = asyncio.Lock()
        if (memo := self._memo.read()) is not None:
            self._planner.remember(memo, now)
        self._published = 0
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._drained_at: dict[str, float] = {}
        self._capacity = 0.0
        self._keeper: asyncio.Task[None] | None = None
        self._acting = False
        self._found = {
            found["name"]: ray.get_actor(found["name"], namespace=NAMESPACE)
            for found in ray.util.list_named_actors(all_namespaces=True)
            if found["namespace"] == NAMESPACE and found["name"].startswith(f"{settings.name}/")
        }

    # ---- what engines call

    async def members(self, known_version: int, poll_s: float) -> Roster:
        await self._begin()
        if known_version == self._published:
            changed = self._changed
            try:
                async with asyncio.timeout(min(poll_s, POLL_S)):
                    await changed.wait()
            except TimeoutError:
                pass
        return self._planner.roster()

    async def report(self, engine: str, reports: Mapping[str, tuple[int, ...]]) -> None:
        await self._begin()
        told = {name: Report(*report) for name, report in reports.items()}
        if self._planner.report(engine, told, time.time()):
            self._act_soon()

    async def apply(self, policies: Mapping[str, PoolPolicy | None], whole: bool) -> None:
        await self._begin()
        now = time.time()
        gone = set(self._planner.policies) - set(policies) if whole else set()
        for name, policy in (*policies.items(), *dict.fromkeys(gone).items()):
            if name == COMMON and policy is None:
                policy = PoolPolicy(mode="common", min=self._settings.size, max=self._settings.size)
            self._planner.set_policy(name, policy, now)
        await self._remember()
        self._act_soon()

    async def resize(self, size: int | None, pool: str) -> None:
        await self.apply({pool: replace(self._planner.policy(pool), size=size)}, False)

    async def replace(self, pool: str) -> None:
        await self._begin()
        self._planner.replace_all(pool, time.time())
        await self._remember()
        self._act_soon()

    async def standings(self) -> Standings:
        return self._planner.standings()

    async def recall(self, standings: Standings) -> None:
        await self._begin()
        self._planner.recall(standings, time.time())
        await self._remember()
        self._act_soon()

    async def overview(self) -> Overview:
        await self._begin()
        return overview(self._planner, time.time(), self._capacity, time.process_time())

    async def pool(self, name: str) -> PoolOverview:
        await self._begin()
        return pool_overview(self._planner, name, time.time())

    async def why(self, name: str) -> list[Decision]:
        return self._planner.chronicle.of(name)

    async def statuses(self) -> dict[str, WorkerStatus]:
        await self._begin()
        return await _statuses(self._handles())

    async def trouble(self) -> str | None:
        """Why workers die as soon as they start: handlers that cannot be loaded, for one."""
        await self._begin()
        return next((state.trouble for state in self._planner.pools.values() if state.trouble), None)

    # ---- what it does

    async def _begin(self) -> None:
        """The first call starts what must run on the loop."""
        if self._keeper is not None:
            return
        self._keeper = asyncio.create_task(self._keep())
        for name, handle in self._found.items():
            _, pool, make, _ = name.split("/")
            self._add(pool, name, handle, make, found=True)
        self._capacity = await asyncio.to_thread(self._measure)
        self._act()

    async def _keep(self) -> None:
        asked_at = measured_at = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            if now - measured_at > _RESOURCES_S:
                measured_at = now
                self._capacity = await asyncio.to_thread(self._measure)
            self._act()
            await self._end_drained()
            if now - asked_at > _THREADS_S:
                asked_at = now
                await self._drain_exhausted()
                await self._remember()

    def _act_soon(self) -> None:
        if not self._acting:
            self._acting = True
            asyncio.get_running_loop().call_soon(self._act)

    def _act(self) -> None:
        self._acting = False
        plan = self._planner.plan(time.time(), self._capacity)
        for pool, count in plan.start.items():
            make = self._planner.make(pool)
            options = self._options(pool)
            for _ in range(count):
                name = f"{self._settings.name}/{pool}/{make}/{uuid.uuid4().hex[:12]}"
                self._add(pool, name, start_worker(name, options), make)
        for pool, name in plan.drain:
            self._drain(pool, name)
        self._publish()

    def _options(self, pool: str) -> WorkerOptions:
        base, policy = self._settings.worker, self._planner.policy(pool)
        return replace(
            base,
            cpus=base.cpus if policy.cpus is None else policy.cpus,
            concurrency=base.concurrency if policy.concurrency is None else policy.concurrency,
            gpus=policy.gpus,
            resources=policy.resources,
            env={**base.env, **policy.env},
        )

    def _add(self, pool: str, name: str, handle: Any, make: str, *, found: bool = False) -> None:
        self._planner.join(pool, name, handle, make, time.time(), found=found)
        self._run(self._watch(pool, name, WorkerClient(handle)))

    def _drain(self, pool: str, name: str) -> None:
        members = self._planner.pools[pool].pool
        member = members.member(name)
        if member is not None and members.drain(name):
            self._run(_retire(WorkerClient(member.handle)))

    async def _watch(self, pool: str, name: str, worker: WorkerClient) -> None:
        """From a worker's start to its end."""
        up_at: float | None = None
        why = ""
        while not why:
            try:
                if up_at is None:
                    retiring = (await worker.status()).retiring
                    up_at = time.monotonic()
                    self._planner.came_up(pool, name)
                    if retiring:  # by an earlier life of this scheduler
                        self._drain(pool, name)
                        self._act_soon()
                await worker.lifetime()
            except ActorUnavailableError:
                await asyncio.sleep(_TICK_S)
            except RayError as error:
                why = str(error).strip() or type(error).__name__
        drained = name in self._planner.pools[pool].pool.draining()
        young = not drained and (up_at is None or time.monotonic() - up_at < _YOUNG_S)
        if not drained:
            _log.warning("worker %s is gone: %s", name, why)
        self._planner.left(pool, name, time.time(), young=young, why=why)
        self._drained_at.pop(name, None)
        self._publish()
        asyncio.get_running_loop().call_later(self._planner.rest_s(pool, time.time()), self._act_soon)

    async def _end_drained(self) -> None:
        draining = {
            name: handle for state in self._planner.pools.values() for name, handle in state.pool.draining().items()
        }
        for name, status in (await _statuses(draining)).items():
            since = self._drained_at.setdefault(name, time.monotonic())
            drained_s = time.monotonic() - since
            if drained_s > _TICK_S / 2 and not status.running and (not status.held or drained_s > _KEPT_S):
                WorkerClient(draining[name]).kill()

    async def _drain_exhausted(self) -> None:
        """Workers whose threads hang in handlers that timed out."""
        for name, status in (await _statuses(self._handles())).items():
            if status.lost_threads * 2 > self._settings.worker.threads:
                pool = name.split("/")[1]
                self._planner.note(pool, time.time(), "replace", f"{name} has lost {status.lost_threads} threads")
                self._drain(pool, name)
        self._act_soon()

    def _handles(self) -> dict[str, Any]:
        return {
            name: handle
            for state in self._planner.pools.values()
            for name, handle in state.pool.members().items()
            if (member := state.pool.member(name)) is not None and member.up
        }

    def _measure(self) -> float:
        """CPUs that all workers together may have: what is free, and what they have. Blocks."""
        free = float(ray.available_resources().get("CPU", 0.0))  # type: ignore[no-untyped-call]
        base = self._settings.worker.cpus
        placed = 0.0
        for name, state in list(self._planner.pools.items()):
            cpus = self._planner.policy(name).cpus
            up = sum(1 for member in state.pool.members() if (one := state.pool.member(member)) and one.up)
            placed += up * (base if cpus is None else cpus)
        return free + placed + self._settings.headroom_cpus

    async def _remember(self) -> None:
        async with self._writing:  # an older memo must not be written over a newer one
            await asyncio.to_thread(self._memo.write, self._planner.memo())

    def _publish(self) -> None:
        version = self._planner.version
        if version != self._published:
            self._published = version
            self._changed.set()
            self._changed = asyncio.Event()

    def _run(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _retire(worker: WorkerClient) -> None:
    """Its last word before it ends; one that is still waiting for its place needs none."""
    try:
        async with asyncio.timeout(_TICK_S):
            await worker.retire()
    except TimeoutError:
        worker.kill()
    except RayError:
        _log.debug("a worker died before it drained", exc_info=True)


async def _statuses(handles: Mapping[str, Any]) -> dict[str, WorkerStatus]:
    answers = await asyncio.gather(*map(_status, handles.values()))
    return {name: answer for name, answer in zip(handles, answers, strict=True) if answer is not None}


async def _status(handle: Any) -> WorkerStatus | None:
    try:
        async with asyncio.timeout(_TICK_S):
            return await WorkerClient(handle).status()
    except (RayActorError, TimeoutError):
        return None


def connect_scheduler(settings: SchedulerSettings) -> SchedulerClient:
    """The scheduler of this cluster, started with these settings if there is none yet. Blocks for a round trip."""
    handle = (
        ray.remote(Scheduler)
        .options(
            name=SCHEDULER,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
            max_concurrency=10_000,
        )
        .remote(settings)
    )
    return SchedulerClient(handle)
