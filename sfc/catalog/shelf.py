"""Where a catalog keeps its versions, releases, aliases and tags: the interface."""

from collections.abc import Mapping
from typing import Protocol

from sfc.catalog.activity import Activity
from sfc.catalog.release import Alias, Release
from sfc.catalog.tasks import TaskShelf
from sfc.catalog.version import Version
from sfc.triggers.trigger import Progress, Trigger


class ReleaseShelf(Protocol):
    """Rows of releases and aliases. Raises Unavailable, Conflict when somebody else was faster."""

    def publish(self, name: str, version: int, description: str, now: int) -> Release:
        """Keep a release under the number after the highest that was ever given."""
        ...

    def release(self, name: str, number: int) -> Release | None: ...

    def releases(self, name: str, below: int | None, limit: int) -> list[Release]:
        """Newest first, with numbers below `below`."""
        ...

    def count_releases(self, name: str) -> int: ...

    def withdraw(self, name: str, number: int) -> None: ...

    def put_alias(self, alias: Alias) -> None:
        """Keep it, in the place of the one of that name."""
        ...

    def alias(self, name: str, alias: str) -> Alias | None: ...

    def aliases(self, name: str, after: str, limit: int) -> list[Alias]:
        """By name, above `after`."""
        ...

    def delete_alias(self, name: str, alias: str) -> None: ...


class TagShelf(Protocol):
    """Tags by resource (`stateMachine:orders`). Raises Unavailable."""

    def tags(self, resource: str) -> dict[str, str]:
        """In the order in which their keys came; {} when there are none."""
        ...

    def put_tags(self, resource: str, tags: Mapping[str, str]) -> None:
        """Keep these in the place of all tags of the resource; none: forget it."""
        ...


class ActivityShelf(Protocol):
    """Rows of activities. Raises Unavailable."""

    def add_activity(self, activity: Activity) -> bool:
        """False, and nothing kept, when there is one of that name."""
        ...

    def activity(self, name: str) -> Activity | None: ...

    def activities(self, after: str, limit: int) -> list[Activity]:
        """By name, above `after`."""
        ...

    def count_activities(self) -> int: ...

    def delete_activity(self, name: str) -> None: ...


class TriggerShelf(Protocol):
    """Rows of triggers, and how far schedules have come, by the id of the trigger. Raises Unavailable."""

    def triggers(self) -> list[Trigger]: ...

    def add_trigger(self, trigger: Trigger) -> Trigger:
        """Keep it, under an id that was never given before."""
        ...

    def set_trigger(self, trigger: Trigger) -> None:
        """Keep it in the place of the one of that id."""
        ...

    def delete_trigger(self, id: int) -> None:
        """Forget it with its progress."""
        ...

    def progress(self) -> dict[int, Progress]: ...

    def put_progress(self, progress: Mapping[int, Progress]) -> None:
        """Keep these in the place of what there was; of triggers that are gone, nothing."""
        ...


class Shelf(ReleaseShelf, TagShelf, ActivityShelf, TaskShelf, TriggerShelf, Protocol):
    """Rows of versions and of the blueprints whose current one they are. Raises Unavailable."""

    def add(self, version: Version, first: bool) -> Version | None:
        """Keep `version` (its id is given here) and make it the current one of its blueprint.

        None, and nothing kept, when the blueprint is there already (`first`) or its current version is not the one
        before (not `first`): somebody else was faster.
        """
        ...

    def current(self, name: str) -> tuple[Version, bool] | None:
        """The current version, and whether the blueprint is being deleted."""
        ...

    def version(self, id: int) -> Version | None: ...

    def mark_deleting(self, name: str) -> None: ...

    def purge(self, name: str) -> None:
        """Forget the blueprint with all its versions, releases, aliases and tags."""
        ...

    def deleting(self) -> list[str]: ...

    def names(self, after: str, limit: int) -> list[Version]:
        """Current versions of blueprints that are not being deleted, by name, above `after`."""
        ...
