"""What the engine tells of executions: plain, frozen, ready to be rendered by any front."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sfc.catalog.version import Version
from sfc.jsonvalue import Json
from sfc.store.journal import Kind

__all__ = ["ExecutionRecord", "HistoryEvent", "Page", "Version"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord:
    """One execution as it stands. Times are UTC ms; `input` and `output` are JSON text."""

    arn: str
    id: int
    machine: str
    machine_arn: str
    name: str
    kind: Kind
    version: int
    status: str
    """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
    started_at: int
    published: int | None = None
    """Number of the release that it was started through, by itself or by an alias."""
    alias: str | None = None
    """The alias that it was started through."""
    redrives: int = 0
    """How often it was redriven."""
    redriven_at: int | None = None
    stopped_at: int | None = None
    input: str | None = None
    """None in lists."""
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    paused: bool = False
    """It is RUNNING and begins nothing now: its blueprint or its group is paused."""
    diverged: str | None = None
    """Why the engine does not act for it any more, although it is RUNNING: its journal replays differently, or a bug of
    SFC. It can be stopped."""
    map_run_arn: str | None = None
    """Of the Map Run that it is a child of."""
    states: Sequence[str] = ()
    """Names of the states it is in now; only while RUNNING, only where it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRunCounts:
    """Of items, or of the children that they were given to."""

    pending: int
    running: int
    succeeded: int
    failed: int
    timed_out: int
    aborted: int
    total: int
    """So far: of what has been read."""
    results_written: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRunRecord:
    """One Map Run as it stands. Times are UTC ms."""

    arn: str
    execution_arn: str
    """Of the execution with the Map state."""
    machine_arn: str
    """With the Map's label."""
    status: str
    """RUNNING, SUCCEEDED, FAILED or ABORTED."""
    started_at: int
    stopped_at: int | None
    max_concurrency: int
    tolerated_failure_count: int
    tolerated_failure_percentage: float
    items: MapRunCounts
    children: MapRunCounts
    redrives: int
    redriven_at: int | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    next_token: str | None = None


HistoryEvent = dict[str, Json]
"""As GetExecutionHistory spells it: id, previousEventId, timestamp (UTC ms, int), type and at most one …EventDetails
object.
"""
