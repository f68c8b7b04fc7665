"""An engine that dies at any commit while it reads partitions, readers that come twice, late and from elsewhere: every
record is used exactly once.

Everything is driven by a seed: `pytest tests/simulation -k "[7]"` plays seed 7 again.
"""

import asyncio
import json

import pytest

from sfc.errors import SfcError
from sfc.kafka.chunk import Chunk, Dead, Start
from sfc.store.feeds import Place
from sfc.store.journal import Wanted
from tests.simulation.world import ROLE, World

SEEDS = 40
PARTITIONS = 3
RECORDS = 25
FLOW = json.dumps({
    "StartAt": "Work",
    "States": {"Work": {"Type": "Task", "Resource": "task:work", "End": True,
                        "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 9}]}},
})  # fmt: skip


class Topic(World):
    """A topic with records for one feed; every fifth is of no use.

    Each reading gives its starts other names: only the position may keep a record from starting twice.
    """

    readings = 0

    async def read(self) -> None:
        """One chunk of any reader: in the right place, or of one that was given up long ago."""
        partition = self.chance.randrange(PARTITIONS)
        place = Place("feed", "id", partition)
        stored = self.engine.intake.positions("feed").get(place, 0)
        first = stored if self.chance.random() < 0.8 else self.chance.randrange(RECORDS)
        chunks = [self.chunk(partition, first) for _ in range(self.chance.choice((1, 1, 2)))]
        await asyncio.gather(*map(self.take, chunks))

    def chunk(self, partition: int, first: int) -> Chunk:
        self.readings += 1
        next = min(first + self.chance.randrange(1, 8), RECORDS)
        decisions = [
            Dead(offset, "NotJson", "", b"raw")
            if offset % 5 == 4
            else Start(
                offset, json.dumps([partition, offset]).encode(), None, f"r-{partition}-{offset}-{self.readings}"
            )
            for offset in range(first, next)
        ]
        return Chunk("feed", "topic", "id", partition, first, next, decisions, next - first, RECORDS)

    async def take(self, chunk: Chunk) -> None:
        try:
            await asyncio.wait_for(self.engine.intake.take(chunk, "flow"), 2)
        except (SfcError, TimeoutError):
            pass

    @property
    def over(self) -> bool:
        stored = self.engine.intake.positions("feed")
        return len(stored) == PARTITIONS and all(next == RECORDS for next in stored.values())

    async def live(self) -> None:
        await self.read()
        await self.settle()
        if self.workers.out and self.chance.random() < 0.5:
            self.workers.answer(self.chance.choice(sorted(self.workers.out)), None)
        if self.view.dead or self.chance.random() < 0.05:
            await self.die()


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_every_record_is_used_once_whenever_the_engine_dies(seed: int) -> None:
    world = Topic(seed)
    await world.begin(mortal=False)
    await world.engine.blueprints.create("flow", FLOW, role_arn=ROLE)
    await world.engine.intake.begin({Place("feed", "id", partition): 0 for partition in range(PARTITIONS)})
    await world.die()
    while not world.over:
        await world.live()
    await world.finish()
    rows = world.store.list(Wanted(machine="flow"), None, 1000)
    assert {row.status for row in rows} == {"SUCCEEDED"}
    started = [tuple(json.loads(world.store.journal(row.id)[0].data)) for row in rows]
    every = [(partition, offset) for partition in range(PARTITIONS) for offset in range(RECORDS)]
    assert sorted(started) == [each for each in every if each[1] % 5 != 4]
    letters = [(kept.letter.partition, kept.letter.offset) for kept in world.store.dead_letters(None, None, 1000)]
    assert sorted(letters) == [each for each in every if each[1] % 5 == 4]
    await world.engine.close()
