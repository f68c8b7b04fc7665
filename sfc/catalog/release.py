"""Releases and aliases of a blueprint: what AWS calls versions and aliases of a state machine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version published under a number. Immutable; times are UTC ms."""

    name: str
    """Of the blueprint."""
    number: int
    """1, 2, 3 … within the blueprint; the number of a deleted release is not given again."""
    version: int
    """Id of the `Version` that it stands for."""
    description: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Route:
    """One line of an alias's routing: `weight` percent of the starts go to release `number`."""

    number: int
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A name for one or two releases. Times are UTC ms."""

    name: str
    """Of the blueprint."""
    alias: str
    description: str | None
    routing: tuple[Route, ...]
    created_at: int
    updated_at: int

    def leads_to(self, number: int) -> bool:
        return any(route.number == number for route in self.routing)

    def release_for(self, percentile: int) -> int:
        """The release of a start that drew `percentile` (0 to 99)."""
        above = 0
        for route in self.routing:
            above += route.weight
            if percentile < above:
                return route.number
        return self.routing[-1].number
