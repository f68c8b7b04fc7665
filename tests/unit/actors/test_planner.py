"""The scheduler's mind with simulated workers and time: what it starts, drains, promotes and remembers."""

import itertools
from typing import Any

import pytest

from actors.overview import pool_overview
from actors.planner import SILENT_S, Planner
from actors.roster import Report
from sfc.catalog.pool_policy import COMMON, PoolPolicy
from sfc.limits import HOT_EXECUTIONS_A_DAY

DAY_S = 86_400.0


class Town:
    """A planner whose workers start at once and whose drained ones leave when told."""

    def __init__(self, capacity: float = 100, size: int = 2, now: float = 1_000_000.0) -> None:
        self.now = now
        self.capacity = capacity
        self.planner: Planner[str] = Planner(PoolPolicy(mode="common", min=size, max=size), 1.0, 1, self.now)
        self.started = 0

    def tick(self, passed: float = 1.0, *, up: bool = True) -> None:
        self.now += passed
        plan = self.planner.plan(self.now, self.capacity)
        for pool, count in plan.start.items():
            for _ in range(count):
                self.started += 1
                name = f"w{self.started}"
                self.planner.join(pool, name, name, self.planner.make(pool), self.now)
                if up:
                    self.planner.came_up(pool, name)
        for pool, name in plan.drain:
            self.planner.pools[pool].pool.drain(name)

    def leave(self) -> None:
        """All drained workers end."""
        for pool, state in list(self.planner.pools.items()):
            for name in state.pool.draining():
                self.planner.left(pool, name, self.now)

    def report(self, name: str, engine: str = "e", **numbers: int) -> bool:
        fields = dict.fromkeys(Report._fields, 0) | numbers
        return self.planner.report(engine, {name: Report(**fields)}, self.now)

    def size(self, pool: str) -> int:
        state = self.planner.pools.get(pool)
        return 0 if state is None else len(state.pool.open())

    def why(self, name: str) -> list[str]:
        return [decision.what for decision in self.planner.chronicle.of(name)]


@pytest.fixture
def town() -> Town:
    return Town()


def test_a_blueprint_in_specific_mode_gets_workers_with_its_first_job_and_loses_them_when_idle(town: Town) -> None:
    town.planner.set_policy("orders", PoolPolicy(mode="specific", idle_s=60), town.now)
    town.tick()
    assert town.size("orders") == 0
    assert town.report("orders", queued=1, arrived=1)
    town.tick(0)
    assert town.size("orders") == 1
    town.report("orders", in_flight=1)
    town.tick()
    town.report("orders", finished=1)
    for _ in range(100):
        town.tick()
        town.leave()
    assert town.size("orders") == 0
    assert town.why("orders") == ["grow", "shrink"]
    assert "orders" in town.planner.roster().dedicated
    assert town.size(COMMON) == 2


def test_a_hot_blueprint_is_promoted_and_a_cold_one_demoted_each_with_its_numbers(town: Town) -> None:
    town.report("orders", in_flight=5, executions=HOT_EXECUTIONS_A_DAY, arrived=5)
    town.tick()
    assert town.size("orders") == 0
    town.report("orders", in_flight=5, executions=1, arrived=1)
    town.tick()
    assert town.size("orders") == 1
    assert "10,001 executions" in town.planner.chronicle.of("orders")[0].why
    town.report("orders")
    for _ in range(30):
        town.tick(DAY_S / 24)
        town.leave()
    assert town.size("orders") == 0
    assert town.why("orders")[-1] in {"demote", "shrink"}
    assert "demote" in town.why("orders")
    assert "orders" not in town.planner.pools


def test_class_s0_is_promoted_at_its_first_job(town: Town) -> None:
    town.planner.set_policy("orders", PoolPolicy(sla="S0"), town.now)
    town.report("orders", queued=1)
    town.tick()
    assert town.size("orders") == 1
    assert "orders" not in town.planner.roster().dedicated  # the common pool helps until it is up


def test_a_full_cluster_gives_everybody_a_worker_and_says_who_goes_short() -> None:
    town = Town(capacity=6, size=1)
    for name, sla in (("a", "S1"), ("b", "S3")):
        town.planner.set_policy(name, PoolPolicy(mode="specific", sla=sla, target=1), town.now)  # type: ignore[arg-type]
        town.report(name, queued=50)
    town.tick()
    assert (town.size(COMMON), town.size("a"), town.size("b")) == (1, 4, 1)
    assert "full" in town.why("b")


def test_a_changed_policy_replaces_the_workers_one_for_one_and_interrupts_none(town: Town) -> None:
    town.planner.set_policy("orders", PoolPolicy(mode="specific", size=3), town.now)
    town.tick()
    before = set(town.planner.pools["orders"].pool.open())
    town.planner.set_policy("orders", PoolPolicy(mode="specific", size=3, env={"A": "1"}), town.now)
    town.tick(up=False)
    assert town.size("orders") == 6
    for name in set(town.planner.pools["orders"].pool.open()) - before:
        town.planner.came_up("orders", name)
    town.tick()
    town.tick()
    assert town.size("orders") == 3
    assert set(town.planner.pools["orders"].pool.draining()) == before


def test_workers_that_die_young_are_started_more_and_more_slowly(town: Town) -> None:
    town.planner.set_policy("orders", PoolPolicy(mode="specific", size=1), town.now)
    starts = []
    for _ in range(300):
        town.tick(0.5)
        for name in list(town.planner.pools["orders"].pool.open()):
            starts.append(town.now)
            town.planner.left("orders", name, town.now, young=True, why="ImportError: no such module")
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 10
    assert town.planner.pools["orders"].trouble == "ImportError: no such module"


def test_a_worker_that_does_not_come_up_is_reported_within_five_seconds(town: Town) -> None:
    town.planner.set_policy("orders", PoolPolicy(mode="specific", size=1), town.now)
    for _ in range(5):
        town.tick(up=False)
    assert town.why("orders") == ["grow", "pending"]


def test_what_a_dead_engine_reported_counts_no_more(town: Town) -> None:
    town.planner.set_policy("orders", PoolPolicy(mode="specific"), town.now)
    town.report("orders", engine="dead", in_flight=500)
    town.report("orders", engine="alive", in_flight=20)
    town.tick()
    assert town.planner.load_of("orders").in_flight == 520
    town.report("orders", engine="alive", in_flight=20)
    town.now += SILENT_S
    town.report("orders", engine="alive", in_flight=20)
    town.tick()
    assert town.planner.load_of("orders").in_flight == 20


def test_a_restarted_scheduler_has_the_same_pools_and_sizes(town: Town) -> None:
    town.planner.set_policy("fixed", PoolPolicy(mode="specific", size=3, sla="S1"), town.now)
    town.planner.set_policy(COMMON, PoolPolicy(mode="common", size=4), town.now)
    town.report("hot", in_flight=300, executions=HOT_EXECUTIONS_A_DAY + 1)
    town.tick()
    sizes = {pool: town.size(pool) for pool in town.planner.pools}
    assert sizes == {COMMON: 4, "fixed": 3, "hot": 3}
    reborn = Town(now=town.now)
    reborn.planner.remember(town.planner.memo(), town.now)
    for pool, state in town.planner.pools.items():
        for name in state.pool.open():
            reborn.planner.join(pool, name, name, town.planner.make(pool), town.now, found=True)
    reborn.tick()
    assert {pool: reborn.size(pool) for pool in reborn.planner.pools} == sizes
    assert reborn.started == 0
    assert reborn.planner.memo() == town.planner.memo()


def test_the_version_of_the_roster_grows_with_every_change_of_it(town: Town) -> None:
    def change(number: int) -> None:
        match number % 4:
            case 0:
                town.planner.set_policy(f"b{number % 12}", PoolPolicy(mode="specific", idle_s=5), town.now)
            case 1:
                town.report(f"b{(number - 1) % 12}", queued=number % 3, arrived=1)
            case 2:
                town.leave()
            case _:
                town.planner.set_policy(f"b{(number * 3) % 12}", None, town.now)

    seen: dict[int, Any] = {}
    for number in range(400):
        change(number)
        town.tick()
        roster = town.planner.roster()
        assert seen.setdefault(roster.version, roster) == roster
        assert max(seen) == roster.version


def test_a_thousand_idle_blueprints_have_no_pool(town: Town) -> None:
    for n in range(1_000):
        town.planner.set_policy(f"b{n}", PoolPolicy(mode="specific"), town.now)
    town.tick()
    assert set(town.planner.pools) == {COMMON}


def test_jobs_that_waited_too_long_are_counted_and_told_now_and_then(town: Town) -> None:
    town.planner.set_policy("orders", PoolPolicy(queue_timeout_s=5), town.now)
    town.planner.set_policy(COMMON, PoolPolicy(mode="common", min=2, max=2, queue_timeout_s=60), town.now)
    assert town.planner.roster().queue_timeouts == {"orders": 5, COMMON: 60}
    for _ in range(40):
        town.report("orders", queued=3, expired=2)
        town.tick()
    town.report("orders")
    town.tick(60)
    told = [decision.why for decision in town.planner.chronicle.of("orders") if decision.what == "expire"]
    assert [int(why.split()[0]) for why in told] == [2, 58, 20]
    shown = pool_overview(town.planner, "orders", town.now)
    assert (shown.expired, shown.policy["queue_timeout_s"]) == (80, 5)


def test_a_new_cluster_knows_how_blueprints_stood_in_the_last_one(town: Town) -> None:
    town.report("hot", in_flight=5, executions=HOT_EXECUTIONS_A_DAY + 1)
    town.report("cool", in_flight=5, executions=7)
    town.tick()
    reborn = Town(now=town.now + 10)
    version = reborn.planner.version
    reborn.planner.recall(town.planner.standings(), reborn.now)
    assert reborn.planner.standings() == town.planner.standings()
    assert reborn.planner.version > version
    assert reborn.why("hot") == ["promote"]
    reborn.report("hot", queued=5)
    reborn.tick()
    assert reborn.size("hot") == 1


def test_what_a_scheduler_counted_since_is_neither_lost_nor_doubled_by_what_is_recalled(town: Town) -> None:
    town.report("orders", executions=40)
    kept = town.planner.standings()
    town.report("orders", executions=2)
    town.planner.recall(kept, town.now)
    assert town.planner.flows["orders"].day.total == 42


def test_a_blueprint_that_cooled_meanwhile_is_not_promoted_again(town: Town) -> None:
    town.report("hot", executions=HOT_EXECUTIONS_A_DAY + 1)
    reborn = Town(now=town.now + DAY_S)
    reborn.planner.recall(town.planner.standings(), reborn.now)
    assert not reborn.planner.serves("hot")
    assert reborn.why("hot") == ["promote", "demote"]
