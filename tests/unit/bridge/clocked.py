"""An engine whose time the test sets."""

import json
from typing import Any

from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.engine.engine import Engine
from sfc.errors import Overloaded
from sfc.store.memory import MemoryStore
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner, TaskSettings

BEGIN = 1_767_225_600_000
"""2026-01-01T00:00:00Z, UTC ms."""
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
LONG = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 86_400, "End": True}}})


class Clocked:
    """`engine` and its `catalog` over one store in memory; `now` is their time, UTC ms."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.admits = True
        self.catalog = Catalog(MemoryShelf(), clock=lambda: self.now)
        dispatcher = LocalDispatcher(JobRunner(settings=TaskSettings(), fetch=self.catalog.tasks.fetch))
        self.engine = Engine(
            MemoryStore(), self.catalog, dispatcher, clock=lambda: self.now, admit=lambda _: self._admit()
        )
        self.catalog.create("quick", PASS)
        self.catalog.create("long", LONG)
        self.catalog.create("express", PASS, kind="EXPRESS")

    async def started(self, blueprint: str) -> dict[str, Any]:
        """Inputs of all executions by name, oldest first."""
        page = await self.engine.list(blueprint, limit=1_000)
        found = [await self.engine.describe(each.arn) for each in page.items]
        return {each.name: json.loads(each.input or "null") for each in sorted(found, key=lambda each: each.id)}

    def _admit(self) -> None:
        if not self.admits:
            raise Overloaded("too much", retry_after_s=2)
