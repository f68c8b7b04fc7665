"""Pauses: what is held back of the executions of a blueprint or a group.

    paused ─► nothing is begun; results are taken ─► resumed: what was held goes out in turn, at a rate ─► drained

Journals know nothing of it: a pause only delays what the host sends and what it feeds. Held are jobs that were to be
sent, and the ends of waits and of retries' delays. What runs goes on, and so does its time; the time-out of an
execution stands still from the pause until all is drained.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from sfc.catalog.version import Version
from sfc.engine.resident import Resident
from sfc.errors import BlueprintPaused, Overloaded
from sfc.interpreter.commands import DispatchTask
from sfc.limits import PAUSED_RETRY_S, RESUME_RATE
from sfc.store.journal import Pause

Key: TypeAlias = tuple[str, str]
"""Kind and name of what is paused."""
Held: TypeAlias = tuple[int, int, int]
"""(execution, task, attempt) of a job; (execution, 0, 0): a timer that is due."""
Span: TypeAlias = tuple[int, int]
TIMERS: Final = (0, 0)

_ARREARS_MS: Final = 1_000
"""What a busy loop has missed for longer than that is not made up for."""
_FEEDS_MS: Final = 10_000
"""Above the longest time after which a feed that was refused asks again."""


class Hold:
    """One blueprint or group that is paused, drains, or was paused before."""

    __slots__ = ("fed_at", "hungry", "past", "pause", "queue", "swept", "turn_at")

    def __init__(self, pause: Pause) -> None:
        self.pause = pause
        """The latest."""
        self.past: list[Span] = []
        """Those before it, in order."""
        self.queue: dict[Held, None] = {}
        """In the order in which it goes out."""
        self.turn_at = 0.0
        """When the next one may go out, UTC ms."""
        self.fed_at = 0
        """When a start from a topic was refused last, UTC ms; 0: none was."""
        self.swept = False
        """What was parked in the store has been read since it was resumed."""
        self.hungry = asyncio.Event()
        """The queue is short: more may be read."""

    @property
    def key(self) -> Key:
        return self.pause.kind, self.pause.name

    @property
    def shut(self) -> bool:
        return self.pause.resumed_at is None

    @property
    def drains(self) -> bool:
        return not self.shut and not self.over

    @property
    def over(self) -> bool:
        return self.pause.drained_at is not None

    def wait_ms(self, now: int) -> float:
        """Until the next one may go out."""
        self.turn_at = max(self.turn_at, now - _ARREARS_MS)
        return max(self.turn_at - now, 0)

    def take_turn(self) -> None:
        self.turn_at += 1000 / (self.pause.rate or RESUME_RATE)

    def feeds_until(self) -> float:
        """Until when records may still come that waited in their topics, UTC ms: their feeds ask again by then."""
        return self.fed_at and self.fed_at + _FEEDS_MS

    def spans(self, now: int) -> list[Span]:
        """All its pauses; one that is not over lasts until now."""
        until = now if self.pause.drained_at is None else self.pause.drained_at
        return [*self.past, (self.pause.paused_at, until)]


class Gate:
    """All pauses, and what they hold. Lives on the event loop."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._holds: dict[Key, Hold] = {}

    # What is paused

    def put(self, pause: Pause) -> Hold:
        """A pause as the store has it now: new, or changed."""
        key = pause.kind, pause.name
        hold = self._holds.get(key)
        if hold is None:
            hold = self._holds[key] = Hold(pause)
        elif hold.pause.paused_at != pause.paused_at:
            hold.past.append((hold.pause.paused_at, hold.pause.drained_at or pause.paused_at))
        hold.pause = pause
        hold.swept = False
        hold.turn_at = float(self._clock())
        if hold.fed_at:
            hold.fed_at = self._clock()
        hold.hungry.set()
        return hold

    def get(self, key: Key) -> Hold | None:
        return self._holds.get(key)

    def forget(self, key: Key) -> None:
        """There is no such thing any more, and nothing of it runs."""
        self._holds.pop(key, None)

    def current(self) -> list[Hold]:
        """Those that are paused or drain."""
        return [hold for hold in self._holds.values() if not hold.over]

    def paused(self, blueprint: str, group: str | None) -> Hold | None:
        """What keeps this blueprint's executions of this group back."""
        return next((hold for hold in self.of(blueprint, group) if hold.shut), None)

    def check(self, version: Version, *, from_topic: bool = False) -> None:
        """Raises BlueprintPaused when no execution of this version may begin; Overloaded while those `from_topic`,
        which waited for the end of a pause, keep to its rate."""
        for hold in self.of(version.name, version.group):
            now = self._clock()
            if from_topic and not hold.over:
                hold.fed_at = now
            if hold.shut:
                raise BlueprintPaused(*hold.key, retry_after_s=PAUSED_RETRY_S)
            if from_topic and hold.drains:
                if hold.wait_ms(now):
                    message = f"The {hold.pause.kind} '{hold.pause.name}' goes on at {hold.pause.rate:g} a second"
                    raise Overloaded(message)
                hold.take_turn()

    def of(self, machine: str, group: str | None) -> list[Hold]:
        """Every hold that executions of the machine, or children of its Map Runs, obey; most have none."""
        if not self._holds:
            return []
        keys = (("group", group or ""), ("blueprint", machine.partition("/")[0]))
        return [hold for key in keys if (hold := self._holds.get(key)) is not None]

    # What is held

    def is_shut(self, resident: Resident) -> bool:
        return self._shut(resident) is not None

    def holds(self, resident: Resident, job: DispatchTask) -> bool:
        """Whether the job is held back; it is sent when its turn comes."""
        hold = self._shut(resident)
        if hold is None:
            return False
        hold.queue[resident.id, job.task, job.attempt] = None
        return True

    def hold_for(self, key: Key, resident: Resident, job: DispatchTask) -> None:
        """The job starts an execution of something that is paused: it is sent again when that may begin."""
        self._holds[key].queue[resident.id, job.task, job.attempt] = None

    def holds_timers(self, resident: Resident) -> bool:
        """Whether waits and retries of this execution have to wait although they are due."""
        timers = (resident.id, *TIMERS)
        return any(hold.shut or timers in hold.queue for hold in self._of(resident))

    def came_back(self, resident: Resident, jobs: Sequence[DispatchTask], overdue: bool) -> Sequence[DispatchTask]:
        """An execution was read from the store: what of its jobs may be sent at once. The rest, and a timer that is
        due, take their turn."""
        holds = sorted((hold for hold in self._of(resident) if not hold.over), key=lambda hold: not hold.shut)
        if not holds:
            return jobs
        hold = holds[0]
        hold.queue.update(dict.fromkeys((resident.id, job.task, job.attempt) for job in jobs))
        if overdue and hold.drains:
            hold.queue[resident.id, *TIMERS] = None
        return ()

    def lived_through(self, resident: Resident) -> list[Span]:
        """The pauses since the execution began, or was redriven: apart from each other, in order."""
        holds = self._of(resident)
        if not holds:
            return []
        now, since = self._clock(), max(resident.started_at, resident.run.redriven_at)
        spans = (span for hold in holds for span in hold.spans(now))
        return _union((max(begin, since), end) for begin, end in spans if end > since)

    def counts(self) -> tuple[int, int]:
        """How many blueprints and groups are paused, and how much is held."""
        holds = self.current()
        return sum(hold.shut for hold in holds), sum(len(hold.queue) for hold in holds)

    def _of(self, resident: Resident) -> list[Hold]:
        return self.of(resident.machine, resident.group) if self._holds and resident.version else []

    def _shut(self, resident: Resident) -> Hold | None:
        return next((hold for hold in self._of(resident) if hold.shut), None)


def _union(spans: Iterable[Span]) -> list[Span]:
    made: list[Span] = []
    for begin, end in sorted(spans):
        if made and begin <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((begin, end))
    return made
