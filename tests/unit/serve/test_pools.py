"""Pools over REST and in Prometheus' format, with the scheduler's own mind and workers that are names."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.overview import Overview
from serve import metrics
from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.catalog.pool_policy import COMMON, PoolPolicy
from sfc.catalog.pool_shelf import MemoryPools
from sfc.engine.engine import Engine
from sfc.errors import Overloaded
from sfc.store.memory import MemoryStore
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner
from tests.house.tree import DOCS
from tests.support.pools import SimulatedScheduler, pooled_engine
from tests.support.server import serving

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


@pytest.fixture
def scheduler() -> SimulatedScheduler:
    return SimulatedScheduler()


@pytest.fixture
def rest(scheduler: SimulatedScheduler) -> Iterator[httpx.Client]:
    with (
        serving(make=lambda: pooled_engine(scheduler)) as url,
        httpx.Client(base_url=url, timeout=20) as client,
    ):
        yield client


def put(rest: httpx.Client, name: str, **settings: Any) -> httpx.Response:
    return rest.put(f"/api/blueprints/{name}", json={"definition": PASS, "settings": settings})


def names(rest: httpx.Client) -> list[str]:
    return [pool["name"] for pool in rest.get("/api/pools").json()["items"]]


def until_policy(scheduler: SimulatedScheduler, name: str, policy: PoolPolicy) -> None:
    """The scheduler hears of a change a moment after it is answered."""
    end = time.monotonic() + 10
    while scheduler.planner.policy(name) != policy:
        assert time.monotonic() < end, scheduler.planner.policy(name)
        time.sleep(0.005)


def test_a_blueprint_says_what_its_pool_may_be(rest: httpx.Client, scheduler: SimulatedScheduler) -> None:
    assert put(rest, "orders", pool={"mode": "specific", "max": 3}).status_code == 201
    assert scheduler.dedicated == {"orders"}  # known at once: its first job must not go astray
    until_policy(scheduler, "orders", PoolPolicy(mode="specific", max=3))
    shown = rest.get("/api/pools/orders").json()
    assert (shown["specific"], shown["policy"]["max"], shown["up"]) == (True, 3, 0)
    scheduler.load("orders", 250)
    shown = rest.get("/api/pools/orders").json()
    assert (shown["wished"], shown["up"], shown["in_flight"], shown["last"]["what"]) == (3, 3, 250, "grow")
    put(rest, "orders", pool={"mode": "common"})
    assert scheduler.dedicated == set()
    until_policy(scheduler, "orders", PoolPolicy(mode="common"))
    rest.delete("/api/blueprints/orders")
    until_policy(scheduler, "orders", PoolPolicy())


def test_a_pool_setting_that_is_wrong_is_refused_by_name(rest: httpx.Client) -> None:
    for answer in (put(rest, "orders", pool={"max": "many"}), put(rest, "orders", pool={"max": 0})):
        assert (answer.status_code, answer.json()["field"]) == (400, "pool.max")
    put(rest, "orders")
    refused = rest.patch("/api/pools/orders", json={"colour": 1})
    assert (refused.status_code, refused.json()["field"]) == (400, "pool.colour")
    refused = rest.patch("/api/pools/common", json={"mode": "specific"})
    assert (refused.status_code, refused.json()["field"]) == (400, "pool.mode")


def test_what_is_set_wins_over_the_blueprint_until_it_is_taken_back(
    rest: httpx.Client, scheduler: SimulatedScheduler
) -> None:
    put(rest, "orders", pool={"mode": "specific", "max": 3})
    assert rest.patch("/api/pools/orders", json={"max": 5, "sla": "S0"}).json()["max"] == 5
    until_policy(scheduler, "orders", PoolPolicy(mode="specific", max=5, sla="S0"))
    assert rest.patch("/api/pools/orders", json={"max": None}).json()["max"] == 3
    until_policy(scheduler, "orders", PoolPolicy(mode="specific", max=3, sla="S0"))
    assert rest.put("/api/pools/orders", json={}).json()["sla"] == "S2"
    until_policy(scheduler, "orders", PoolPolicy(mode="specific", max=3))


def test_a_pool_is_scaled_drained_and_explained(rest: httpx.Client, scheduler: SimulatedScheduler) -> None:
    assert rest.post("/api/pools/common/scale", json={"size": 4}).json()["size"] == 4
    until_policy(scheduler, COMMON, PoolPolicy(mode="common", min=2, max=2, size=4))
    assert rest.get("/api/pools/common").json()["up"] == 4
    assert {worker["pool"] for worker in rest.get("/api/workers").json()["items"]} == {"common"}
    assert rest.post("/api/pools/common/drain").status_code == 202
    assert scheduler.started == 8
    why = rest.get("/api/pools/common/why").json()["items"]
    assert [each["what"] for each in why] == ["grow", "grow", "replace"]
    assert "fixed at 4 by hand" in why[1]["why"]
    assert rest.post("/api/pools/common/scale", json={"size": None}).json()["size"] is None


def test_pools_of_blueprints_that_do_not_exist_are_not_found(rest: httpx.Client) -> None:
    for answer in (
        rest.get("/api/pools/nobody"),
        rest.patch("/api/pools/nobody", json={"max": 1}),
        rest.post("/api/pools/nobody/scale", json={"size": 1}),
        rest.post("/api/pools/nobody/drain"),
        rest.get("/api/pools/nobody/why"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (404, "StateMachineDoesNotExist")


def test_a_hot_blueprint_is_listed_as_promoted(rest: httpx.Client, scheduler: SimulatedScheduler) -> None:
    put(rest, "orders")
    scheduler.load("orders", 5, executions=10_001)
    assert names(rest) == ["common", "orders"]
    shown = rest.get("/api/pools/orders").json()
    assert (shown["promoted"], shown["executions_a_day"]) == (True, 10_001)


def test_a_blueprint_that_rests_is_still_shown_with_its_day(rest: httpx.Client, scheduler: SimulatedScheduler) -> None:
    put(rest, "orders")
    scheduler.load("orders", 0, executions=7)
    scheduler.planner.plan(time.time() + 100, scheduler.capacity)
    assert names(rest) == ["common"]
    shown = rest.get("/api/pools/orders").json()
    assert (shown["executions_a_day"], shown["in_flight"], shown["policy"]["mode"]) == (7, 0, "auto")


def test_a_server_without_ray_has_no_pools(url: str) -> None:
    assert httpx.get(f"{url}/api/pools").json()["error"] == "PoolDoesNotExist"
    assert "sfc_scheduler_up 0.0" in httpx.get(f"{url}/metrics").text


async def test_what_was_set_outlives_the_server() -> None:
    shelf = MemoryPools()
    for round in range(2):
        scheduler = SimulatedScheduler()
        engine, pools = pooled_engine(scheduler, shelf)
        await engine.open()
        await engine.blueprints.create("orders", '{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}')
        await pools.open()
        if round == 0:
            await pools.set("orders", {"mode": "specific", "size": 3}, over=True)
            await pools.set(COMMON, {"size": 1}, over=True)
        else:
            assert scheduler.planner.policy("orders") == PoolPolicy(mode="specific", size=3)
            assert scheduler.dedicated == {"orders"}
            assert scheduler.planner.common.size == 1
        await pools.close()
        await engine.close()


async def test_how_blueprints_stand_outlives_the_server_and_the_cluster() -> None:
    shelf = MemoryPools()
    before, after = SimulatedScheduler(), SimulatedScheduler()
    engine, pools = pooled_engine(before, shelf)
    await pools.open()
    before.load("orders", 5, executions=10_001)
    await pools.close()
    await engine.close()
    engine, pools = pooled_engine(after, shelf)
    await pools.open()
    assert after.planner.serves("orders")
    assert after.planner.flows["orders"].day.total == 10_001
    after.planner.flows.clear()
    await pools.close()
    await engine.close()
    assert shelf.standings() == {}


async def test_standings_are_kept_while_the_server_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.pools._STANDINGS_S", 0)
    shelf, scheduler = MemoryPools(), SimulatedScheduler()
    engine, pools = pooled_engine(scheduler, shelf)
    await pools.open()
    scheduler.load("orders", 5, executions=3)
    while not shelf.standings():  # noqa: ASYNC110 - kept in a thread
        await asyncio.sleep(0)
    assert shelf.standings()["orders"]["promoted"] is False
    await pools.close()
    await engine.close()


def test_starts_are_refused_with_a_time_to_come_again() -> None:
    def refuse(machine: str) -> None:
        raise Overloaded(f"too much of {machine}", retry_after_s=7.2)

    def make() -> tuple[Engine, None]:
        return Engine(MemoryStore(), Catalog(MemoryShelf()), LocalDispatcher(JobRunner()), admit=refuse), None

    with serving(make=make) as url:
        httpx.put(f"{url}/api/blueprints/orders", json={"definition": PASS})
        answer = httpx.post(f"{url}/api/executions", json={"blueprint": "orders", "input": {}})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "8")
        assert "too much of orders" in answer.json()["message"]
        assert httpx.post(f"{url}/triggers/orders", json={}).status_code == 429


def test_every_metric_is_told_and_documented(rest: httpx.Client, scheduler: SimulatedScheduler) -> None:
    put(rest, "orders", pool={"mode": "specific"})
    scheduler.load("orders", 5)
    answer = rest.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}
    known = {
        *metrics.POOL_GAUGES,
        *metrics.POOL_COUNTERS,
        *metrics.ENGINE_GAUGES,
        *metrics.ENGINE_COUNTERS,
        *metrics.FEED_COUNTERS,
        *metrics.FEED_GAUGES,
        *metrics.EVENT_COUNTERS,
        *metrics.TRIGGER_COUNTERS,
        *metrics.OTHERS,
    }
    assert set(found) == known
    flying = {sample.labels["pool"]: sample.value for sample in found["sfc_pool_in_flight_jobs"].samples}
    assert flying["orders"] == 5
    page = (DOCS / "reference" / "metrics.md").read_text()
    assert {name for name in known if f"| `{name}` |" not in page} == set()
    documented = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `sfc_")}
    assert documented == known


def test_a_scheduler_that_is_away_takes_only_its_own_figures_along() -> None:
    text = metrics.render(metrics.Figures({"RUNNING": 1}, dict.fromkeys(_engine_keys(), 0), None)).decode()
    assert "sfc_scheduler_up 0.0" in text
    assert "sfc_pool" not in text
    empty = Overview([], 4.0, [], 0, 0.1)
    assert (
        "sfc_scheduler_up 1.0" in metrics.render(metrics.Figures({}, dict.fromkeys(_engine_keys(), 0), empty)).decode()
    )


def _engine_keys() -> list[str]:
    return [key for key, _ in (*metrics.ENGINE_GAUGES.values(), *metrics.ENGINE_COUNTERS.values())]
