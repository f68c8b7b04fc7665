"""Events of executions on an engine that dies at any commit, with a broker that loses what was under way: in the end
every event of every execution is there, in order but for what comes again.
"""

import asyncio
import json

import pytest

from sfc.bridge import journal_reader
from sfc.bridge.lifecycle import Lifecycle
from sfc.kafka.settings import KafkaSettings
from tests.simulation.test_seeded_crashes import FLOW
from tests.simulation.world import ROLE, World
from tests.unit.bridge.outbox import FakeOutbox

SEEDS = 20


class PublishingWorld(World):
    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.outbox = FakeOutbox()
        self.lifecycle: Lifecycle | None = None

    async def begin(self, *, mortal: bool = True) -> None:
        if self.lifecycle is not None:
            await self.lifecycle.close()
            self.outbox.lose()
        await super().begin(mortal=mortal)
        self.lifecycle = Lifecycle(self.engine.facts, self.outbox, KafkaSettings(servers="localhost:9092"))
        self.lifecycle.open()

    async def act(self) -> None:
        self.outbox.holds = self.chance.random() < 0.5
        if not self.outbox.holds:
            self.outbox.let_go()
        await super().act()
        await asyncio.sleep(0.0001)  # threads have a turn


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_every_event_is_published_whenever_the_engine_dies(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_reader, "_IDLE_S", 0)
    world = PublishingWorld(seed)
    await world.begin(mortal=False)
    await world.engine.blueprints.create("flow", FLOW, role_arn=ROLE, settings={"events": "states"})
    await world.engine.close()
    await world.begin()
    for _ in range(120):
        await world.act()
    world.outbox.holds = False
    await world.finish()
    assert world.lifecycle is not None
    while world.lifecycle.figures().lag:
        world.outbox.let_go()
        await asyncio.sleep(0.001)
    for arn in world.acknowledged:
        seen: dict[int, str] = {}
        for message in world.outbox.sent:
            body = json.loads(message.value if isinstance(message.value, bytes) else b"")
            if body["execution"] == arn:
                assert seen.setdefault(body["id"], body["event"]) == body["event"]
        events = (await world.engine.history(arn, limit=1000)).items
        wanted = {event["id"]: event["type"] for event in events if event["type"].startswith("Execution")
                  or event["type"].endswith(("StateEntered", "StateExited", "StateAborted"))}  # fmt: skip
        assert seen == wanted, seed
        assert list(seen) == sorted(seen), "those that come for the first time come in order"
    await world.lifecycle.close()
    await world.engine.close()
