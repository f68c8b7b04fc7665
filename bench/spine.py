"""Durable one-task executions on two Ray workers, beside raw actor calls on the same workers and bare SQLite commits.

- `started_in_batches_per_second`: starts handed over 200 at a time, until the last has ended; `raw_calls_per_second`:
  one actor call for each job, all in flight at once, nothing kept.
- `done_ms`: from the call of `start` to the end that `wait` tells, in process, at 1 and 32 in flight. Its yardstick,
  `floor_ms`, is two commits of a bare sqlite3 connection and one raw actor call, one after the other.
- `http_ms`: the same from outside, through the HTTP trigger, which answers with the output.

    python -m bench.spine
"""

import asyncio
import contextlib
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from bench._http import Connection
from bench._ray import local_ray
from bench.exchange import ROUNDS, raw_call_ms, raw_calls
from bench.servers import sfc_up
from sfc.catalog.catalog import Catalog
from sfc.catalog.sql import SqlShelf
from sfc.engine.engine import Engine, StartRequest
from sfc.errors import SfcError
from sfc.store.sqlite import SqliteStore

DEFINITION = json.dumps({"StartAt": "Echo", "States": {"Echo": {"Type": "Task", "Resource": "task:echo", "End": True}}})
INPUT = json.dumps({"order": 4711, "items": [{"sku": "abc", "count": 2}], "customer": {"name": "Ada", "vip": True}})
EXECUTIONS = 4_000
BATCH = 200
SINGLE = 300


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100)
    return {"p50": round(cuts[49] * 1000, 2), "p99": round(cuts[98] * 1000, 2)}


async def in_batches(engine: Engine) -> float:
    """Executions a second."""
    began = time.perf_counter()
    arns: list[str] = []
    for _ in range(EXECUTIONS // BATCH):
        started = await engine.start_many([StartRequest("echo", INPUT)] * BATCH)
        arns += [record.arn for record in started if not isinstance(record, SfcError)]
    for arn in arns:
        record = await engine.wait(arn, 60)
        assert record.status == "SUCCEEDED", record
    return EXECUTIONS / (time.perf_counter() - began)


async def closed_loop(one: Callable[[], Awaitable[Any]], clients: int, count: int) -> list[float]:
    """How long each of `count` took, in s, with so many clients at once."""
    times: list[float] = []

    async def client() -> None:
        while len(times) < count:
            began = time.perf_counter()
            await one()
            times.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(clients)))
    return times


def bare_commits(folder: Path) -> list[float]:
    """How long a commit of one row of 300 bytes takes, in s, as the store makes them."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY, data BLOB)")
    times = []
    for _ in range(SINGLE):
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO entries (data) VALUES (?)", (b"x" * 300,))
        connection.execute("COMMIT")
        times.append(time.perf_counter() - began)
    connection.close()
    return times


async def _inside(folder: Path) -> dict[str, Any]:
    from actors.exchange import RayDispatcher
    from actors.scheduler import SchedulerSettings, connect_scheduler
    from actors.worker import WorkerOptions
    from sfc.catalog.pool_policy import COMMON

    options = WorkerOptions(handlers=(str(Path(__file__).with_name("handlers.py").resolve()),), cpus=0.1)
    scheduler = connect_scheduler(SchedulerSettings(size=2, worker=options))
    store = SqliteStore(folder / "sfc.db")
    engine = Engine(store, Catalog(SqlShelf(f"sqlite:///{folder / 'sfc.db'}")), RayDispatcher(scheduler))
    await engine.open()
    await engine.blueprints.create("echo", DEFINITION)
    workers = (await scheduler.members(0, 1)).pools[COMMON].open

    async def one() -> None:
        await engine.wait((await engine.start("echo", INPUT)).arn, 60)

    await closed_loop(one, 32, 500)  # warm
    rates, raw_rates, alone, busy, floors = [], [], [], [], []
    for _ in range(ROUNDS):
        handles = list(workers.values())
        raw_rates.append(await raw_calls(handles))
        rates.append(await in_batches(engine))
        floors.append(2_000 * statistics.median(bare_commits(folder)) + await raw_call_ms(handles))
        (folder / "bare.db").unlink()
        alone += await closed_loop(one, 1, SINGLE)
        busy += await closed_loop(one, 32, 10 * SINGLE)
    await engine.close()
    store.close()
    rate, raw_rate, floor_ms = map(statistics.median, (rates, raw_rates, floors))
    return {
        "started_in_batches_per_second": round(rate),
        "raw_calls_per_second": round(raw_rate),
        "batches_to_raw": round(rate / raw_rate, 2),
        "floor_ms": round(floor_ms, 2),
        "done_ms": {"1 in flight": quantiles(alone), "32 in flight": quantiles(busy)},
        "done_to_floor": round(quantiles(alone)["p50"] / floor_ms, 2),
    }


async def _outside(url: str) -> dict[str, Any]:
    port = int(url.rpartition(":")[2])
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/api/blueprints", json={"name": "echo", "definition": json.loads(DEFINITION)})
        answer.raise_for_status()

    async def loop(clients: int, count: int) -> list[float]:
        async with contextlib.AsyncExitStack() as stack:
            idle = [await stack.enter_async_context(Connection(port)) for _ in range(clients)]

            async def one() -> None:
                connection = idle.pop()
                await connection.post("/triggers/echo?wait=15", INPUT.encode())
                idle.append(connection)

            return await closed_loop(one, clients, count)

    await loop(32, 300)  # warm
    return {"1 in flight": quantiles(await loop(1, SINGLE)), "32 in flight": quantiles(await loop(32, 10 * SINGLE))}


def main() -> dict[str, Any]:
    import uvloop

    with local_ray(), tempfile.TemporaryDirectory(prefix="sfc-bench-") as data:
        found = uvloop.run(_inside(Path(data)))
    with sfc_up() as server:
        found["http_ms"] = uvloop.run(_outside(server.url))
    return found


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
