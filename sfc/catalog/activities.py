"""The rules of activities."""

from collections.abc import Callable, Mapping
from threading import RLock

from sfc.arn import Partition, check_name
from sfc.catalog.activity import Activity
from sfc.catalog.shelf import ActivityShelf
from sfc.catalog.tags import Tags, check_count
from sfc.errors import Conflict, NotFound, QuotaExceeded
from sfc.jsonvalue import Json
from sfc.limits import ACTIVITIES


class Activities:
    """Methods block, except `get` of what was asked for before."""

    def __init__(self, shelf: ActivityShelf, tags: Tags, partition: Partition, clock: Callable[[], int]) -> None:
        self._shelf = shelf
        self._tags = tags
        self._partition = partition
        self._clock = clock
        self._lock = RLock()
        self._known: dict[str, Activity] = {}

    def create(
        self, name: str, *, settings: Mapping[str, Json] | None = None, tags: Mapping[str, str] | None = None
    ) -> Activity:
        """The new activity, or the one that is there with the same settings. As with AWS its tags are not compared.

        Raises InvalidName, QuotaExceeded (ActivityLimitExceeded, TooManyTags), Conflict (ActivityAlreadyExists).
        """
        check_name(name)
        resource = f"activity:{name}"
        check_count(resource, tags or {})
        with self._lock:
            there = self._shelf.activity(name)
            if there is None:
                if self._shelf.count_activities() >= ACTIVITIES:
                    message = f"Activity Limit Exceeded: 'there are {ACTIVITIES} activities'"
                    raise QuotaExceeded(message, code="ActivityLimitExceeded")
                made = Activity(name=name, created_at=self._clock(), settings=dict(settings or {}))
                if self._shelf.add_activity(made):
                    if tags:
                        self._tags.add(resource, tags)
                    return self._remember(made)
                there = self._shelf.activity(name)
        if there is None or there.settings != dict(settings or {}):
            arn = self._partition.activity(name)
            raise Conflict(f"Activity Already Exists: '{arn}'", code="ActivityAlreadyExists")
        return self._remember(there)

    def get(self, name: str) -> Activity:
        """Raises NotFound (ActivityDoesNotExist)."""
        found = self._known.get(name)
        if found is None:
            found = self._shelf.activity(name)
            if found is None:
                arn = self._partition.activity(name)
                raise NotFound(f"Activity Does Not Exist: '{arn}'", code="ActivityDoesNotExist")
            self._remember(found)
        return found

    def list(self, after: str | None, limit: int) -> list[Activity]:
        """By name, above `after`."""
        return self._shelf.activities(after or "", limit)

    def delete(self, name: str) -> None:
        """Nothing happens when there is none. Tasks that wait for its workers wait on, until they time out."""
        with self._lock:
            self._known.pop(name, None)
            self._shelf.delete_activity(name)
            self._tags.forget(f"activity:{name}")

    def _remember(self, activity: Activity) -> Activity:
        with self._lock:
            self._known[activity.name] = activity
        return activity
