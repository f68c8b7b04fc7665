"""Jobs a second through the exchange with two Ray workers, beside one raw actor call per job on the same workers.

`async_jobs_s`, `sync_jobs_s`: no-op handlers, in bursts. `raw_calls_s`: one call per job, all in flight at once.
`one_job_ms`, `raw_call_ms`: one at a time, median.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench._ray import local_ray
from sfc.tasks import task
from sfc.tasks.job import Job, JobResult

JOBS = 20_000
SINGLE = 300
ROUNDS = 3
_HERE = str(Path(__file__).resolve())


@task("noop-async")
async def noop_async(value: Any) -> Any:
    return value


@task("noop-sync")
def noop_sync(value: Any) -> Any:
    return value


class Waiter:
    """Counts results down."""

    def __init__(self) -> None:
        self.left = 0
        self.done = asyncio.Event()

    def take(self, results: Sequence[JobResult]) -> None:
        self.left -= len(results)
        if self.left <= 0:
            self.done.set()

    def expect(self, count: int) -> None:
        self.left = count
        self.done.clear()


def _jobs(handler: str, count: int) -> list[Job]:
    run = time.time_ns()
    return [Job(f"{run}:{n}", "arn", "bench", "Noop", f"task:{handler}", b'{"order":4711}') for n in range(count)]


async def burst(dispatcher: Any, waiter: Waiter, handler: str, count: int) -> float:
    jobs = _jobs(handler, count)
    waiter.expect(count)
    began = time.perf_counter()
    dispatcher.dispatch(jobs)
    await waiter.done.wait()
    return count / (time.perf_counter() - began)


async def alone(dispatcher: Any, waiter: Waiter, workers: list[Any]) -> tuple[float, float]:
    """Medians in ms of one raw call and of one job, when nothing else is under way; in turn, so that whatever else the
    machine does meets both.
    """
    calls, ours = [], []
    for n, job in enumerate(_jobs("noop-async", SINGLE)):
        began = time.perf_counter()
        await workers[n % len(workers)].cancel([])
        calls.append(time.perf_counter() - began)
        await asyncio.sleep(0.002)
        waiter.expect(1)
        began = time.perf_counter()
        dispatcher.dispatch([job])
        await waiter.done.wait()
        ours.append(time.perf_counter() - began)
        await asyncio.sleep(0.002)
    return statistics.median(calls) * 1000, statistics.median(ours) * 1000


async def raw_calls(workers: list[Any]) -> float:
    """Calls a second with all in flight."""
    count = JOBS // 10
    began = time.perf_counter()
    await asyncio.gather(*(_awaited(workers[n % len(workers)].cancel([])) for n in range(count)))
    return count / (time.perf_counter() - began)


async def raw_call_ms(workers: list[Any]) -> float:
    """The median of calls one after the other."""
    times = []
    for number in range(SINGLE):
        began = time.perf_counter()
        await _awaited(workers[number % len(workers)].cancel([]))
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1_000


async def compared(scheduler: Any, pool: str) -> dict[str, Any]:
    """Jobs through the workers of a pool (`common`, or that of the blueprint "bench"), beside raw calls of the same."""
    from actors.exchange import RayDispatcher

    dispatcher, waiter = RayDispatcher(scheduler), Waiter()
    await dispatcher.open(waiter.take)
    await burst(dispatcher, waiter, "noop-async", JOBS // 20)
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        workers = list((await scheduler.members(0, 1)).pools[pool].open.values())
        raw_ms, one_ms = await alone(dispatcher, waiter, workers)
        for name, value in (
            ("raw_calls_s", await raw_calls(workers)),
            ("raw_call_ms", raw_ms),
            ("one_job_ms", one_ms),
            ("async_jobs_s", await burst(dispatcher, waiter, "noop-async", JOBS)),
            ("sync_jobs_s", await burst(dispatcher, waiter, "noop-sync", JOBS)),
        ):
            found.setdefault(name, []).append(value)
    await dispatcher.close()
    result = {name: round(statistics.median(values), 3) for name, values in found.items()}
    result["async_to_raw"] = round(result["async_jobs_s"] / result["raw_calls_s"], 1)
    result["sync_to_raw"] = round(result["sync_jobs_s"] / result["raw_calls_s"], 1)
    result["latency_to_raw"] = round(result["one_job_ms"] / result["raw_call_ms"], 2)
    return result


async def _awaited(ref: Any) -> Any:
    return await ref


async def _measure() -> dict[str, Any]:
    from actors.scheduler import SchedulerSettings, connect_scheduler
    from actors.worker import WorkerOptions
    from sfc.catalog.pool_policy import COMMON

    options = WorkerOptions(handlers=(_HERE,), cpus=0.1, concurrency=2_000)
    return await compared(connect_scheduler(SchedulerSettings(size=2, worker=options)), COMMON)


def main() -> dict[str, Any]:
    import uvloop

    with local_ray():
        return uvloop.run(_measure())


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
