"""When a schedule starts executions: its settings, checked, and what is due now. Pure: the time is an argument.

{"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin", "missed": "latest", "overlap": "skip"}
{"every_s": 300, "from": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z", "jitter_s": 30}

A *tick* is a time at which an execution is to be started, UTC ms. Times of a cron expression are those of its time
zone. Where clocks go forward, a tick that would fall into the gap is at its end; where they go back, a tick of the
repeated hour happens the first time only. That is so for expressions of five fields whose minute and hour do not begin
with `*`; all others go by real time, as in Debian's cron. `every_s` counts from `from`, else from 1970, and knows no
time zones.

The event that filter and mapping see is {"time", "trigger"}.
"""

import hashlib
from collections.abc import Iterator
from collections.abc import Mapping as Members
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from sfc.asl.timestamps import format_ms, parse_rfc3339
from sfc.checks import Check, anything, number, one_of, read, text, whole
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.limits import CATCH_UP_SECONDS, CATCH_UP_TICKS, CRON_CHARS, JITTER_SECONDS, SCHEDULE_SECONDS
from sfc.triggers.mapping import Mapping, read_mapping

Missed: TypeAlias = Literal["skip", "latest", "all"]
Overlap: TypeAlias = Literal["allow", "skip", "replace"]

DEFAULT_CATCH_UP_S: Final = 86_400
LATE_MS: Final = 10_000
"""A tick that is not started within this time was missed: the server was down, asleep or overloaded, or paused."""
_OTHERS: Final = ("filter", "input", "from", "until")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_FOLD: Final = timedelta(hours=3)
"""Longer than any hour that clocks repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    mapping: Mapping
    cron: str | None = None
    timezone: str = "UTC"
    every_s: int | None = None
    begin_ms: int | None = None
    """First and last time at which there may be a tick."""
    end_ms: int | None = None
    jitter_s: float = 0.0
    """Starts are delayed by up to so much, each tick by an amount of its own that is always the same; never to the next
    tick.
    """
    missed: Missed = "latest"
    """What becomes of missed ticks: none is started; only the newest tick that is due; all of the last `catch_up_s`."""
    catch_up_s: int = DEFAULT_CATCH_UP_S
    """Ticks that are older are never started."""
    overlap: Overlap = "allow"
    """When the execution before still runs: start beside it, do not start, or stop it first."""

    def ticks_until(self, last: int) -> Iterator[int]:
        """Ticks at `last` and before, newest first."""
        last = last if self.end_ms is None else min(last, self.end_ms)
        for tick in self._backwards(last):
            if self.begin_ms is not None and tick < self.begin_ms:
                return
            yield tick

    def next_after(self, ms: int) -> int | None:
        """The first tick after `ms`; None when there is none any more."""
        if self.begin_ms is not None:
            ms = max(ms, self.begin_ms - 1)
        tick = self._after(ms)
        return None if tick is None or (self.end_ms is not None and tick > self.end_ms) else tick

    def due(self, name: str, tick: int) -> int:
        """When the execution of a tick is to be started, UTC ms: the tick and its jitter."""
        if not self.jitter_s:
            return tick
        digest = hashlib.blake2b(f"{name}:{tick}".encode(), digest_size=8).digest()
        delay = int(int.from_bytes(digest) / 2**64 * self.jitter_s * 1_000)
        following = self._after(tick)
        return tick + (delay if following is None else min(delay, following - tick - 1))

    def _backwards(self, last: int) -> Iterator[int]:
        if self.cron is None:
            period, anchor = self._period()
            tick = anchor + (last - anchor) // period * period
            while True:
                yield tick
                tick -= period
        local = _local(last, self.timezone)
        from_ = local + _SECOND if not local.fold else local + _FOLD
        try:
            for moment in CronSim(self.cron, from_, reverse=True):
                tick = _ms(moment)
                if tick <= last:
                    yield tick
        except OverflowError:  # before the year 1
            return

    def _after(self, ms: int) -> int | None:
        if self.cron is None:
            period, anchor = self._period()
            return anchor + ((ms - anchor) // period + 1) * period
        try:
            for moment in CronSim(self.cron, _local(ms, self.timezone)):
                tick = _ms(moment)
                if tick > ms:  # the first pass of a repeated hour lies before its second
                    return tick
        except OverflowError:  # after the year 9999
            pass
        return None

    def _period(self) -> tuple[int, int]:
        assert self.every_s is not None
        return self.every_s * 1_000, self.begin_ms or 0


class Plan(NamedTuple):
    """What a schedule does now."""

    start: tuple[int, ...]
    """Ticks whose executions are to be started, oldest first."""
    at: int
    """The last tick that is decided, once these are started."""
    wake_at: int | None
    """When to look again, UTC ms; None: never."""
    passed_over: int
    """Ticks that are not started, as far as the schedule looks back."""


def plan(schedule: Schedule, name: str, at: int, now: int) -> Plan:
    """What is due of the schedule of the trigger `name`, when `at` was the last tick that was decided."""
    ticks: list[int] = []
    oldest = max(at, now - schedule.catch_up_s * 1_000)
    waiting: int | None = None
    for tick in schedule.ticks_until(now):
        if tick <= oldest or len(ticks) >= CATCH_UP_TICKS:
            break
        due = schedule.due(name, tick)
        if due > now:
            waiting = due
        else:
            ticks.append(tick)
    ticks.reverse()
    late = [tick for tick in ticks if now - schedule.due(name, tick) > LATE_MS]
    match schedule.missed:
        case "skip":
            start = ticks[len(late) :]
        case "latest" if late:
            start = ticks[-1:]
        case _:
            start = ticks
    if waiting is None:
        following = schedule.next_after(now)
        waiting = None if following is None else schedule.due(name, following)
    return Plan(tuple(start), ticks[-1] if ticks else at, waiting, len(ticks) - len(start))


def event_of(name: str, tick: int) -> Json:
    """What filter and mapping of the trigger see."""
    return {"time": format_ms(tick), "trigger": name}


def execution_name(name: str, tick: int) -> str:
    """Of the tick's execution, so that nobody starts a second one."""
    moment = _EPOCH + timedelta(milliseconds=tick)
    return f"{name}-{moment:%Y%m%dT%H%M%SZ}"


def read_schedule(settings: Members[str, Json]) -> Schedule:
    """Raises InvalidRequest that names the field."""
    found = read(_CHECKS, settings, "a schedule")
    if ("cron" in found) == ("every_s" in found):
        raise InvalidRequest("a schedule has either cron or every_s", field="cron")
    if "timezone" in found and "cron" not in found:
        raise InvalidRequest("timezone belongs to cron; every_s counts real time", field="timezone")
    given: dict[str, Any] = {key: value for key, value in found.items() if key not in _OTHERS}
    begin, end = found.get("from"), found.get("until")
    if begin is not None and end is not None and begin > end:
        raise InvalidRequest("until is before from", field="until")
    schedule = Schedule(mapping=read_mapping(found), begin_ms=begin, end_ms=end, **given)
    if schedule.cron is not None:
        _check_cron(schedule.cron, schedule.timezone)
    return schedule


def _check_cron(cron: str, timezone: str) -> None:
    try:
        next(CronSim(cron, _local(0, timezone)), None)
    except (CronSimError, ValueError, AssertionError) as error:
        raise InvalidRequest(
            f"cron: {cron!r} is none of five fields (minute hour day month weekday), or six with the second first:"
            f" {error}",
            field="cron",
        ) from None


def _timezone(place: str, value: Json) -> str:
    name: str = text(100)(place, value)
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequest(f"{place}: {name!r} is no IANA time zone, such as Europe/Berlin", field=place) from None
    return name


def _moment(place: str, value: Json) -> int:
    ms = parse_rfc3339(value) if isinstance(value, str) else None
    if ms is None:
        raise InvalidRequest(f"{place} must be a time such as 2026-01-02T03:04:05Z", field=place)
    return ms


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _local(ms: int, timezone: str) -> datetime:
    return (_EPOCH + timedelta(seconds=ms // 1_000)).astimezone(_zone(timezone))


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


_CHECKS: Final[dict[str, Check]] = {
    "cron": text(CRON_CHARS),
    "timezone": _timezone,
    "every_s": whole(1, SCHEDULE_SECONDS),
    "from": _moment,
    "until": _moment,
    "jitter_s": number(0, JITTER_SECONDS),
    "missed": one_of("skip", "latest", "all"),
    "catch_up_s": whole(1, CATCH_UP_SECONDS),
    "overlap": one_of("allow", "skip", "replace"),
    "filter": anything,
    "input": anything,
}
