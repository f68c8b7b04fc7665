"""Workers, the exchange and the scheduler on a real Ray head."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sfc.tasks.job import Job

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore"),  # Ray leaves sockets and files to the garbage collector
]

ray = pytest.importorskip("ray")

from actors.clients import SchedulerClient  # noqa: E402
from actors.scheduler import Scheduler, SchedulerSettings, connect_scheduler  # noqa: E402
from actors.worker import WorkerOptions  # noqa: E402
from bench._ray import local_ray  # noqa: E402
from tests.system.dispatching import HANDLERS, Engine, begun, engine_of, jobs, until  # noqa: E402


@pytest.fixture(scope="module")
def head() -> Iterator[None]:
    with local_ray():
        yield


@pytest.fixture(scope="module")
def scheduler(head: None) -> SchedulerClient:
    worker = WorkerOptions(handlers=(HANDLERS,), cpus=0.1, threads=8, memory_bytes=1 << 30)
    return connect_scheduler(SchedulerSettings(size=2, worker=worker))


@pytest.fixture
async def engine(scheduler: SchedulerClient) -> AsyncIterator[Engine]:
    async with engine_of(scheduler) as engine:
        yield engine


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    path.touch()
    return path


@pytest.mark.parametrize("task", ["note", "note-in-thread"])
async def test_each_job_is_done_once_and_both_workers_do_some(engine: Engine, notes: Path, task: str) -> None:
    engine.dispatcher.dispatch(jobs(task, 1000, notes))
    engine.dispatcher.dispatch(jobs(task, 1000, notes))
    await engine.has(1000)
    assert sorted(int(result.output or b"-1") for result in engine.results.values()) == list(range(1000))
    assert sorted(n for n, _ in begun(notes)) == list(range(1000))
    assert len({pid for _, pid in begun(notes)}) == 2


async def test_jobs_on_a_killed_worker_are_done_by_others(engine: Engine, notes: Path, tmp_path: Path) -> None:
    engine.dispatcher.dispatch(jobs("wait-for-file", 20, notes, file=str(tmp_path / "go")))
    await until(lambda: len(begun(notes)) == 20)
    victim = begun(notes)[0][1]
    lost = {n for n, pid in begun(notes) if pid == victim}
    os.kill(victim, signal.SIGKILL)
    await until(lambda: len(begun(notes)) == 20 + len(lost))
    (tmp_path / "go").touch()
    await engine.has(20)
    assert all(result.error is None for result in engine.results.values())
    assert sorted(n for n, _ in begun(notes)[20:]) == sorted(lost)


async def test_a_job_that_ends_its_worker_three_times_fails_and_harms_no_other(engine: Engine, notes: Path) -> None:
    (killer,) = jobs("end-the-process", 1, notes)
    others = jobs("note", 50, notes)
    engine.dispatcher.dispatch([killer._replace(key="killer"), *others])
    await engine.has(51)
    result = engine.results.pop("killer")
    assert result.error == "SFC.WorkerLost"
    assert "died 3 times" in (result.cause or "")
    assert all(other.error is None for other in engine.results.values())


async def test_a_handler_that_eats_memory_fails_and_its_worker_lives(engine: Engine) -> None:
    engine.dispatcher.dispatch([Job("eater", "arn", "orders", "State", "task:eat-memory", b"8000000000")])
    await engine.has(1)
    assert engine.results["eater"].error == "MemoryError"


async def test_a_restarted_scheduler_finds_its_workers_and_stops_no_flow(
    scheduler: SchedulerClient, engine: Engine, notes: Path
) -> None:
    async def pids() -> set[int]:
        while True:
            try:
                found = {status.pid for status in (await scheduler.statuses()).values()}
            except ray.exceptions.RayActorError:
                found = set()
            if len(found) == 2:
                return found
            await asyncio.sleep(0.05)

    before = await pids()
    scheduler.kill(restart=True)
    engine.dispatcher.dispatch(jobs("note", 10, notes))
    await engine.has(10)
    assert await pids() == before


async def test_a_new_engine_adopts_what_runs(scheduler: SchedulerClient, notes: Path, tmp_path: Path) -> None:
    running = jobs("wait-for-file", 20, notes, file=str(tmp_path / "go"))
    first, second = Engine(scheduler), Engine(scheduler)
    await first.dispatcher.open(first.take)
    first.dispatcher.dispatch(running)
    await until(lambda: len(begun(notes)) == 20)
    await first.dispatcher.close()
    await second.dispatcher.open(second.take)
    second.dispatcher.dispatch(running)
    (tmp_path / "go").touch()
    await second.has(20)
    await second.dispatcher.close()
    assert len(begun(notes)) == 20
    assert first.results == {}


async def test_a_removed_worker_ends_its_jobs_first(scheduler: SchedulerClient, engine: Engine, notes: Path) -> None:
    go = notes.with_name("go")
    engine.dispatcher.dispatch(jobs("wait-for-file", 20, notes, file=str(go)))
    await until(lambda: len(begun(notes)) == 20)
    await scheduler.resize(1)
    go.touch()
    await engine.has(20)
    while len(await scheduler.statuses()) != 1:  # noqa: ASYNC110 - asks another process
        await asyncio.sleep(0.05)
    await scheduler.resize(2)
    assert len(begun(notes)) == 20
    assert all(result.error is None for result in engine.results.values())


async def test_handlers_that_cannot_be_loaded_are_told(head: None) -> None:
    handle = (
        ray.remote(Scheduler)
        .options(num_cpus=0)
        .remote(SchedulerSettings(name="broken", size=1, worker=WorkerOptions(handlers=("no.such.module",), cpus=0.1)))
    )
    client = SchedulerClient(handle)
    while (trouble := await client.trouble()) is None:  # noqa: ASYNC110 - asks another process
        await asyncio.sleep(0.05)
    assert "no.such.module" in trouble
    client.kill(restart=False)
