"""What was decided lately, by pool, with the numbers that made it so."""

from collections import deque
from typing import Final, NamedTuple

_DECISIONS: Final = 50
"""Kept of one pool."""
_POOLS: Final = 2_000


class Decision(NamedTuple):
    at: float
    """UTC s."""
    what: str
    why: str


class Chronicle:
    def __init__(self) -> None:
        self._pools: dict[str, deque[Decision]] = {}

    def note(self, pool: str, now: float, what: str, why: str) -> None:
        decisions = self._pools.pop(pool, None)
        if decisions is None:
            if len(self._pools) >= _POOLS:
                del self._pools[next(iter(self._pools))]
            decisions = deque(maxlen=_DECISIONS)
        self._pools[pool] = decisions  # the latest last
        decisions.append(Decision(now, what, why))

    def of(self, pool: str) -> list[Decision]:
        """Latest last."""
        return list(self._pools.get(pool, ()))

    def latest(self, count: int) -> list[tuple[str, Decision]]:
        """Of all pools, latest last."""
        found: list[tuple[str, Decision]] = []
        for pool in reversed(self._pools):
            if len(found) >= count and self._pools[pool][-1].at < min(each[1].at for each in found[:count]):
                break
            found += [(pool, decision) for decision in self._pools[pool]]
            found.sort(key=lambda each: -each[1].at)
            del found[count:]
        return found[::-1]
