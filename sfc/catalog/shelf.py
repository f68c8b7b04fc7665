"""Where a catalog keeps its versions: the interface, and the one in memory."""

from dataclasses import replace
from threading import RLock
from typing import Protocol

from sfc.catalog.version import Version


class Shelf(Protocol):
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
        """Forget the blueprint with all its versions."""
        ...

    def deleting(self) -> list[str]: ...

    def names(self, after: str, limit: int) -> list[Version]:
        """Current versions of blueprints that are not being deleted, by name, above `after`."""
        ...


class MemoryShelf:
    """Nothing outlives the process."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._versions: dict[int, Version] = {}
        self._current: dict[str, int] = {}
        self._deleting: set[str] = set()
        self._last = 0

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

    def deleting(self) -> list[str]:
        with self._lock:
            return sorted(self._deleting)

    def names(self, after: str, limit: int) -> list[Version]:
        with self._lock:
            names = sorted(name for name in self._current if name > after and name not in self._deleting)
            return [self._versions[self._current[name]] for name in names[:limit]]
