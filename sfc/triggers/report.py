"""What a trigger tells of itself while it is at work."""

from dataclasses import dataclass, field
from typing import Protocol

from sfc.limits import CAUSE_CHARS
from sfc.triggers.trigger import Trigger


@dataclass(slots=True)
class Figures:
    """Since the server began; times are UTC ms."""

    started: int = 0
    repeated: int = 0
    """Events whose execution was there already."""
    left_out: int = 0
    """Events that the filter, or a policy of the trigger, did not let start anything."""
    failed: int = 0
    """Events that could not be used."""
    last_execution: str = ""
    """ARN of what was started last."""
    last_started_at: int | None = None
    error: str = ""
    """Of the last event that failed."""
    error_at: int | None = None

    def start(self, execution: str, now: int) -> None:
        self.started += 1
        self.last_execution, self.last_started_at = execution, now

    def fail(self, error: str, now: int) -> None:
        self.failed += 1
        self.error, self.error_at = error[:CAUSE_CHARS], now


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far one partition is read."""

    topic: str
    partition: int
    next: int
    """Offset of the next record to be used."""
    lag: int | None
    """Records that wait there; None: the broker did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    figures: Figures = field(default_factory=Figures)
    positions: tuple[Position, ...] = ()


class Reporter(Protocol):
    """Whoever runs the triggers of one kind."""

    def report(self, trigger: Trigger) -> Report: ...
