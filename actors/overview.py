"""What the scheduler shows of itself to people."""

from typing import Any, NamedTuple

from actors.chronicle import Decision
from actors.planner import PENDING_S, Planner
from actors.policy import Load
from sfc.catalog.pool_policy import COMMON


class PoolOverview(NamedTuple):
    name: str
    policy: dict[str, Any]
    specific: bool
    """It has workers of its own; otherwise its jobs go to the common pool."""
    promoted: bool
    wished: int
    """Workers that its load asks for."""
    desired: int
    """What it is given of them: less than wished when the cluster is full."""
    up: int
    starting: int
    draining: int
    pending_s: float
    """How long the oldest worker has been waiting to come up, once that is longer than usual; 0: none is."""
    in_flight: int
    queued: int
    arrivals_s: float
    finishes_s: float
    executions_a_day: int
    expired: int
    """Jobs that waited longer than they may, in this life of the scheduler."""
    trouble: str | None
    """Why its workers die as soon as they start."""
    last: Decision | None


class Overview(NamedTuple):
    pools: list[PoolOverview]
    """The common one first, then by name: every blueprint with work, workers, or a policy of its own."""
    capacity_cpus: float
    """For all workers together."""
    decisions: list[tuple[str, Decision]]
    """The latest of all pools, latest last."""
    engines: int
    loop_cpu_s: float
    """CPU that the scheduler's process has used."""


_DECISIONS_SHOWN = 50


def overview(planner: Planner[Any], now: float, capacity: float, cpu_s: float) -> Overview:
    names = {name for name, flow in planner.flows.items() if not flow.cold} | set(planner.policies) | set(planner.pools)
    pools = [pool_overview(planner, name, now) for name in (COMMON, *sorted(names - {COMMON}))]
    return Overview(pools, capacity, planner.chronicle.latest(_DECISIONS_SHOWN), planner.engines, cpu_s)


def pool_overview(planner: Planner[Any], name: str, now: float) -> PoolOverview:
    state, flow = planner.pools.get(name), planner.flows.get(name)
    load = planner.load_of(COMMON) if name == COMMON else Load() if flow is None else flow.load()
    decisions = planner.chronicle.of(name)
    starting = [] if state is None else state.pool.starting()
    pending_s = max((now - member.since for member in starting), default=0.0)
    opened = 0 if state is None else len(state.pool.open())
    return PoolOverview(
        name=name,
        policy=planner.policy(name).to_json(),
        specific=planner.serves(name),
        promoted=flow is not None and flow.promoted,
        wished=0 if state is None else state.wished,
        desired=0 if state is None else state.desired,
        up=opened - len(starting),
        starting=len(starting),
        draining=0 if state is None else len(state.pool.draining()),
        pending_s=pending_s if pending_s > PENDING_S else 0.0,
        in_flight=load.in_flight,
        queued=load.queued,
        arrivals_s=round(load.arrivals_s, 2),
        finishes_s=round(load.finishes_s, 2),
        executions_a_day=0 if flow is None else flow.day.total,
        expired=0 if flow is None else flow.expired,
        trouble=None if state is None else state.trouble,
        last=decisions[-1] if decisions else None,
    )
