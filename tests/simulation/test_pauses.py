"""Pauses at any time, on an engine that dies at any commit: while a blueprint or its group is paused no new job leaves,
and afterwards everything ends, once.
"""

import asyncio
from collections.abc import Sequence

import pytest

from sfc.engine.pauses import What
from sfc.errors import SfcError
from sfc.interpreter.entries import REDRIVEN
from sfc.tasks.job import Job
from tests.simulation.test_seeded_crashes import FLOW
from tests.simulation.world import ROLE, Workers, World, replayed

SEEDS = 30
PLACES: tuple[tuple[What, str], ...] = (("blueprint", "flow"), ("group", "shop"))


class Watching(Workers):
    """Knows what is paused, as whoever paused it was told."""

    paused: frozenset[str] = frozenset()

    def dispatch(self, jobs: Sequence[Job]) -> None:
        assert not self.paused, "nothing leaves while it is paused"
        super().dispatch(jobs)


class PausingWorld(World):
    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.workers: Watching = Watching(self.store, self.catalog)

    async def act(self) -> None:
        if self.chance.random() < 0.85:
            await super().act()
            return
        kind, name = self.chance.choice(PLACES)
        pauses = self.engine.pauses
        try:
            if self.chance.random() < 0.5:
                await asyncio.wait_for(pauses.pause(kind, name), 2)
                self.workers.paused |= {name}
            else:
                self.workers.paused -= {name}  # from the request on what was held may leave
                await asyncio.wait_for(pauses.resume(kind, name, self.chance.choice([0.5, 5, 1000])), 2)
        except (SfcError, TimeoutError):
            pass
        await self.settle()
        if getattr(self.view, "dead", False):
            await self.die()

    async def resume_all(self) -> None:
        self.workers.paused = frozenset()
        for record in self.engine.pauses.current():
            await self.engine.pauses.resume("group" if record.kind == "group" else "blueprint", record.name, 1000)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_whatever_is_paused_ends_once_it_is_resumed(seed: int) -> None:
    world = PausingWorld(seed)
    await world.begin(mortal=False)
    await world.engine.blueprints.create("flow", FLOW, role_arn=ROLE, settings={"group": "shop"})
    await world.engine.close()
    await world.begin()
    for _ in range(150):
        await world.act()
    await world.die()
    await world.resume_all()
    await world.finish()
    for arn in world.acknowledged:
        record = await world.engine.describe(arn)
        assert record.status in ("SUCCEEDED", "FAILED", "ABORTED"), (seed, record)
        assert record.redrives == sum(entry.kind == REDRIVEN for entry in world.store.journal(record.id))
        run = replayed(world.store, world.catalog, record.id)
        assert (run.status, None if run.output is None else run.output.decode()) == (record.status, record.output)
    assert world.engine.pauses.current() == []
    assert world.store.parked(0, (0, 0), 1) == []
    await world.engine.close()
