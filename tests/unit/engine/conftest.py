"""An engine whose clock, store and workers a test holds in its hands."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.engine.engine import Engine
from sfc.engine.settings import EngineSettings
from sfc.items.storage import Storage, StorageSettings
from sfc.store.journal import Batch, Outcome
from sfc.store.memory import MemoryStore
from sfc.tasks.mocks import MockConfig
from tests.support.dispatch import FakeDispatcher

TASK = {"StartAt": "Charge", "States": {"Charge": {"Type": "Task", "Resource": "task:charge", "End": True}}}
WAIT = {"StartAt": "Later", "States": {"Later": {"Type": "Wait", "Seconds": 3600, "End": True}}}
PASS = {"StartAt": "Go", "States": {"Go": {"Type": "Pass", "End": True}}}


class Failing(MemoryStore):
    """Asks `fail` before each commit; what it raises is what the commit raises."""

    def __init__(self) -> None:
        super().__init__()
        self.fail: Callable[[Batch], None] = lambda _batch: None
        self.commits: list[Batch] = []
        self.refusals = 0

    def commit(self, batch: Batch) -> Outcome:
        try:
            self.fail(batch)
        except Exception:
            self.refusals += 1
            raise
        self.commits.append(batch)
        return super().commit(batch)


async def until(holds: Callable[[], bool]) -> None:
    """Lets the loop turn until the condition holds; the test's own time limit ends it when it never does."""
    while not holds():  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0)


class House:
    """Store, catalog and workers, which outlive the engine."""

    def __init__(self) -> None:
        self.now = 1_790_000_000_000
        self.store = Failing()
        self.catalog = Catalog(MemoryShelf(), clock=lambda: self.now)
        self.workers = FakeDispatcher()
        self.roots: tuple[str, ...] = ()
        """Directories that Distributed Maps may use."""
        self.engine = self.make()

    def make(self, owner: str = "one", mocks: MockConfig | None = None, **settings: Any) -> Engine:
        chosen = EngineSettings(**{"retry_first_s": 0.001, "retry_most_s": 0.002, "lingering": 0, **settings})
        return Engine(
            self.store, self.catalog, self.workers, clock=lambda: self.now, owner=owner, settings=chosen, mocks=mocks,
            storage=Storage(StorageSettings(roots=self.roots)),
        )  # fmt: skip

    async def reopen(self, **settings: Any) -> Engine:
        await self.engine.close()
        self.workers.out.clear()
        self.engine = self.make(**settings)
        await self.engine.open()
        return self.engine


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    await made.engine.open()
    for name, definition in (("task", TASK), ("wait", WAIT), ("pass", PASS)):
        await made.engine.blueprints.create(name, json.dumps(definition))
        await made.engine.blueprints.create(f"express-{name}", json.dumps(definition), kind="EXPRESS")
    yield made
    await made.engine.close()
