"""What the scheduler knows of one blueprint's work, and of one pool's size. Time is an argument, in seconds."""

import math
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from actors.policy import Day, Load, Sizer
from actors.pool import Pool
from actors.roster import Report

H = TypeVar("H")

_RATE_S: Final = 5.0
"""Time constant of the rates of arrivals and finishes."""
_RESTART_S: Final = 0.5
_LONGEST_RESTART_S: Final = 10.0
"""Between a worker's death and the next start: handlers that end their process, or cannot be loaded, must not keep the
node busy. Doubled while workers die young.
"""
_EXPIRED_S: Final = 30.0
"""So often it is told how many jobs waited too long: more often would leave no room for other decisions."""


@dataclass(slots=True)
class Flow:
    """One blueprint's work."""

    day: Day = field(default_factory=Day)
    reports: dict[str, Report] = field(default_factory=dict)
    """By engine."""
    arrivals_s: float = 0.0
    finishes_s: float = 0.0
    promoted: bool = False
    expired: int = 0
    """Jobs that waited longer than they may."""
    expired_told: int = 0
    expired_told_at: float = -math.inf

    def load(self) -> Load:
        return Load(
            sum(report.in_flight for report in self.reports.values()),
            sum(report.queued for report in self.reports.values()),
            self.arrivals_s,
            self.finishes_s,
        )

    def take(self, engine: str, report: Report) -> None:
        if report.in_flight or report.queued:
            self.reports[engine] = report
        else:
            self.reports.pop(engine, None)
        self.arrivals_s += report.arrived / _RATE_S
        self.finishes_s += report.finished / _RATE_S
        self.expired += report.expired

    def expired_to_tell(self, now: float) -> int:
        """Jobs that waited too long since that was told; 0 too when that was a moment ago."""
        count = self.expired - self.expired_told
        if not count or now - self.expired_told_at < _EXPIRED_S:
            return 0
        self.expired_told, self.expired_told_at = self.expired, now
        return count

    def age(self, passed: float) -> None:
        """So many seconds later."""
        kept = max(1 - passed / _RATE_S, 0.0)
        self.arrivals_s *= kept
        self.finishes_s *= kept

    @property
    def cold(self) -> bool:
        told = self.expired == self.expired_told
        return told and not self.reports and self.arrivals_s < 0.01 and self.finishes_s < 0.01


class State(Generic[H]):
    """One pool's workers, and how its size came about."""

    def __init__(self, now: float) -> None:
        self.pool: Pool[H] = Pool()
        self.sizer = Sizer(now, 0)
        self.desired = 0
        self.wished = 0
        """`desired` without regard to the others."""
        self.waiting_since: float | None = None
        self.trouble: str | None = None
        self.not_before = 0.0
        self.restart_s = _RESTART_S
        self.generation = 0
        """Grows when all its workers shall be replaced."""
        self.pending_told: set[str] = set()

    def rest(self, now: float, *, young: bool, why: str) -> None:
        """A worker is gone; the next may start after a while, a longer one each time that one died young."""
        self.restart_s = min(self.restart_s * 2, _LONGEST_RESTART_S) if young else _RESTART_S
        self.not_before = now + self.restart_s
        self.trouble = why if young else None
