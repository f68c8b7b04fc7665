"""Distributed Map: EXPRESS children with one Python task each, over a file of JSON Lines.

1,000 and 100,000 items, each in a process of its own: seconds, items a second, and the largest resident set of the
process, which is engine and worker in one. Results are counted in the files that the ResultWriter wrote.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bench.handlers  # noqa: F401  registers the task
from sfc.catalog.catalog import Catalog
from sfc.catalog.sql import SqlShelf
from sfc.engine.engine import Engine
from sfc.items.storage import Storage, StorageSettings
from sfc.store.sqlite import SqliteStore
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner

SIZES = (1_000, 100_000)


def flow(folder: Path) -> str:
    bucket = f"file://{folder}"
    return json.dumps({
        "StartAt": "Each",
        "States": {"Each": {
            "Type": "Map", "Label": "Each", "End": True, "MaxConcurrency": 1_000,
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSONL"},
                "Parameters": {"Bucket": bucket, "Key": "items.jsonl"},
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                "StartAt": "Work",
                "States": {"Work": {"Type": "Task", "Resource": "task:echo", "End": True}},
            },
            "ResultWriter": {
                "Resource": "arn:aws:states:::s3:putObject",
                "Parameters": {"Bucket": bucket, "Prefix": "out"},
                "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
            },
        }},
    })  # fmt: skip


def write_items(folder: Path, items: int) -> None:
    with (folder / "items.jsonl").open("w") as file:
        for number in range(items):
            file.write(json.dumps({"number": number, "note": "x" * 40}) + "\n")


def results(folder: Path) -> list[int]:
    """The numbers of the items whose results were written."""
    return [
        json.loads(line)["number"]
        for path in sorted(folder.rglob("SUCCEEDED_*.jsonl"))
        for line in path.read_text().splitlines()
    ]


async def run(folder: Path, items: int) -> float:
    """Seconds from the start of the execution to its end."""
    store = SqliteStore(folder / "sfc.db")
    storage = Storage(StorageSettings(roots=(str(folder),)))
    engine = Engine(
        store, Catalog(SqlShelf(f"sqlite:///{folder}/sfc.db")), LocalDispatcher(JobRunner()), storage=storage
    )
    await engine.open()
    await engine.blueprints.create("maps", flow(folder))
    began = time.perf_counter()
    started = await engine.start("maps")
    record = await engine.wait(started.arn, 600)
    took = time.perf_counter() - began
    await engine.close()
    assert record.status == "SUCCEEDED", record
    assert sorted(results(folder)) == list(range(items))
    return took


def measure(items: int) -> dict[str, Any]:
    """One size, in this process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        write_items(folder, items)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        took = asyncio.run(run(folder, items))
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        database = (folder / "sfc.db").stat().st_size
    return {
        "items": items,
        "seconds": round(took, 2),
        "items_per_second": round(items / took),
        "rss_before_mib": before >> 10,
        "rss_peak_mib": most >> 10,
        "database_mib": database >> 20,
    }


def main() -> dict[str, Any]:
    figures = []
    for items in SIZES:
        command = [sys.executable, "-m", "bench.maps", str(items)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        figures.append(json.loads(told.stdout))
    few, many = figures
    ratio = (many["seconds"] / many["items"]) / (few["seconds"] / few["items"])
    return {"runs": figures, "time_per_item_many_to_few": round(ratio, 2)}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1])) if len(sys.argv) > 1 else main()))
