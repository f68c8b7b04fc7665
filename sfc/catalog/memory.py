"""The catalog's shelf in memory: nothing outlives the process."""

from collections.abc import Mapping
from dataclasses import replace
from threading import RLock

from sfc.catalog.activity import Activity
from sfc.catalog.memory_tasks import MemoryTasks
from sfc.catalog.memory_triggers import MemoryTriggers
from sfc.catalog.release import Alias, Release
from sfc.catalog.version import Version


class MemoryReleases:
    """Implements `ReleaseShelf`."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._releases: dict[tuple[str, int], Release] = {}
        self._released: dict[str, int] = {}
        self._aliases: dict[tuple[str, str], Alias] = {}

    def publish(self, name: str, version: int, description: str, now: int) -> Release:
        with self._lock:
            number = self._released[name] = self._released.get(name, 0) + 1
            made = Release(name=name, number=number, version=version, description=description, created_at=now)
            self._releases[name, number] = made
            return made

    def release(self, name: str, number: int) -> Release | None:
        with self._lock:
            return self._releases.get((name, number))

    def releases(self, name: str, below: int | None, limit: int) -> list[Release]:
        with self._lock:
            found = [
                release
                for (of, number), release in self._releases.items()
                if of == name and (below is None or number < below)
            ]
        return sorted(found, key=lambda release: -release.number)[:limit]

    def count_releases(self, name: str) -> int:
        with self._lock:
            return sum(of == name for of, _ in self._releases)

    def withdraw(self, name: str, number: int) -> None:
        with self._lock:
            self._releases.pop((name, number), None)

    def put_alias(self, alias: Alias) -> None:
        with self._lock:
            self._aliases[alias.name, alias.alias] = alias

    def alias(self, name: str, alias: str) -> Alias | None:
        with self._lock:
            return self._aliases.get((name, alias))

    def aliases(self, name: str, after: str, limit: int) -> list[Alias]:
        with self._lock:
            found = [alias for (of, key), alias in self._aliases.items() if of == name and key > after]
        return sorted(found, key=lambda alias: alias.alias)[:limit]

    def delete_alias(self, name: str, alias: str) -> None:
        with self._lock:
            self._aliases.pop((name, alias), None)

    def _forget_releases(self, name: str) -> None:
        self._released.pop(name, None)
        self._releases = {key: release for key, release in self._releases.items() if key[0] != name}
        self._aliases = {key: alias for key, alias in self._aliases.items() if key[0] != name}


class MemoryActivities:
    """Implements `ActivityShelf`."""

    def __init__(self) -> None:
        self._activities: dict[str, Activity] = {}

    def add_activity(self, activity: Activity) -> bool:
        return self._activities.setdefault(activity.name, activity) is activity

    def activity(self, name: str) -> Activity | None:
        return self._activities.get(name)

    def activities(self, after: str, limit: int) -> list[Activity]:
        return [self._activities[name] for name in sorted(self._activities) if name > after][:limit]

    def count_activities(self) -> int:
        return len(self._activities)

    def delete_activity(self, name: str) -> None:
        self._activities.pop(name, None)


class MemoryShelf(MemoryReleases, MemoryActivities, MemoryTasks, MemoryTriggers):
    """Implements `Shelf`."""

    def __init__(self) -> None:
        MemoryReleases.__init__(self)
        MemoryActivities.__init__(self)
        MemoryTasks.__init__(self)
        MemoryTriggers.__init__(self)
        self._versions: dict[int, Version] = {}
        self._current: dict[str, int] = {}
        self._deleting: set[str] = set()
        self._last = 0
        self._tags: dict[str, dict[str, str]] = {}

    def add(self, version: Version, first: bool) -> Version | None:
        with self._lock:
            before = self._current.get(version.name)
            number = 0 if before is None else self._versions[before].number
            if first != (before is None) or version.number != number + 1:
                return None
            self._last += 1
            kept = replace(version, id=self._last)
            self._versions[kept.id] = kept
            self._current[kept.name] = kept.id
            return kept

    def current(self, name: str) -> tuple[Version, bool] | None:
        with self._lock:
            found = self._current.get(name)
            return None if found is None else (self._versions[found], name in self._deleting)

    def version(self, id: int) -> Version | None:
        with self._lock:
            return self._versions.get(id)

    def mark_deleting(self, name: str) -> None:
        with self._lock:
            self._deleting.add(name)

    def purge(self, name: str) -> None:
        with self._lock:
            self._current.pop(name, None)
            self._deleting.discard(name)
            self._versions = {id: version for id, version in self._versions.items() if version.name != name}
            self._tags.pop(f"stateMachine:{name}", None)
            self._forget_releases(name)

    def deleting(self) -> list[str]:
        with self._lock:
            return sorted(self._deleting)

    def names(self, after: str, limit: int) -> list[Version]:
        with self._lock:
            names = sorted(name for name in self._current if name > after and name not in self._deleting)
            return [self._versions[self._current[name]] for name in names[:limit]]

    def tags(self, resource: str) -> dict[str, str]:
        with self._lock:
            return dict(self._tags.get(resource, {}))

    def put_tags(self, resource: str, tags: Mapping[str, str]) -> None:
        with self._lock:
            self._tags[resource] = dict(tags)
