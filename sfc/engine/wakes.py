"""When an execution goes on by itself, and what its row in the index says of that."""

from collections.abc import Callable

from sfc.asl.expression import Failure
from sfc.engine.gate import Gate, Span
from sfc.engine.heartbeats import Heartbeats
from sfc.engine.resident import Resident
from sfc.engine.settings import EngineSettings
from sfc.interpreter.entries import EXECUTION_TIMEOUT, Entry, TaskFailed, TimerFired
from sfc.interpreter.timers import Timer, timers_ahead
from sfc.store.journal import WORKING


class Wakes:
    """Timers and heartbeats of executions, as far as pauses let them be due."""

    def __init__(self, clock: Callable[[], int], settings: EngineSettings, gate: Gate) -> None:
        self._clock = clock
        self._settings = settings
        self._gate = gate
        self.heartbeats = Heartbeats()

    def wake_at(self, resident: Resident) -> int | None:
        """What the index row must say: WORKING keeps an execution in memory, a time lets it leave until then; below
        zero it leaves until its pause is over."""
        run = resident.run
        if run.done:
            return None
        if run.jobs or run.map_runs or resident.kind == "EXPRESS":
            return WORKING
        soon = self._clock() + self._settings.passivate_after_ms
        if self._gate.holds_timers(resident):
            due = min(timer.due for timer in self._timers(resident, held=False))
            if due <= soon:
                return WORKING if self.due(resident) is not None else -due
        else:
            due = self.due(resident) or WORKING
        return WORKING if due <= soon else due

    def due(self, resident: Resident) -> int | None:
        """When the execution must go on by itself, UTC ms: a timer, or a heartbeat that does not come."""
        timer = self._next(resident)
        missed = self.heartbeats.next(resident) if resident.run.accepted else None
        if timer is None or missed is None:
            return missed.due if missed is not None else None if timer is None else timer[0]
        return min(timer[0], missed.due)

    def entry(self, resident: Resident, at: int) -> Entry | None:
        """What the execution is told when it is due."""
        timer, missed = self._next(resident), self.heartbeats.next(resident)
        if missed is not None and (timer is None or missed.due < timer[0]):
            failure = Failure("States.HeartbeatTimeout")
            return TaskFailed(at=at, task=missed.task, attempt=missed.attempt, failure=failure)
        return None if timer is None else TimerFired(at=at, task=timer[1], attempt=timer[2])

    def overdue(self, resident: Resident) -> int | None:
        """The time of the first timer that is due, whether it is held or not; None: none is."""
        run = resident.run
        if run.done or not run.started:
            return None
        due = min(timer.due for timer in self._timers(resident, held=False))
        return due if due <= self._clock() else None

    def _next(self, resident: Resident) -> tuple[int, int, int] | None:
        run = resident.run
        if run.done or not run.started or not self._gate.lived_through(resident):
            return run.next_timer()
        timers = self._timers(resident, held=self._gate.holds_timers(resident))
        return min((timer[:3] for timer in timers), default=None)

    def _timers(self, resident: Resident, *, held: bool) -> list[Timer]:
        """With the times that pauses make of them: a task's time-out runs on unless the task was held when its time
        began to run; `held`: only these are due."""
        run, spans = resident.run, self._gate.lived_through(resident)
        found = [
            timer if timer.since is None else timer._replace(due=timer.due + _left(spans, timer.since))
            for timer in timers_ahead(run)
            if not held or timer.since is not None
        ]
        if not held:
            stood_still = sum(end - begin for begin, end in spans)
            found.append(Timer(run.deadline + stood_still, EXECUTION_TIMEOUT, 0, None))
        return found


def _left(spans: list[Span], at: int) -> int:
    """How much of a pause was to come at this time."""
    return next((end - at for begin, end in spans if begin <= at < end), 0)
