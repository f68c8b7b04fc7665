"""What crosses between scheduler and engines: who the workers are, what there is to do, how blueprints stand."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias


class PoolView(NamedTuple):
    """One pool as engines see it; values are handles or clients of workers by name."""

    open: dict[str, Any]
    leaving: dict[str, Any]
    """They take no new jobs, but have or had some."""


class Roster(NamedTuple):
    version: int
    pools: dict[str, PoolView]
    dedicated: frozenset[str]
    """Blueprints whose jobs wait for their own pool. Others that have one use the common pool while theirs is empty."""
    weights: dict[str, int]
    """Of blueprints, where it is not the default."""
    queue_timeouts: dict[str, float]
    """Longest time, in s, that jobs of a blueprint wait; that of the common pool holds where none is named."""


class Report(NamedTuple):
    """What one engine tells of one blueprint, since its last report."""

    in_flight: int
    queued: int
    arrived: int
    """Jobs."""
    finished: int
    executions: int
    """Whose first job arrived."""
    expired: int = 0
    """Jobs that waited longer than they may."""


Reports = Mapping[str, Report]
Standings: TypeAlias = Mapping[str, Mapping[str, Any]]
"""By blueprint: {"promoted": true, "day": [hour, executions in that hour's 23 forerunners …, and in it]}; `hour` counts
from 1970, UTC. What an engine keeps, so that a new cluster knows it.
"""
NOTHING: Final = Report(0, 0, 0, 0, 0)
