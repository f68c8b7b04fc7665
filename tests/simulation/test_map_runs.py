"""Map Runs on an engine that dies at any commit: every item has exactly one result, whatever was begun again.

Everything is driven by a seed: `pytest tests/simulation/test_map_runs.py -k "[EXPRESS-7]"` plays seed 7 again.
"""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sfc.engine.engine import Engine
from sfc.errors import SfcError
from sfc.interpreter.children import ChildEnd, decode_ends
from sfc.interpreter.entries import ITEMS_FINISHED
from sfc.items.storage import Storage, StorageSettings
from sfc.tasks.job import JobResult
from tests.simulation.world import QUICK, Dying, Workers, World

SEEDS = 15
ITEMS = 30
ARN = "arn:aws:states:us-east-1:123456789012:execution:flow:parent"


def flow(folder: Path, chance: random.Random, kind: str) -> str:
    """A Map over a file, with whatever a Map may have besides."""
    state: dict[str, Any] = {
        "Type": "Map", "Label": "Each", "End": True, "MaxConcurrency": chance.choice([0, 1, 3, 8]),
        "ToleratedFailurePercentage": 100,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSONL"},
            "Parameters": {"Bucket": f"file://{folder}", "Key": "items.jsonl"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, "StartAt": "Work",
            "States": {"Work": {"Type": "Task", "Resource": "task:work", "End": True, "Retry": [
                {"ErrorEquals": ["Busy"], "IntervalSeconds": 1, "MaxAttempts": 2}]}},
        },
    }  # fmt: skip
    if chance.random() < 0.4:
        state["ItemBatcher"] = {"MaxItemsPerBatch": chance.choice([2, 7])}
    if chance.random() < 0.4:
        state["ResultWriter"] = {
            "Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": f"file://{folder}", "Prefix": "out"},
        }  # fmt: skip
    return json.dumps({"StartAt": "Each", "States": {"Each": state}})


class Echoing(Workers):
    """What a job answers tells its input, so that a result shows which item it belongs to."""

    def dispatch(self, jobs: Any) -> None:
        for job in jobs:
            self.out[job.key] = job

    def say(self, key: str, error: str | None) -> None:
        job = self.out.pop(key)
        self.seen[key] = job
        output = None if error else b'{"did":' + job.input + b"}"
        self.on_results([JobResult(key, output, error, "a cause" if error else None, 0)])


class MapWorld(World):
    def __init__(self, seed: int, folder: Path) -> None:
        super().__init__(seed)
        self.workers: Echoing = Echoing(self.store, self.catalog)
        self.storage = Storage(StorageSettings(roots=(str(folder),)))
        self.started = False

    async def begin(self, *, mortal: bool = True) -> None:
        self.view = self.store
        if mortal:
            self.view = Dying(self.store, self.chance)
            self.view.left = self.chance.randrange(1, 10)  # many ends go into one commit
        self.workers.out.clear()
        self.engine = Engine(
            self.view, self.catalog, self.workers, clock=lambda: self.now, owner="one", settings=QUICK,
            storage=self.storage,
        )  # fmt: skip
        await self.engine.open()

    async def settle(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0.001)  # reading is done in threads

    async def start(self) -> None:
        try:
            await asyncio.wait_for(self.engine.start("flow", "{}", "parent"), 2)
        except (SfcError, TimeoutError):
            return
        self.started = True

    async def act(self) -> None:
        if not self.started:
            await self.start()
        elif self.workers.out and self.chance.random() < 0.8:
            for key in self.chance.sample(sorted(self.workers.out), min(len(self.workers.out), 3)):
                if key in self.workers.out:
                    self.workers.say(key, self.chance.choice([None, None, None, "Busy", "Bad"]))
        else:
            self.now += self.chance.randrange(2_000)
            await self.engine.advance()
        await self.settle()
        if getattr(self.view, "dead", False):
            await self.die()

    async def finish(self) -> None:
        await self.engine.close()
        await self.begin(mortal=False)
        if not self.started:
            await self.start()
        for _ in range(400):
            await self.settle()
            for key in sorted(self.workers.out):
                self.workers.say(key, None)
            self.now += 1_000
            await self.engine.advance()
            if (await self.engine.counts()).get("RUNNING", 0) == 0:
                return
        raise AssertionError(f"still running: {await self.engine.counts()}")

    def ends(self, execution: int) -> list[ChildEnd]:
        """What the journal says of how children ended, as often as it says it."""
        rows = self.store.entries(execution, ITEMS_FINISHED, 0, 10_000)
        return [end for row in rows for end in decode_ends(row.data)]


def items_of(value: Any) -> list[int]:
    """The items a child was given."""
    return value["Items"] if isinstance(value, dict) and "Items" in value else [value]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path.resolve()
    (where / "items.jsonl").write_text("".join(f"{number}\n" for number in range(ITEMS)))
    return where


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", ["EXPRESS", "STANDARD"])
async def test_every_item_has_exactly_one_result_whenever_the_engine_dies(kind: str, seed: int, folder: Path) -> None:
    world = MapWorld(seed, folder)
    await world.begin(mortal=False)
    definition = flow(folder, world.chance, kind)
    await world.engine.blueprints.create("flow", definition)
    await world.engine.close()
    await world.begin()
    for _ in range(60):
        await world.act()
    await world.finish()
    record = await world.engine.describe(ARN)
    assert record.status == "SUCCEEDED", (seed, record)
    ends = world.ends(record.id)
    numbers = Counter(end.number for end in ends)
    assert set(numbers.values()) == {1}, "the end of a child is written once"
    done = [
        item
        for end in ends
        for item in items_of(json.loads(end.output)["did"] if end.output else json.loads(end.input or b"null"))
    ]
    assert sorted(done) == list(range(ITEMS))
    (run,) = (await world.engine.list_map_runs(ARN)).items
    assert (run.status, run.items.total, run.children.total) == ("SUCCEEDED", ITEMS, len(ends))
    by_status = Counter(end.status for end in ends)
    assert (run.children.succeeded, run.children.failed) == (by_status["SUCCEEDED"], by_status["FAILED"])
    if "ResultWriter" in definition:
        key = json.loads(record.output or "")["ResultWriterDetails"]["Key"]
        manifest = json.loads((folder / key).read_bytes())
        files = [file["Key"] for listed in manifest["ResultFiles"].values() for file in listed]
        assert sum(len(json.loads((folder / file).read_bytes())) for file in files) == len(ends)
    else:
        assert len(json.loads(record.output or "")) == len(ends)
    if kind == "STANDARD":
        children = (await world.engine.list_children(run.arn, limit=1_000)).items
        assert Counter(child.status for child in children) == by_status
    await world.engine.close()
