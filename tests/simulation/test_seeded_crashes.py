"""An engine that dies at any commit, answers that come late, twice or never: whatever was acknowledged ends, exactly
once.

Everything is driven by a seed: `pytest tests/simulation -k "[7]"` plays seed 7 again.
"""

import json
from typing import Any

import pytest

from sfc.interpreter.entries import REDRIVEN
from tests.simulation.world import ROLE, World, replayed

SEEDS = 40


def task(**more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "task:work", **more}


FLOW = json.dumps({
    "StartAt": "First",
    "States": {
        "First": task(Next="Both", Retry=[{"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 9,
                                           "JitterStrategy": "FULL"}]),
        "Both": {"Type": "Parallel", "Next": "Each", "Branches": [
            {"StartAt": "Left", "States": {"Left": task(End=True)}},
            {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 60, "End": True}}}]},
        "Each": {"Type": "Map", "ItemProcessor": {"StartAt": "Item", "States": {"Item": task(End=True)}},
                 "Next": "Last", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Last"}]},
        "Last": task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Odd"}], End=True),
        "Odd": {"Type": "Succeed"},
    },
})  # fmt: skip


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_what_was_acknowledged_ends_whenever_the_engine_dies(seed: int) -> None:
    world = World(seed)
    await world.begin(mortal=False)
    await world.engine.blueprints.create("flow", FLOW, role_arn=ROLE)
    await world.engine.close()
    await world.begin()
    for _ in range(120):
        await world.act()
    await world.finish()
    for arn in world.acknowledged:
        record = await world.engine.describe(arn)
        assert record.status in ("SUCCEEDED", "FAILED", "ABORTED"), (seed, record)
        written = sum(entry.kind == REDRIVEN for entry in world.store.journal(record.id))
        assert record.redrives == written >= world.redriven.get(arn, 0)
        run = replayed(world.store, world.catalog, record.id)
        assert (run.status, None if run.output is None else run.output.decode()) == (record.status, record.output)
    await world.engine.close()
