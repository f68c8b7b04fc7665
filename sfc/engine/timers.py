"""One alarm for all timers of the executions in memory."""

import asyncio
from collections.abc import Callable
from heapq import heapify, heappop, heappush

from sfc.engine.resident import Resident

_LONGEST_NAP_S = 60.0
"""The clock may be set meanwhile."""
_SLACK = 1_024


class Timers:
    """Calls `fire` for each resident whose next timer is due. The heap may hold stale times: the run decides."""

    def __init__(
        self,
        residents: dict[int, Resident],
        clock: Callable[[], int],
        due: Callable[[Resident], int | None],
        fire: Callable[[Resident], None],
    ) -> None:
        """`due` tells when the next timer of a resident is due, UTC ms."""
        self._residents = residents
        self._clock = clock
        self._due = due
        self._fire = fire
        self._heap: list[tuple[int, int]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_due = 0

    def watch(self, resident: Resident) -> None:
        """Take note of the resident's next timer."""
        due = self._due(resident)
        if due is None or (resident.timer_due is not None and resident.timer_due <= due):
            return
        resident.timer_due = due
        heappush(self._heap, (due, resident.id))
        if len(self._heap) > 2 * len(self._residents) + _SLACK:
            self._compact()
        self._set_alarm()

    def run_due(self) -> None:
        """Fire everything that is due by the clock."""
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            due, id = heappop(self._heap)
            resident = self._residents.get(id)
            if resident is None or resident.timer_due != due:
                continue
            resident.timer_due = None
            next_due = self._due(resident)
            if next_due is not None and next_due <= now:
                self._fire(resident)
            self.watch(resident)
        self._set_alarm()

    def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._heap.clear()

    def _compact(self) -> None:
        self._heap[:] = [
            (resident.timer_due, resident.id) for resident in self._residents.values() if resident.timer_due is not None
        ]
        heapify(self._heap)

    def _set_alarm(self) -> None:
        if not self._heap:
            return
        due = self._heap[0][0]
        if self._alarm is not None:
            if self._alarm_due <= due:
                return
            self._alarm.cancel()
        self._alarm_due = due
        nap = min(max(due - self._clock(), 0) / 1000, _LONGEST_NAP_S)
        self._alarm = asyncio.get_running_loop().call_later(nap, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.run_due()
