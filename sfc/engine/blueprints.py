"""What the engine offers of the catalog: blueprints, and pages of what has a name. Beside the event loop."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sfc.catalog.activity import Activity
from sfc.catalog.catalog import Catalog
from sfc.catalog.tasks import TaskChange
from sfc.catalog.version import Version
from sfc.engine import tokens
from sfc.engine.host import Host
from sfc.engine.records import Page
from sfc.engine.stops import Stops
from sfc.jsonvalue import Json
from sfc.limits import DEFAULT_PAGE_SIZE
from sfc.store.journal import Kind
from sfc.triggers.trigger import Trigger

T = TypeVar("T")
N = TypeVar("N", Activity, TaskChange, Trigger, Version)
"""What has a name and is listed by it."""


class Blueprints:
    """Every method raises Unavailable while the store cannot be reached."""

    def __init__(self, host: Host, stops: Stops) -> None:
        self._host = host
        self._stops = stops

    async def create(
        self,
        name: str,
        definition: str,
        *,
        kind: Kind = "STANDARD",
        role_arn: str = "",
        settings: Mapping[str, Json] | None = None,
    ) -> Version:
        """See `Catalog.create`."""
        return await self.consult(
            lambda catalog: catalog.create(name, definition, kind=kind, role_arn=role_arn, settings=settings)
        )

    async def update(
        self,
        name: str,
        definition: str | None = None,
        *,
        role_arn: str | None = None,
        settings: Mapping[str, Json] | None = None,
    ) -> Version:
        """See `Catalog.update`. Running executions keep the version they started with."""
        return await self.consult(
            lambda catalog: catalog.update(name, definition=definition, role_arn=role_arn, settings=settings)
        )

    async def get(self, name: str) -> Version:
        """Raises NotFound (StateMachineDoesNotExist)."""
        return await self.consult(lambda catalog: catalog.get(name))

    async def list(self, limit: int = DEFAULT_PAGE_SIZE, token: str | None = None) -> Page[Version]:
        """By name."""
        return await self.page("blueprints", token, limit, lambda catalog: catalog.list)

    async def delete(self, name: str) -> None:
        """No more starts; what runs is stopped, and then all of it is forgotten, after this has returned."""
        await self.consult(lambda catalog: catalog.delete(name))
        self._host.errands.begin(self._stops.forget(name))

    async def list_activities(self, limit: int = DEFAULT_PAGE_SIZE, token: str | None = None) -> Page[Activity]:
        """By name."""
        return await self.page("activities", token, limit, lambda catalog: catalog.activities.list)

    async def list_tasks(self, limit: int = DEFAULT_PAGE_SIZE, token: str | None = None) -> Page[TaskChange]:
        """The latest version of each, by name."""
        return await self.page("tasks", token, limit, lambda catalog: catalog.tasks.latest)

    async def consult(self, question: Callable[[Catalog], T]) -> T:
        """Have the catalog do or tell something."""
        return await self._host.threads.call(lambda: question(self._host.catalog))

    async def page(
        self, what: str, token: str | None, limit: int, lists: Callable[[Catalog], Callable[[str, int], Sequence[N]]]
    ) -> Page[N]:
        """Those above the name that the token holds; `what` keeps tokens of one listing out of another."""
        question: list[object] = [what]
        after = tokens.place_of_text(token, question) or ""
        found = await self.consult(lambda catalog: lists(catalog)(after, limit + 1))
        return Page(found[:limit], tokens.give(question, found[limit - 1].name) if len(found) > limit else None)
