"""Who belongs to a pool. Pure bookkeeping: the scheduler starts, watches and ends the workers.

A member that drains gets no new jobs and leaves when its last one has ended, so no busy worker is ever killed.
"""

from typing import Generic, TypeVar

H = TypeVar("H")


class Pool(Generic[H]):
    """Members by name. `version` grows with every change that engines must know."""

    def __init__(self, first_version: int) -> None:
        """`first_version` must be above all of an earlier life of the scheduler: a clock will do."""
        self.version = first_version
        self._members: dict[str, H] = {}
        self._draining: set[str] = set()

    def join(self, name: str, handle: H) -> None:
        self._members[name] = handle
        self.version += 1

    def leave(self, name: str) -> None:
        if self._members.pop(name, None) is not None:
            self._draining.discard(name)
            self.version += 1

    def drain(self, name: str) -> None:
        if name in self._members and name not in self._draining:
            self._draining.add(name)
            self.version += 1

    def members(self) -> dict[str, H]:
        """All, drained ones too."""
        return dict(self._members)

    def open(self) -> dict[str, H]:
        """Those that take new jobs."""
        return {name: handle for name, handle in self._members.items() if name not in self._draining}

    def draining(self) -> set[str]:
        return set(self._draining)

    def missing(self, desired: int) -> int:
        return max(desired - len(self.open()), 0)

    def surplus(self, desired: int) -> list[str]:
        """The youngest beyond `desired`: to be drained."""
        return list(self.open())[desired:]
