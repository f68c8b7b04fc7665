"""The scheduler's mind: what it knows of blueprints, pools and loads, and what follows from that. No Ray, no clock.

`plan` looks only at blueprints that have work or workers: a thousand idle ones cost nothing.
"""

import zlib
from collections.abc import Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar

from actors.chronicle import Chronicle
from actors.flow import Flow, State
from actors.policy import Day, Load, Sizer, Want, place, shares
from actors.roster import PoolView, Reports, Roster, Standings
from sfc.catalog.pool_policy import COMMON, PoolPolicy

H = TypeVar("H")

SILENT_S: Final = 10.0
"""An engine that reports nothing for so long is gone: its jobs count no more."""
PENDING_S: Final = 3.0
"""A worker that has not come up after this time is reported."""
_SWEEP_S: Final = 60.0


class Plan(NamedTuple):
    start: dict[str, int]
    drain: list[tuple[str, str]]
    """(pool, worker)."""


class Planner(Generic[H]):
    def __init__(self, common: PoolPolicy, cpus: float, first_version: int, now: float) -> None:
        """`cpus`: of one worker whose policy names none. `first_version` must be above all of an earlier life."""
        self.common = common
        self._cpus = cpus
        self._base = first_version
        self.policies: dict[str, PoolPolicy] = {}
        self.pools: dict[str, State[H]] = {COMMON: State(now)}
        self.flows: dict[str, Flow] = {}
        self._heard: dict[str, float] = {}
        self._rated_at = self._swept_at = now
        self.chronicle = Chronicle()
        self._gone = 0

    # ---- what it learns

    def policy(self, name: str) -> PoolPolicy:
        return self.common if name == COMMON else self.policies.get(name, _DEFAULT)

    def set_policy(self, name: str, policy: PoolPolicy | None, now: float) -> None:
        """None: the default again."""
        if name == COMMON:
            self.common = policy or self.common
        elif policy is None:
            if self.policies.pop(name, None) is None:
                return
        elif self.policies.get(name) == policy:
            return
        else:
            self.policies[name] = policy
        self._base += 1
        self._place(name, now)

    def report(self, engine: str, reports: Reports, now: float) -> bool:
        """Whether somebody waits for a first worker, so that planning should not wait."""
        self._heard[engine] = now
        urgent = False
        for name, report in reports.items():
            flow = self.flows.get(name)
            if flow is None:
                flow = self.flows[name] = Flow()
            flow.take(engine, report)
            if report.executions:
                flow.day.count(now, report.executions)
                self._place(name, now)
            self._tell_expired(name, flow, now)
            if report.queued:
                own = self._own(name)
                urgent = urgent or own is None or not own.pool.open()
        return urgent

    def join(self, pool: str, name: str, handle: H, make: str, now: float, *, found: bool = False) -> None:
        """`found`: it ran before this scheduler did, and keeps the pool at its size for a while."""
        state = self._state(pool, now)
        state.pool.join(name, handle, make, now)
        if found:
            state.wished = state.desired = len(state.pool.open())
            state.sizer = Sizer(now, state.wished)
            if pool != COMMON and self.policy(pool).mode != "specific":
                self.flows.setdefault(pool, Flow()).promoted = True

    def came_up(self, pool: str, name: str) -> None:
        if (state := self.pools.get(pool)) is not None:
            state.pool.came_up(name)
            state.trouble = None
            state.pending_told.discard(name)

    def left(self, pool: str, name: str, now: float, *, young: bool = False, why: str = "") -> None:
        """`young`: it died soon after its start and nobody wanted that; `why` as Ray tells it."""
        state = self.pools.get(pool)
        if state is None or not state.pool.leave(name):
            return
        self._gone += 1
        state.rest(now, young=young, why=why)
        if young:
            self.note(pool, now, "died young", why.splitlines()[-1] if why else "")

    def rest_s(self, pool: str, now: float) -> float:
        """Until the next worker of the pool may start."""
        state = self.pools.get(pool)
        return 0.0 if state is None else max(state.not_before - now, 0.0)

    def replace_all(self, pool: str, now: float) -> None:
        """New workers take the place of all there are, which drain."""
        self._state(pool, now).generation += 1
        self.note(pool, now, "replace", "asked to drain all workers")

    # ---- what follows

    def make(self, pool: str) -> str:
        """Fingerprint of what a worker of the pool is started with now."""
        state = self.pools.get(pool)
        policy = self.policy(pool)
        what = (
            policy.cpus,
            policy.gpus,
            sorted(policy.resources.items()),
            policy.concurrency,
            sorted(policy.env.items()),
        )
        return f"{zlib.crc32(repr(what).encode()):08x}.{0 if state is None else state.generation}"

    def plan(self, now: float, capacity: float) -> Plan:
        """`capacity`: CPUs for all workers together."""
        self._age(now)
        for name, flow in self.flows.items():
            if self.serves(name) and (flow.reports or self._least(name)):
                self._state(name, now)
        loads = self._loads()
        wants: dict[str, Want] = {}
        for name, state in self.pools.items():
            wants[name] = self._want(name, state, loads.get(name, Load()), now)
        given = shares(wants, capacity)
        start: dict[str, int] = {}
        drain: list[tuple[str, str]] = []
        for name, state in self.pools.items():
            self._settle(name, state, given[name], now)
            make = self.make(name)
            missing = state.pool.missing(state.desired, make)
            if missing and now >= state.not_before:
                start[name] = missing
            drain += [(name, member) for member in state.pool.surplus(state.desired, make, now - PENDING_S)]
        self._forget(now)
        return Plan(start, drain)

    @property
    def engines(self) -> int:
        return len(self._heard)

    def load_of(self, pool: str) -> Load:
        """What its workers have to do."""
        return self._loads().get(pool, Load())

    def serves(self, pool: str) -> bool:
        """Whether jobs go there; what is left of a pool that gets none drains."""
        return pool == COMMON or self.dedicated(pool) or (pool in self.flows and self.flows[pool].promoted)

    def dedicated(self, name: str) -> bool:
        return name != COMMON and self.policy(name).mode == "specific"

    @property
    def version(self) -> int:
        """Of the roster: grows with every change of it."""
        return self._base + self._gone + sum(state.pool.version for state in self.pools.values())

    def roster(self) -> Roster:
        pools = {
            name: PoolView(state.pool.open() if self.serves(name) else {}, self._leaving(name, state))
            for name, state in self.pools.items()
        }
        dedicated = frozenset(name for name, policy in self.policies.items() if policy.mode == "specific") - {COMMON}
        weights = {name: policy.weight for name, policy in self.policies.items() if policy.sla != _DEFAULT.sla}
        limits = {COMMON: self.common, **self.policies}
        timeouts = {name: limit for name, policy in limits.items() if (limit := policy.queue_timeout_s) is not None}
        return Roster(self.version, pools, dedicated, weights, timeouts)

    # ---- what it tells

    def note(self, name: str, now: float, what: str, why: str) -> None:
        self.chronicle.note(name, now, what, why)

    def standings(self) -> Standings:
        """Of every blueprint that was used in the last 24 hours."""
        return {
            name: {"promoted": flow.promoted, "day": flow.day.to_json()}
            for name, flow in self.flows.items()
            if flow.day.total or flow.promoted
        }

    def recall(self, standings: Standings, now: float) -> None:
        """What was known once; what is known since then wins."""
        for name, standing in standings.items():
            flow = self.flows.setdefault(name, Flow())
            flow.day.merge(Day.from_json(standing["day"]))
            flow.day.count(now, 0)
            if standing["promoted"] and not flow.promoted:
                flow.promoted = True
                self._base += 1
                self.note(name, now, "promote", "it was before the cluster started again")
            self._place(name, now)

    def memo(self) -> dict[str, Any]:
        """What a restarted scheduler must know; its workers it finds by their names."""
        return {
            "common": self.common.to_json(),
            "policies": {name: policy.to_json() for name, policy in self.policies.items()},
            "standings": self.standings(),
            "generations": {name: state.generation for name, state in self.pools.items() if state.generation},
        }

    def remember(self, memo: Mapping[str, Any], now: float) -> None:
        self.common = PoolPolicy(**memo["common"])
        self.policies = {name: PoolPolicy(**policy) for name, policy in memo["policies"].items()}
        self.recall(memo["standings"], now)
        for name, generation in memo["generations"].items():
            self._state(name, now).generation = generation
        for name in self.policies:
            self._place(name, now)

    # ---- details

    def _state(self, pool: str, now: float) -> State[H]:
        found = self.pools.get(pool)
        if found is None:
            found = self.pools[pool] = State(now)
            self._base += 1
        return found

    def _own(self, name: str) -> State[H] | None:
        """The pool whose workers do its jobs, if there is one already."""
        if self.serves(name) and (self.dedicated(name) or name in self.pools):
            return self.pools.get(name)
        return self.pools[COMMON]

    def _leaving(self, name: str, state: State[H]) -> dict[str, H]:
        return state.pool.draining() if self.serves(name) else state.pool.members()

    def _place(self, name: str, now: float) -> None:
        flow = self.flows.get(name)
        if name == COMMON or (flow is None and self.policy(name).mode == "common"):
            return
        if flow is None:
            flow = self.flows[name] = Flow()
        before = flow.promoted
        placed = place(self.policy(name), flow.day.total, before)
        flow.promoted = placed.specific and self.policy(name).mode == "auto"
        if flow.promoted != before:
            self._base += 1
            self.note(name, now, "promote" if flow.promoted else "demote", placed.why)

    def _age(self, now: float) -> None:
        passed = max(now - self._rated_at, 0.0)
        self._rated_at = now
        silent = {engine for engine, at in self._heard.items() if now - at > SILENT_S}
        for engine in silent:
            del self._heard[engine]
        for name, flow in self.flows.items():
            flow.age(passed)
            self._tell_expired(name, flow, now)
            for engine in silent:
                flow.reports.pop(engine, None)
            if flow.promoted and not flow.reports:
                flow.day.count(now, 0)
                self._place(name, now)

    def _tell_expired(self, name: str, flow: Flow, now: float) -> None:
        if count := flow.expired_to_tell(now):
            self.note(name, now, "expire", f"{count} jobs waited longer than queue_timeout_s and failed")

    def _loads(self) -> dict[str, Load]:
        """By pool."""
        found: dict[str, Load] = {}
        for name, flow in self.flows.items():
            if flow.cold:
                continue
            pool = name if self.serves(name) and name in self.pools else COMMON
            load, more = found.get(pool, Load()), flow.load()
            found[pool] = Load(
                load.in_flight + more.in_flight,
                load.queued + more.queued,
                load.arrivals_s + more.arrivals_s,
                load.finishes_s + more.finishes_s,
            )
        return found

    def _want(self, name: str, state: State[H], load: Load, now: float) -> Want:
        policy = self.policy(name)
        current = len(state.pool.open())
        served = self.serves(name)
        if served:
            sized = state.sizer.size(now, load, policy, state.wished)
            if sized.size != state.wished:
                what = "grow" if sized.size > state.wished else "shrink"
                self.note(name, now, what, f"{state.wished} to {sized.size}: {sized.why}")
            state.wished = sized.size
        else:
            state.wished = 0
        if state.wished and not current:
            state.waiting_since = now if state.waiting_since is None else state.waiting_since
        else:
            state.waiting_since = None
        waited_s = 0.0 if state.waiting_since is None else now - state.waiting_since
        cpus = self._cpus if policy.cpus is None else policy.cpus
        return Want(
            size=state.wished,
            cpus=cpus,
            weight=policy.weight,
            least=self._least(name),
            waited_s=waited_s,
            holds=current > 0,
        )

    def _least(self, name: str) -> int:
        policy = self.policy(name)
        return policy.min if policy.size is None else policy.size

    def _settle(self, name: str, state: State[H], given: int, now: float) -> None:
        if given != state.desired and given < state.wished:
            self.note(name, now, "full", f"gets {given} of {state.wished} workers: the cluster has no room for more")
        state.desired = given
        for member in state.pool.starting():
            if now - member.since > PENDING_S and member.name not in state.pending_told:
                state.pending_told.add(member.name)
                self.note(name, now, "pending", f"{member.name} is not up after {now - member.since:.1f} s")
        state.pending_told &= set(state.pool.members())

    def _forget(self, now: float) -> None:
        for name in [n for n, state in self.pools.items() if n != COMMON and not len(state.pool) and not state.desired]:
            if not self.serves(name) or (self.flows.get(name) or Flow()).cold:
                self._gone += self.pools.pop(name).pool.version + 1
        if now - self._swept_at < _SWEEP_S:
            return
        self._swept_at = now
        for name in [n for n, flow in self.flows.items() if flow.cold and not self.serves(n)]:
            if not (self.flows[name].day.count(now, 0) or self.flows[name].expired):
                del self.flows[name]


_DEFAULT: Final = PoolPolicy()
