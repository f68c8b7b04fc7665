"""How what was held goes out again: in turn, so many a second."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from sfc.engine.gate import TIMERS, Gate, Hold
from sfc.engine.resident import Resident
from sfc.engine.timers import Timers
from sfc.engine.wakes import Wakes
from sfc.interpreter.commands import Command

Send: TypeAlias = Callable[[Iterable[tuple[Resident, Sequence[Command]]]], None]

_HUNGRY: Final = 500
"""Of the queue: with fewer, more is read from the store."""
_NAP_S: Final = 0.01


class Drains:
    def __init__(
        self,
        clock: Callable[[], int],
        gate: Gate,
        wakes: Wakes,
        timers: Timers,
        residents: dict[int, Resident],
        send: Send,
        fire: Callable[[Resident], None],
    ) -> None:
        """`send` carries commands out; `fire` tells an execution that its next timer is due."""
        self._clock = clock
        self._gate = gate
        self._wakes = wakes
        self._timers = timers
        self._residents = residents
        self._send = send
        self._fire = fire
        self._alarm: asyncio.TimerHandle | None = None
        self.over: Callable[[Hold], None] = lambda _hold: None
        """Is told that a hold keeps nothing any more."""

    def begin(self, hold: Hold) -> None:
        """It was resumed. Behind the jobs that are held come the timers that are due, in the order of their times."""
        due: list[tuple[int, int]] = []
        for resident in self._residents.values():
            if hold in self._gate.of(resident.machine, resident.group) and resident.version:
                timer = self._wakes.overdue(resident)
                if timer is None:
                    self._timers.watch(resident)
                else:
                    due.append((timer, resident.id))
        hold.queue.update(dict.fromkeys((id, *TIMERS) for _due, id in sorted(due)))
        self.run_due()

    def run_due(self) -> None:
        """Let out what may go by the clock."""
        now = self._clock()
        for hold in self._gate.current():
            if hold.drains:
                self._let_out(hold, now)
        self._set_alarm()

    def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _let_out(self, hold: Hold, now: int) -> None:
        while hold.queue and not hold.wait_ms(now):
            held = next(iter(hold.queue))
            del hold.queue[held]
            if self._release(hold, *held):
                hold.take_turn()
        if len(hold.queue) < _HUNGRY:
            hold.hungry.set()
        if hold.swept and not hold.queue and now >= hold.feeds_until():
            self.over(hold)

    def _release(self, hold: Hold, execution: int, task: int, attempt: int) -> bool:
        """False when there is nothing to it any more."""
        resident = self._residents.get(execution)
        if resident is None or resident.run.done:
            return False
        if task:
            job = resident.run.jobs.get(task)
            if job is None or job.attempt != attempt:
                return False
            self._send([(resident, [job])])
            return True
        if self._gate.holds_timers(resident):  # another one, where it has its turn
            return False
        overdue = self._wakes.overdue(resident) is not None
        if overdue:
            self._fire(resident)
        if self._wakes.overdue(resident) is not None:
            hold.queue[execution, *TIMERS] = None
        else:
            self._timers.watch(resident)
        return overdue

    def _set_alarm(self) -> None:
        self.close()
        drains = [hold for hold in self._gate.current() if hold.drains and (hold.queue or hold.swept)]
        turns = [hold.turn_at if hold.queue else hold.feeds_until() for hold in drains]
        if turns:
            nap = max(min(turns) - self._clock(), 0) / 1000
            self._alarm = asyncio.get_running_loop().call_later(max(nap, _NAP_S), self.run_due)
