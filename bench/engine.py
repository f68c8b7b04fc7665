"""Durable one-task executions a second of one engine on SQLite, beside a bare sqlite3 loop that writes the same rows
in the same batches.

    python -m bench.engine [executions] [in flight]
"""

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvloop

from sfc.catalog.catalog import Catalog
from sfc.catalog.sql import SqlShelf
from sfc.engine.engine import Engine, StartRequest
from sfc.errors import SfcError
from sfc.store.journal import Batch, JournalRow, NewExecution, Outcome
from sfc.store.sqlite import SqliteStore
from sfc.tasks.job import Job, JobResult

DEFINITION = json.dumps({"StartAt": "Charge", "States": {
    "Charge": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:charge", "End": True},
}})  # fmt: skip
INPUT = json.dumps({"order": 4711, "items": [{"sku": "abc", "count": 2}], "customer": {"name": "Ada", "vip": True}})


class Answering:
    """A dispatcher whose handlers answer at once, on the next turn of the loop."""

    async def open(self, on_results: Callable[[Sequence[JobResult]], None], _written: object) -> None:
        self._on_results = on_results

    def dispatch(self, jobs: Sequence[Job]) -> None:
        results = [JobResult(job.key, b'{"charged":true}', None, None, 0) for job in jobs]
        asyncio.get_running_loop().call_soon(self._on_results, results)

    def cancel(self, keys: Sequence[str]) -> None:
        pass

    async def close(self) -> None:
        pass


class Recording(SqliteStore):
    """Keeps the batches, so that the yardstick can write the same."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.batches: list[Batch] = []

    def commit(self, batch: Batch) -> Outcome:
        self.batches.append(batch)
        return super().commit(batch)


def make_engine(directory: Path) -> tuple[Engine, Recording]:
    store = Recording(directory / "sfc.db")
    return Engine(store, Catalog(SqlShelf(f"sqlite:///{directory / 'sfc.db'}")), Answering()), store


async def burst(engine: Engine, executions: int, in_flight: int) -> float:
    """Executions started by `in_flight` clients, each waiting for one's end before the next; seconds in all."""
    left = executions

    async def client() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            record = await engine.start("charge", INPUT)
            await engine.wait(record.arn, 60)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(in_flight)))
    return time.perf_counter() - began


async def batches(engine: Engine, executions: int, size: int) -> float:
    """Executions started `size` at a time; seconds until the last has ended."""
    began = time.perf_counter()
    last = []
    for _ in range(executions // size):
        started = await engine.start_many([StartRequest("charge", INPUT)] * size)
        last = [record.arn for record in started if not isinstance(record, SfcError)]
    for arn in last:
        await engine.wait(arn, 60)
    return time.perf_counter() - began


def insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def bare(directory: Path, recorded: Sequence[Batch]) -> float:
    """Seconds that plain sqlite3 takes for the same rows in the same batches, on the same schema."""
    SqliteStore(directory / "bare.db").close()
    connection = sqlite3.connect(directory / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    began = time.perf_counter()
    for batch in recorded:
        connection.execute("BEGIN IMMEDIATE")
        for part in batch.parts:
            connection.executemany(insert("executions", (*NewExecution._fields, "shard", "status")),
                                   ((*new, part.shard, "RUNNING") for new in part.new))  # fmt: skip
            connection.executemany(insert("journal", JournalRow._fields), part.rows)
            connection.executemany(
                "UPDATE executions SET wake_at = ?2, status = ?3, stopped_at = ?4, output = ?5, error = ?6, cause = ?7"
                " WHERE id = ?1", part.changes)  # fmt: skip
        connection.execute("COMMIT")
    return time.perf_counter() - began


async def measure(executions: int, in_flight: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        engine, store = make_engine(directory)
        await engine.open()
        await engine.blueprints.create("charge", DEFINITION)
        await burst(engine, 200, in_flight)  # warm
        store.batches.clear()
        cpu = time.process_time()
        seconds = await burst(engine, executions, in_flight)
        cpu = time.process_time() - cpu
        clients, store.batches = store.batches, []
        batch_seconds = await batches(engine, executions, in_flight)
        await engine.close()
        store.close()
        yardstick = bare(directory, clients)
    return {
        "executions": executions,
        "in_flight": in_flight,
        "per_second": round(executions / seconds),
        "cpu_us_each": round(cpu / executions * 1e6),
        "started_in_batches_per_second": round(executions / batch_seconds),
        "commits": len(clients),
        "bare_sqlite3_per_second": round(executions / yardstick),
        "times_bare": round(seconds / yardstick, 2),
    }


def main(executions: int = 10_000, in_flight: int = 200) -> dict[str, Any]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(executions, in_flight))


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
