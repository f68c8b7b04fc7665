"""Pools without Ray: the scheduler's own mind, with workers that are names."""

import time
from collections.abc import Mapping
from dataclasses import replace

from actors.chronicle import Decision
from actors.overview import Overview, PoolOverview, overview, pool_overview
from actors.planner import Planner
from actors.roster import Report, Standings
from actors.worker import WorkerStatus
from serve.pools import Pools
from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.catalog.pool_policy import COMMON, PoolPolicy
from sfc.catalog.pool_shelf import MemoryPools
from sfc.engine.engine import Engine
from sfc.store.memory import MemoryStore
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner

COMMON_POLICY = PoolPolicy(mode="common", min=2, max=2)


class SimulatedScheduler:
    """What `SchedulerClient` offers, at once and in this process. Its workers are up as soon as they are wanted."""

    def __init__(self, capacity: float = 16.0) -> None:
        self.planner: Planner[str] = Planner(COMMON_POLICY, 1.0, 1, time.time())
        self.capacity = capacity
        self.started = 0
        self.dedicated: frozenset[str] = frozenset()
        self.act()

    def dedicate(self, name: str, own: bool) -> None:
        """The dispatcher's part."""
        self.dedicated = self.dedicated | {name} if own else self.dedicated - {name}

    def act(self) -> None:
        now = time.time()
        plan = self.planner.plan(now, self.capacity)
        for pool, count in plan.start.items():
            for _ in range(count):
                self.started += 1
                name = f"worker/{pool}/x/{self.started}"
                self.planner.join(pool, name, name, self.planner.make(pool), now)
                self.planner.came_up(pool, name)
        for pool, name in plan.drain:
            self.planner.pools[pool].pool.drain(name)

    def load(self, name: str, in_flight: int, queued: int = 0, executions: int = 0) -> None:
        self.planner.report("engine", {name: Report(in_flight, queued, in_flight, 0, executions)}, time.time())
        self.act()

    async def apply(self, policies: Mapping[str, PoolPolicy | None], *, whole: bool = False) -> None:
        gone = set(self.planner.policies) - set(policies) if whole else set()
        for name, policy in (*policies.items(), *dict.fromkeys(gone).items()):
            self.planner.set_policy(name, policy, time.time())
        self.act()

    async def resize(self, size: int | None, pool: str = COMMON) -> None:
        await self.apply({pool: replace(self.planner.policy(pool), size=size)})

    async def replace(self, pool: str) -> None:
        self.planner.replace_all(pool, time.time())
        self.act()
        self.act()

    async def standings(self) -> Standings:
        return self.planner.standings()

    async def recall(self, standings: Standings) -> None:
        self.planner.recall(standings, time.time())
        self.act()

    async def overview(self) -> Overview:
        return overview(self.planner, time.time(), self.capacity, 0.5)

    async def pool(self, name: str) -> PoolOverview:
        return pool_overview(self.planner, name, time.time())

    async def why(self, name: str) -> list[Decision]:
        return self.planner.chronicle.of(name)

    async def statuses(self) -> dict[str, WorkerStatus]:
        names = [name for state in self.planner.pools.values() for name in state.pool.members()]
        return {name: WorkerStatus(7, 0, 0, 0, False) for name in names}


def pooled_engine(scheduler: SimulatedScheduler, shelf: MemoryPools | None = None) -> tuple[Engine, Pools]:
    """An engine in memory, and the pools of that scheduler over its catalog."""
    catalog = Catalog(MemoryShelf())
    engine = Engine(MemoryStore(), catalog, LocalDispatcher(JobRunner()))
    pools = Pools(scheduler, catalog, shelf or MemoryPools(), COMMON_POLICY, scheduler.dedicate)  # type: ignore[arg-type]
    return engine, pools
