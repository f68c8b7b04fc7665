"""Who belongs to a pool. Pure bookkeeping: the scheduler starts, watches and ends the workers.

A member is *starting* until it has answered, then *up*. One that drains gets no new jobs and leaves when its last one
has ended, so no busy worker is ever killed.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

H = TypeVar("H")


@dataclass(slots=True)
class Member(Generic[H]):
    name: str
    handle: H
    make: str
    """Fingerprint of the options that it was started with."""
    since: float
    """When it joined, s."""
    up: bool = False
    draining: bool = False


class Pool(Generic[H]):
    """Members by name, in the order in which they joined. `version` grows with every change that engines must know."""

    def __init__(self) -> None:
        self.version = 0
        self._members: dict[str, Member[H]] = {}

    def join(self, name: str, handle: H, make: str = "", now: float = 0.0) -> None:
        self._members[name] = Member(name, handle, make, now)
        self.version += 1

    def leave(self, name: str) -> bool:
        if self._members.pop(name, None) is None:
            return False
        self.version += 1
        return True

    def came_up(self, name: str) -> None:
        if name in self._members:
            self._members[name].up = True

    def drain(self, name: str) -> bool:
        member = self._members.get(name)
        if member is None or member.draining:
            return False
        member.draining = True
        self.version += 1
        return True

    def member(self, name: str) -> Member[H] | None:
        return self._members.get(name)

    def members(self) -> dict[str, H]:
        """All, draining ones too."""
        return {name: member.handle for name, member in self._members.items()}

    def open(self) -> dict[str, H]:
        """Those that take new jobs."""
        return {name: member.handle for name, member in self._members.items() if not member.draining}

    def draining(self) -> dict[str, H]:
        return {name: member.handle for name, member in self._members.items() if member.draining}

    def starting(self) -> list[Member[H]]:
        return [member for member in self._members.values() if not (member.up or member.draining)]

    def missing(self, desired: int, make: str = "") -> int:
        """Workers to start, so that `desired` are of this make."""
        return max(desired - sum(member.make == make for member in self._open()), 0)

    def surplus(self, desired: int, make: str = "", late: float = -1.0) -> list[str]:
        """Those to drain: of an older make as soon as enough of this make are up, or wait for room since `late`; beyond
        `desired` those that are still starting, then the youngest.
        """
        current = [member for member in self._open() if member.make == make]
        older = [member for member in self._open() if member.make != make]
        kept_older = max(desired - sum(member.up or member.since < late for member in current), 0)
        surplus = [member.name for member in older[kept_older:]]
        current.sort(key=lambda member: not member.up)
        return surplus + [member.name for member in current[desired:]]

    def __len__(self) -> int:
        return len(self._members)

    def _open(self) -> list[Member[H]]:
        return [member for member in self._members.values() if not member.draining]
