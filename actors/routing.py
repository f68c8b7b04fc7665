"""Which pool an engine sends a blueprint's jobs to, and who works there."""

from collections.abc import Iterable
from typing import Final

from actors.link import Link
from actors.roster import Roster
from sfc.catalog.pool_policy import COMMON, WEIGHTS, PoolPolicy

_WEIGHT: Final = WEIGHTS[PoolPolicy().sla]


class Routing:
    def __init__(self) -> None:
        self.roster = Roster(0, {}, frozenset(), {}, {})
        self._dedicated: set[str] = set()
        self._crews: dict[str, list[Link]] = {}
        """Workers that take jobs, by pool."""

    def dedicate(self, machine: str, own: bool) -> bool:
        """Whether that changes anything."""
        changed = own != (machine in self._dedicated)
        if changed:
            self._dedicated ^= {machine}
        return changed

    def regroup(self, links: Iterable[Link]) -> None:
        """Workers came or went, or the roster says something else about them."""
        self._crews = {}
        for link in links:
            view = self.roster.pools.get(link.pool)
            link.open = view is not None and link.name in view.open
            if link.open:
                self._crews.setdefault(link.pool, []).append(link)

    def crew(self, pool: str) -> list[Link]:
        return self._crews.get(pool, [])

    def pool_of(self, machine: str) -> str:
        own = machine in self._crews or machine in self._dedicated or machine in self.roster.dedicated
        return machine if own else COMMON

    def queue_timeout_of(self, machine: str) -> float | None:
        limits = self.roster.queue_timeouts
        return limits.get(machine, limits.get(COMMON))

    def weight_of(self, machine: str) -> int:
        return self.roster.weights.get(machine, _WEIGHT)
