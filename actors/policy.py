"""What the scheduler decides, and why: pure functions and small state machines, time is an argument (seconds).

- `wanted` and `Sizer`: how many workers a pool should have. At once up; down only to what the last half minute needed,
  so that a gap between two bursts ends no worker; to zero after the pool's idle time.
- `place`: whether a blueprint has workers of its own.
- `shares`: who gets how many workers when the cluster cannot hold all that are wanted.
"""

import heapq
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sfc.catalog.pool_policy import PoolPolicy
from sfc.limits import HOT_EXECUTIONS_A_DAY

START_S: Final = 2.0
"""How far ahead growth is looked for: about what a new worker needs to start."""
HOLD_S: Final = 30.0
"""A pool keeps the size that this last stretch needed, or its idle time where that is shorter."""
COLD_EXECUTIONS_A_DAY: Final = HOT_EXECUTIONS_A_DAY // 2
"""A promoted blueprint is cold at so few executions: half of what made it hot, so that it does not swing."""
WAIT_S: Final = 30.0
"""A pool that has waited so long for its first worker counts twice as much as its class; twice as long, three times."""
_BUCKET_S: Final = 3_600.0
_BUCKETS: Final = 24


class Load(NamedTuple):
    """Of one pool or blueprint, over all engines."""

    in_flight: int = 0
    """Jobs that workers have."""
    queued: int = 0
    """Jobs that no worker has yet."""
    arrivals_s: float = 0.0
    """Jobs a second, lately."""
    finishes_s: float = 0.0

    @property
    def busy(self) -> bool:
        return bool(self.in_flight or self.queued)


class Sized(NamedTuple):
    size: int
    why: str


def wanted(load: Load, policy: PoolPolicy) -> int:
    """Workers for the load as it is and grows: each shall have about `target` jobs. At least one when there is any."""
    growth = max(load.arrivals_s - load.finishes_s, 0.0) * START_S if load.queued else 0.0
    return max(math.ceil((load.in_flight + load.queued + growth) / policy.target), int(load.busy))


class Sizer:
    """A pool's size over time."""

    def __init__(self, now: float, size: int) -> None:
        """`size`: what is there already."""
        self._peaks: deque[tuple[float, int]] = deque([(now, size)] if size else [])
        self._busy_at: float | None = now if size else None

    def size(self, now: float, load: Load, policy: PoolPolicy, current: int) -> Sized:
        if policy.size is not None:
            self._peaks = deque([(now, policy.size)])
            return Sized(policy.size, f"fixed at {policy.size} by hand")
        need = wanted(load, policy)
        while self._peaks and self._peaks[-1][1] <= need:
            self._peaks.pop()
        self._peaks.append((now, need))
        hold_s = min(HOLD_S, policy.idle_s)
        while now - self._peaks[0][0] > hold_s:
            self._peaks.popleft()
        if load.busy:
            self._busy_at = now
        peak = self._peaks[0][1]
        idle_s = math.inf if self._busy_at is None else now - self._busy_at
        least = max(policy.min, int(current > 0 and idle_s < policy.idle_s))
        size = min(max(peak, least), max(policy.max, policy.min))
        numbers = (
            f"{load.in_flight} in flight + {load.queued} queued, {load.arrivals_s:.1f}/s arrive, "
            f"{load.finishes_s:.1f}/s finish; {policy.target} a worker"
        )
        if size > current:
            why = f"{numbers} make {need}"
        elif load.busy or size:
            why = f"{numbers} made at most {peak} in the last {hold_s:g} s"
        else:
            why = f"no job for {policy.idle_s:g} s"
        return Sized(size, f"{why}; within {policy.min} to {policy.max}")


class Day:
    """Executions in the last 24 hours, by the hour."""

    __slots__ = ("_counts", "_hour", "total")

    def __init__(self, counts: Sequence[int] = (), hour: int = 0) -> None:
        self._counts = deque(counts, maxlen=_BUCKETS)
        self._hour = hour
        self.total = sum(self._counts)

    def count(self, now: float, executions: int) -> int:
        """The total, with these. `now` is UTC: it outlives a process."""
        hour = int(now // _BUCKET_S)
        if not self._counts or hour - self._hour >= _BUCKETS:
            self._counts.clear()
            self._counts.append(0)
        else:
            self._counts.extend([0] * (hour - self._hour))
        self._hour = max(hour, self._hour)
        self._counts[-1] += executions
        self.total = sum(self._counts)
        return self.total

    def merge(self, other: "Day") -> None:
        """Hour by hour the larger count: the two have seen the same executions, one of them perhaps not all."""
        hours = {**self._by_hour(), **other._by_hour()}
        if not hours:
            return
        mine = self._by_hour()
        self._hour = max(hours)
        first = max(min(hours), self._hour - _BUCKETS + 1)
        self._counts.clear()
        self._counts.extend(max(hours.get(hour, 0), mine.get(hour, 0)) for hour in range(first, self._hour + 1))
        self.total = sum(self._counts)

    def _by_hour(self) -> dict[int, int]:
        return {self._hour - ago: count for ago, count in enumerate(reversed(self._counts))}

    def to_json(self) -> list[int]:
        return [self._hour, *self._counts]

    @classmethod
    def from_json(cls, value: Sequence[int]) -> "Day":
        return cls(value[1:], value[0])


class Placed(NamedTuple):
    specific: bool
    why: str


def place(policy: PoolPolicy, executions_a_day: int, promoted: bool) -> Placed:
    """Whether a blueprint has workers of its own. `promoted`: it has now, because it was hot."""
    if policy.mode != "auto":
        return Placed(policy.mode == "specific", f"mode is {policy.mode}")
    if policy.sla == "S0":
        return Placed(True, "class S0 has workers of its own")
    seen = f"{executions_a_day:,} executions in 24 h"
    if executions_a_day > HOT_EXECUTIONS_A_DAY:
        return Placed(True, f"{seen}, above {HOT_EXECUTIONS_A_DAY:,}")
    if promoted and executions_a_day > COLD_EXECUTIONS_A_DAY:
        return Placed(True, f"{seen}, still above {COLD_EXECUTIONS_A_DAY:,}")
    below = COLD_EXECUTIONS_A_DAY + 1 if promoted else HOT_EXECUTIONS_A_DAY + 1
    return Placed(False, f"{seen}, below {below:,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What one pool asks of the cluster."""

    size: int
    cpus: float
    """Of one worker."""
    weight: int
    least: int = 0
    """Its `min`: served first."""
    waited_s: float = 0.0
    """How long it has had jobs and no worker."""
    holds: bool = False
    """It has workers: another of its class must have waited `WAIT_S` to take the last one over."""


def shares(wants: Mapping[str, Want], capacity: float) -> dict[str, int]:
    """Workers for each pool, so that no more than `capacity` CPUs are used.

    Everybody's first worker comes before anybody's second, those of higher classes first; then minimums; then the rest
    by weight: always to the pool that has least for its weight. A pool that waits for its first worker rises with time,
    so that it gets its turn however many stand before it.
    """
    given = dict.fromkeys(wants, 0)
    left = capacity + 1e-9

    def rank(name: str) -> tuple[float, str]:
        want = wants[name]
        return -want.weight * (2.0 if want.holds else 1 + want.waited_s / WAIT_S), name

    for name in sorted((name for name, want in wants.items() if want.size), key=rank):
        if wants[name].cpus <= left:
            given[name] = 1
            left -= wants[name].cpus
    for bounds in (
        {name: min(want.least, want.size) for name, want in wants.items()},
        {name: want.size for name, want in wants.items()},
    ):
        heap = [(_has(given[name], want), name) for name, want in wants.items() if given[name]]
        heapq.heapify(heap)
        while heap:
            _, name = heapq.heappop(heap)
            want = wants[name]
            if given[name] < bounds[name] and want.cpus <= left:
                given[name] += 1
                left -= want.cpus
                heapq.heappush(heap, (_has(given[name], want), name))
    return given


def _has(workers: int, want: Want) -> float:
    return workers * max(want.cpus, 1e-6) / want.weight
