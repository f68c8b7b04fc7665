"""Pools of workers on Ray, each figure beside its yardstick, in one run.

- `through_a_pool`: no-op jobs through a pool of two workers, async and sync handlers; `raw_calls_s`, `raw_call_ms`: one
  actor call per job on the same workers.
- `from_zero`: from a job's arrival at a pool without workers to its result; `bare_actor_ms`: from the creation of a Ray
  actor with the same imports to the answer of its first call.
- `flood`: ten workflows of 20 jobs a second each on the two workers of the common pool; then one of them sends 100
  times its share. p99 of the other nine in ms.
- `scheduler`: CPU per second of the scheduler's loop for 1,000 workflows, 50 of them active with 4 workers each, with
  simulated workers: reports, decisions, and the roster as it is sent.

    python -m bench.pools
"""

import asyncio
import json
import pickle
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench._ray import local_ray
from bench.exchange import ROUNDS, Waiter, compared
from sfc.tasks.job import Job, JobResult

WORKFLOWS = 10
SHARE_S = 20
FLOOD = 100
FLOOD_S = 6.0
COLD = 5
_HANDLERS = str(Path(__file__).with_name("exchange.py").resolve())
_BESIDE = str(Path(__file__).resolve().parents[1])


class Answers:
    """How long each job took, in ms, by workflow."""

    def __init__(self) -> None:
        self.sent: dict[str, tuple[str, float]] = {}
        self.ms: dict[str, list[float]] = {}

    def take(self, results: Sequence[JobResult]) -> None:
        now = time.perf_counter()
        for result in results:
            machine, at = self.sent.pop(result.key)
            self.ms.setdefault(machine, []).append((now - at) * 1000)

    def send(self, dispatcher: Any, machine: str, count: int, handler: str) -> None:
        now = time.perf_counter()
        jobs = [
            Job(f"{machine}:{time.time_ns()}:{n}", f"arn:{n}", machine, "Noop", f"task:{handler}", b"{}")
            for n in range(count)
        ]
        self.sent.update({job.key: (machine, now) for job in jobs})
        dispatcher.dispatch(jobs)


async def _others_p99(dispatcher: Any, answers: Answers, handler: str, flood: int) -> float:
    answers.ms.clear()
    end = time.perf_counter() + FLOOD_S
    while time.perf_counter() < end:
        began = time.perf_counter()
        answers.send(dispatcher, "flow-0", flood, handler)
        for n in range(1, WORKFLOWS):
            answers.send(dispatcher, f"flow-{n}", 1, handler)
        await asyncio.sleep(max(1 / SHARE_S - (time.perf_counter() - began), 0))
    while answers.sent:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    others = [ms for machine, found in answers.ms.items() if machine != "flow-0" for ms in found]
    return statistics.quantiles(others, n=100)[98]


async def _flood(scheduler: Any) -> dict[str, Any]:
    from actors.exchange import RayDispatcher

    found: dict[str, Any] = {}
    for handler in ("noop-async", "noop-sync"):
        dispatcher, answers = RayDispatcher(scheduler), Answers()
        await dispatcher.open(answers.take)
        await _others_p99(dispatcher, answers, handler, 1)  # warm
        alone, flooded = [], []
        for _ in range(ROUNDS):
            alone.append(await _others_p99(dispatcher, answers, handler, 1))
            flooded.append(await _others_p99(dispatcher, answers, handler, FLOOD))
        await dispatcher.close()
        one, other = statistics.median(alone), statistics.median(flooded)
        found[handler] = {
            "alone_p99_ms": round(one, 2),
            "flooded_p99_ms": round(other, 2),
            "times": round(other / one, 2),
        }
    return found


async def _from_zero(scheduler: Any) -> dict[str, Any]:
    import ray

    from actors.clients import start_worker
    from actors.exchange import RayDispatcher
    from actors.worker import WorkerOptions
    from sfc.catalog.pool_policy import PoolPolicy

    dispatcher, waiter = RayDispatcher(scheduler), Waiter()
    await dispatcher.open(waiter.take)
    ours, bare = [], []
    for turn in range(COLD):
        name = f"cold-{turn}"
        await scheduler.apply({name: PoolPolicy(mode="specific", idle_s=1)})
        dispatcher.dedicate(name, True)
        waiter.expect(1)
        began = time.perf_counter()
        dispatcher.dispatch([Job(f"{name}:1", "arn", name, "Noop", "task:noop-async", b"{}")])
        await waiter.done.wait()
        ours.append((time.perf_counter() - began) * 1000)
        await scheduler.apply({name: None})
        await asyncio.sleep(2)
        began = time.perf_counter()
        handle = start_worker(f"bare-{turn}", WorkerOptions(handlers=(_HANDLERS,), cpus=0.1))
        await handle.status.remote()
        bare.append((time.perf_counter() - began) * 1000)
        ray.kill(handle)
        await asyncio.sleep(2)
    await dispatcher.close()
    one, other = statistics.median(ours), statistics.median(bare)
    return {"first_job_ms": round(one), "bare_actor_ms": round(other), "times": round(one / other, 2)}


async def _through_a_pool(scheduler: Any) -> dict[str, Any]:
    from sfc.catalog.pool_policy import PoolPolicy

    await scheduler.apply({"bench": PoolPolicy(mode="specific", size=2, concurrency=2_000)})
    found = await compared(scheduler, "bench")
    await scheduler.apply({"bench": None})
    return found


def scheduler_cpu(workflows: int = 1_000, active: int = 50, seconds: int = 30) -> dict[str, Any]:
    """With simulated workers and time."""
    from actors.planner import Planner
    from actors.roster import Report
    from sfc.catalog.pool_policy import PoolPolicy

    now = 1_000_000.0
    planner: Planner[str] = Planner(PoolPolicy(mode="common", min=2, max=2), 0.1, 1, now)
    for n in range(workflows):
        planner.set_policy(f"flow-{n}", PoolPolicy(mode="specific", idle_s=20), now)
    used, workers = 0.0, 0
    for second in range(seconds):
        busy = range(second % 10 * active, second % 10 * active + active)  # others come and go
        reports = {f"flow-{n}": Report(350, 5, 400, 400, 100) for n in (*range(active), *busy)}
        began = time.process_time()
        now += 1
        planner.report("engine", reports, now)
        plan = planner.plan(now, 1_000)
        for pool, count in plan.start.items():
            for _ in range(count):
                workers += 1
                planner.join(pool, f"w{workers}", f"w{workers}", planner.make(pool), now)
                planner.came_up(pool, f"w{workers}")
        for pool, name in plan.drain:
            planner.pools[pool].pool.drain(name)
            planner.left(pool, name, now)
        pickle.dumps(planner.roster())
        used += time.process_time() - began
    return {
        "workflows": workflows,
        "active": active,
        "workers": workers,
        "cpu_ms_per_s": round(1000 * used / seconds, 2),
    }


async def _measure() -> dict[str, Any]:
    from actors.scheduler import SchedulerSettings, connect_scheduler
    from actors.worker import WorkerOptions

    options = WorkerOptions(handlers=(_HANDLERS,), paths=(_BESIDE,), cpus=0.1)
    scheduler = connect_scheduler(SchedulerSettings(size=2, worker=options))
    await scheduler.members(0, 1)
    return {
        "through_a_pool": await _through_a_pool(scheduler),
        "from_zero": await _from_zero(scheduler),
        "flood": await _flood(scheduler),
    }


def main() -> dict[str, Any]:
    import uvloop

    found = {"scheduler": scheduler_cpu()}
    with local_ray():
        return uvloop.run(_measure()) | found


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
