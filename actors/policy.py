"""How many workers a pool should have. Pure: load in, size out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    min_size: int
    max_size: int
    target_in_flight: int = 100
    """Jobs per worker at which a pool is neither too small nor too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLoad:
    in_flight: int = 0
    queued: int = 0


def desired_size(load: PoolLoad, limits: PoolLimits) -> int:
    """So many workers that each has about `target_in_flight` jobs, within the limits."""
    wanted = -(-(load.in_flight + load.queued) // limits.target_in_flight)
    return min(max(wanted, limits.min_size), limits.max_size)
