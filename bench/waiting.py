"""What 100,000 executions that wait for an hour cost in memory, on SQLite."""

import asyncio
import gc
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.engine import Answering
from sfc.catalog.catalog import Catalog
from sfc.catalog.sql import SqlShelf
from sfc.engine.engine import Engine, StartRequest
from sfc.store.sqlite import SqliteStore

EXECUTIONS = 100_000
_BATCH = 1_000
_DEFINITION = json.dumps({"StartAt": "Later", "States": {"Later": {"Type": "Wait", "Seconds": 3600, "End": True}}})


def _mib() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / (1 << 20)


async def _measure(directory: Path, executions: int) -> dict[str, Any]:
    store = SqliteStore(directory / "sfc.db")
    engine = Engine(store, Catalog(SqlShelf(f"sqlite:///{directory / 'sfc.db'}")), Answering())
    await engine.open()
    await engine.blueprints.create("later", _DEFINITION)
    await engine.start_many([StartRequest("later")] * _BATCH)  # what the first executions load stays for all
    before, began = _mib(), time.perf_counter()
    for _ in range(executions // _BATCH):
        await engine.start_many([StartRequest("later")] * _BATCH)
    seconds, after = time.perf_counter() - began, _mib()
    counts, resident = await engine.counts(), engine.stats()["resident"]
    await engine.close()
    store.close()
    return {
        "waiting": counts["RUNNING"],
        "in_memory": resident,
        "mib_more": round(after - before, 1),
        "started_per_second": round(executions / seconds),
    }


def main() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measure(Path(directory), EXECUTIONS))


if __name__ == "__main__":
    print(json.dumps(main()))
