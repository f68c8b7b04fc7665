"""Pools on a real Ray cluster: from zero and back, drained, killed in parts, changed while they work."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore"),  # Ray leaves sockets and files to the garbage collector
]

ray = pytest.importorskip("ray")

from actors.clients import SchedulerClient  # noqa: E402
from actors.overview import PoolOverview  # noqa: E402
from actors.scheduler import SchedulerSettings, connect_scheduler  # noqa: E402
from actors.worker import WorkerOptions  # noqa: E402
from bench._ray import local_ray  # noqa: E402
from sfc.catalog.pool_policy import PoolPolicy  # noqa: E402
from tests.support.chance import SEED  # noqa: E402
from tests.system.dispatching import HANDLERS, begun, engine_of, jobs, until  # noqa: E402

MORE_HANDLERS = str(Path(__file__).with_name("pool_handlers.py"))
RESIZES = 20
JOBS = 10_000


@pytest.fixture(scope="module")
def scheduler() -> Iterator[SchedulerClient]:
    with local_ray():
        worker = WorkerOptions(handlers=(HANDLERS, MORE_HANDLERS), cpus=0.1, threads=8)
        yield connect_scheduler(SchedulerSettings(size=1, worker=worker))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    path.touch()
    return path


async def pool(scheduler: SchedulerClient, name: str) -> PoolOverview | None:
    try:
        return next((each for each in (await scheduler.overview()).pools if each.name == name), None)
    except ray.exceptions.RayError:
        return None  # it is being started again


async def has_workers(scheduler: SchedulerClient, name: str, count: int) -> None:
    """Returns when so many are up and none comes or goes."""
    while True:
        found = await pool(scheduler, name)
        if found is None and count == 0:
            return
        if found is not None and (found.up, found.starting, found.draining) == (count, 0, 0):
            return
        await asyncio.sleep(0.05)


async def pids(scheduler: SchedulerClient, name: str) -> set[int]:
    try:
        statuses = await scheduler.statuses()
    except ray.exceptions.RayError:
        return set()
    return {status.pid for worker, status in statuses.items() if worker.split("/")[1] == name}


async def told(scheduler: SchedulerClient, name: str) -> list[str] | None:
    """What was decided in this life of the scheduler; None while it is dead."""
    try:
        return [decision.what for decision in await scheduler.why(name)]
    except ray.exceptions.RayError:
        return None


async def test_a_pool_goes_from_zero_to_what_its_load_needs_and_back(scheduler: SchedulerClient, notes: Path) -> None:
    go = notes.with_name("go")
    await scheduler.apply({"tides": PoolPolicy(mode="specific", target=5, max=2, idle_s=1)})
    async with engine_of(scheduler) as engine:
        assert await pids(scheduler, "tides") == set()
        engine.dispatcher.dispatch(jobs("note", 1, notes, machine="tides"))
        await engine.has(1)
        assert {pid for _, pid in begun(notes)} == await pids(scheduler, "tides")
        engine.dispatcher.dispatch(jobs("wait-for-file", 30, notes, first=1, machine="tides", file=str(go)))
        await has_workers(scheduler, "tides", 2)
        go.touch()
        await engine.has(31)
        await has_workers(scheduler, "tides", 0)
    assert sorted(n for n, _ in begun(notes)) == list(range(31))
    decisions = await told(scheduler, "tides")
    assert decisions is not None
    assert decisions[:2] == ["grow", "grow"]
    assert decisions[-1] == "shrink"


async def test_forced_resizes_under_load_lose_and_repeat_no_job(scheduler: SchedulerClient, notes: Path) -> None:
    """A failure prints its seed; SFC_TEST_SEED runs it again."""
    chance = random.Random(SEED)
    await scheduler.apply({"sizes": PoolPolicy(mode="specific", size=2, concurrency=200)})
    share = JOBS // RESIZES
    async with engine_of(scheduler) as engine:
        for turn in range(RESIZES):
            await scheduler.resize(chance.choice([1, 2, 3]), "sizes")
            engine.dispatcher.dispatch(jobs("note-and-rest", share, notes, first=turn * share, machine="sizes"))
            await engine.has(turn * share + share // 2)
        await engine.has(JOBS)
        await scheduler.apply({"sizes": None})
        assert [result.error for result in engine.results.values() if result.error] == [], SEED
    assert sorted(n for n, _ in begun(notes)) == list(range(JOBS)), SEED


async def test_workers_and_scheduler_killed_at_random_stop_nothing(scheduler: SchedulerClient, notes: Path) -> None:
    chance = random.Random(SEED)
    await scheduler.apply({"war": PoolPolicy(mode="specific", size=2, concurrency=100)})
    async with engine_of(scheduler) as engine:
        await has_workers(scheduler, "war", 2)
        for turn, victim in enumerate(["worker", "scheduler", "worker", "both"]):
            engine.dispatcher.dispatch(jobs("note-and-rest", 500, notes, first=turn * 500, machine="war"))
            await engine.has(turn * 500 + chance.randrange(1, 200))
            known = sorted(await pids(scheduler, "war"))
            if victim in {"scheduler", "both"}:
                scheduler.kill(restart=True)
            if victim in {"worker", "both"} and known:
                os.kill(chance.choice(known), signal.SIGKILL)
        await engine.has(2_000)
        assert [result.error for result in engine.results.values() if result.error] == [], SEED
        await has_workers(scheduler, "war", 2)
        await scheduler.apply({"war": None})
    assert {n for n, _ in begun(notes)} == set(range(2_000)), SEED


async def test_a_killed_scheduler_is_back_within_ten_seconds_with_the_same_pools(scheduler: SchedulerClient) -> None:
    await scheduler.apply({"kept": PoolPolicy(mode="specific", sla="S1")})
    await scheduler.resize(2, "kept")
    await has_workers(scheduler, "kept", 2)
    before = await pids(scheduler, "kept")
    known = await pool(scheduler, "kept")
    assert known is not None
    scheduler.kill(restart=True)
    began = time.monotonic()
    while await told(scheduler, "kept") != [] or await pids(scheduler, "kept") != before:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert time.monotonic() - began < 10
    found = await pool(scheduler, "kept")
    assert found is not None
    assert (found.policy, found.desired) == (known.policy, 2)
    await scheduler.apply({"kept": None})


async def test_a_changed_policy_reaches_workers_without_failing_a_job(scheduler: SchedulerClient, notes: Path) -> None:
    await scheduler.apply({"words": PoolPolicy(mode="specific", size=1, env={"SFC_WORD": "old"})})
    async with engine_of(scheduler) as engine:
        engine.dispatcher.dispatch(jobs("variable", 1, notes, machine="words", name="SFC_WORD"))
        await engine.has(1)
        await scheduler.apply({"words": PoolPolicy(mode="specific", size=1, env={"SFC_WORD": "new"})})
        last = ""
        while last != '"new"':
            number = len(engine.results)
            engine.dispatcher.dispatch(jobs("variable", 1, notes, first=number, machine="words", name="SFC_WORD"))
            await engine.has(number + 1)
            result = engine.results[f"{notes}:{number}"]
            assert result.error is None
            last = (result.output or b"").decode()
            assert last in {'"old"', '"new"'}
        await scheduler.apply({"words": None})


async def test_a_new_engine_adopts_jobs_of_workers_that_drain(scheduler: SchedulerClient, notes: Path) -> None:
    """As a rolling update of the engine does it while a pool shrinks."""
    go = notes.with_name("go")
    running = jobs("wait-for-file", 10, notes, machine="heirs", file=str(go))
    await scheduler.apply({"heirs": PoolPolicy(mode="specific", size=1)})
    async with engine_of(scheduler) as first:
        first.dispatcher.dispatch(running)
        await until(lambda: len(begun(notes)) == 10)
    await scheduler.resize(0, "heirs")
    async with engine_of(scheduler) as second:
        second.dispatcher.dispatch(running)
        go.touch()
        await second.has(10)
    assert len(begun(notes)) == 10
    assert first.results == {}
    await scheduler.apply({"heirs": None})


async def test_a_placement_that_stays_pending_is_told_within_five_seconds(scheduler: SchedulerClient) -> None:
    began = time.monotonic()
    await scheduler.apply({"stuck": PoolPolicy(mode="specific", size=1, resources={"unobtainium": 1})})
    while "pending" not in (await told(scheduler, "stuck") or ()):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    assert time.monotonic() - began < 5
    found = await pool(scheduler, "stuck")
    assert found is not None
    assert found.pending_s > 0
    await scheduler.apply({"stuck": None})
    await has_workers(scheduler, "stuck", 0)


async def test_a_job_that_gets_no_worker_in_time_fails_and_those_with_one_do_not(
    scheduler: SchedulerClient, notes: Path
) -> None:
    go = notes.with_name("go")
    await scheduler.apply(
        {
            "never": PoolPolicy(mode="specific", size=1, queue_timeout_s=1, resources={"unobtainium": 1}),
            "taken": PoolPolicy(mode="specific", size=1, queue_timeout_s=60),
        }
    )
    async with engine_of(scheduler) as engine:
        engine.dispatcher.dispatch(jobs("wait-for-file", 10, notes, machine="taken", file=str(go)))
        engine.dispatcher.dispatch(jobs("note", 5, notes, first=10, machine="never"))
        await engine.has(5)
        go.touch()
        await engine.has(15)
        while "expire" not in (await told(scheduler, "never") or ()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    found = await pool(scheduler, "never")
    assert found is not None
    assert found.expired == 5
    errors = {n: engine.results[f"{notes}:{n}"].error for n in range(15)}
    assert errors == {n: None if n < 10 else "SFC.QueueTimeout" for n in range(15)}
    assert sorted(n for n, _ in begun(notes)) == list(range(10))
    await scheduler.apply({"never": None, "taken": None})
