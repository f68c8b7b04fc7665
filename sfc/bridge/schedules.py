"""Starts executions by the clock.

What is due is decided by `sfc.triggers.schedule`; here it is started, and how far each schedule has come is written
after the start. A crash between the two repeats the start, which finds its execution by name: the tick is the name. So
several engines may do this at once, too. (EXPRESS executions may share names: they are started at least once.)
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeAlias

from sfc.catalog.catalog import Catalog
from sfc.engine.engine import Engine, StartRequest
from sfc.engine.records import ExecutionRecord
from sfc.errors import Conflict, InvalidRequest, NotFound, NotSupported, Overloaded, SfcError, Unavailable
from sfc.limits import BACKFILL_TICKS
from sfc.triggers.mapping import MappingFailed
from sfc.triggers.report import Figures, Report
from sfc.triggers.schedule import Schedule, event_of, execution_name, plan, read_schedule
from sfc.triggers.trigger import Progress, Trigger

log = logging.getLogger(__name__)

_LONGEST_NAP_S: Final = 60.0
"""The clock may be set meanwhile."""
_AGAIN_MS: Final = 1_000
"""What was refused is tried again after so long, sooner than callers are asked to: a pause may end at any time."""
_RUNNING: Final = ("RUNNING", "PENDING_REDRIVE")


_Prepared: TypeAlias = dict[int, StartRequest | SfcError | None]
"""What each tick asks for; None: the filter leaves it out."""
_Results: TypeAlias = dict[int, ExecutionRecord | SfcError | None]
"""What became of each tick; None: it was left out."""


class Backfilled(NamedTuple):
    started: int
    repeated: int
    """Ticks that had their execution already."""
    left_out: int
    failed: int
    error: str
    """Of the first tick that failed."""


@dataclass(slots=True)
class _Entry:
    """A schedule at work."""

    trigger: Trigger
    schedule: Schedule
    progress: Progress
    figures: Figures
    wake_at: int | None = 0
    done: set[int] = field(default_factory=set)
    """Ticks above `progress.at` that are decided."""
    kept: Progress | None = None
    """What the store has."""

    def is_due(self, now: int) -> bool:
        return self.wake_at is not None and self.wake_at <= now and not self.trigger.paused


class Schedules:
    """The schedules of one engine. Its methods run on the engine's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._entries: dict[int, _Entry] = {}
        self._figures: dict[int, Figures] = {}
        self._stored: dict[int, Progress] = {}
        self._seen = -1
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Go on where the schedules stand. Raises Unavailable."""
        await self.read()
        loop = asyncio.get_running_loop()

        def changed() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._changed.set)

        await self._engine.consult(lambda catalog: catalog.triggers.subscribe(changed))
        self._loop = asyncio.create_task(self._run())

    async def read(self) -> None:
        """Learn how far the schedules have come; for a host that calls `run_due` itself. Raises Unavailable."""
        self._stored = await self._engine.consult(lambda catalog: catalog.triggers.shelf.progress())

    async def close(self) -> None:
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
            self._loop = None

    async def run_due(self) -> None:
        """Start what is due by the engine's clock. Raises Unavailable when what was started could not be noted."""
        await self._refresh()
        now = self._engine.now()
        due = [entry for entry in self._entries.values() if entry.is_due(now)]
        await asyncio.gather(*(self._work(entry, now) for entry in due))
        await self._note(entry for entry in self._entries.values() if entry.progress is not entry.kept)

    def report(self, trigger: Trigger) -> Report:
        """See `Reporter`."""
        entry = self._entries.get(trigger.id)
        figures = self._figures.get(trigger.id, Figures())
        if entry is not None and not figures.last_execution:
            figures.last_execution = entry.progress.execution
        if entry is not None and not figures.error:
            figures.error = entry.progress.error
        return Report(figures=figures)

    async def backfill(self, name: str, begin: int, end: int) -> Backfilled:
        """Start the executions of all ticks from `begin` to `end` (UTC ms, both included) that have none yet.

        At once, whatever overlaps, also of a paused schedule. Raises NotFound (TriggerDoesNotExist), InvalidRequest.
        """
        trigger = await self._engine.consult(lambda catalog: catalog.triggers.get(name))
        if trigger.kind != "schedule":
            raise InvalidRequest(f"{name} is no schedule", field="name")
        now = self._engine.now()
        if end > now:
            raise InvalidRequest("to is in the future; the schedule will start these itself", field="to")
        schedule, ticks = read_schedule(trigger.settings), list[int]()
        for tick in schedule.ticks_until(end):
            if tick < begin:
                break
            if len(ticks) == BACKFILL_TICKS:
                raise InvalidRequest(f"there are more than {BACKFILL_TICKS:,} ticks; take fewer at once", field="from")
            ticks.append(tick)
        figures = self._figures.setdefault(trigger.id, Figures())
        prepared = _prepared(trigger, schedule, ticks[::-1], now)
        ready = [tick for tick, each in prepared.items() if isinstance(each, StartRequest)]
        results = (await self._start(prepared, ready)).values()
        errors = [str(each) for each in results if isinstance(each, SfcError) and not _is_there(each)]
        for result in results:
            if isinstance(result, ExecutionRecord):
                figures.start(result.arn, now)
        return Backfilled(
            started=sum(isinstance(each, ExecutionRecord) for each in results),
            repeated=sum(isinstance(each, SfcError) and _is_there(each) for each in results),
            left_out=sum(each is None for each in results),
            failed=len(errors),
            error=errors[0] if errors else "",
        )

    # The loop

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            try:
                await self.run_due()
                nap = self._nap()
            except Unavailable as error:
                log.warning("schedules wait for the store: %s", error)
                nap = _AGAIN_MS / 1_000
            except Exception:
                log.exception("schedules failed in an unforeseen way")
                nap = _LONGEST_NAP_S
            try:
                await asyncio.wait_for(self._changed.wait(), nap)
            except TimeoutError:
                continue

    def _nap(self) -> float:
        wakes = [
            entry.wake_at for entry in self._entries.values() if entry.wake_at is not None and not entry.trigger.paused
        ]
        until = min(wakes, default=None)
        return _LONGEST_NAP_S if until is None else min(max(until - self._engine.now(), 0) / 1_000, _LONGEST_NAP_S)

    async def _refresh(self) -> None:
        """Take over what was changed about triggers."""
        found = await self._engine.consult(self._changes)
        if found is None:
            return
        seen, schedules = found
        triggers = {trigger.id: trigger for trigger in schedules}
        for id in self._entries.keys() - triggers.keys():
            del self._entries[id]
            self._figures.pop(id, None)
        for trigger in triggers.values():
            self._take_over(trigger)
        self._seen = seen

    def _changes(self, catalog: Catalog) -> tuple[int, list[Trigger]] | None:
        """All schedules, with the version of the triggers that they are of; None: nothing has changed."""
        version = catalog.triggers.version
        if version == self._seen:
            return None
        return version, [trigger for trigger in catalog.triggers.all() if trigger.kind == "schedule"]

    def _take_over(self, trigger: Trigger) -> None:
        entry = self._entries.get(trigger.id)
        if entry is not None and entry.trigger.updated_at == trigger.updated_at:
            if entry.trigger.paused and not trigger.paused:
                entry.wake_at = 0
            entry.trigger = trigger
            return
        figures = self._figures.setdefault(trigger.id, Figures())
        try:
            schedule = read_schedule(trigger.settings)
        except InvalidRequest as error:  # it could be read once: a time zone went away
            log.error("the schedule %s cannot be read any more: %s", trigger.name, error)
            figures.fail(str(error), self._engine.now())
            return
        stored = self._stored.get(trigger.id) if entry is None else entry.progress
        progress = stored or Progress(at=trigger.updated_at)
        if progress.at < trigger.updated_at:  # it was changed: it begins anew
            progress = Progress(at=trigger.updated_at, execution=progress.execution)
        self._entries[trigger.id] = _Entry(trigger, schedule, progress, figures, kept=stored)

    async def _note(self, entries: Iterable[_Entry]) -> None:
        progress = {entry.trigger.id: entry.progress for entry in entries}
        if progress:
            await self._engine.consult(lambda catalog: catalog.triggers.shelf.put_progress(progress))
            for id, noted in progress.items():
                if id in self._entries:
                    self._entries[id].kept = noted

    # One schedule

    async def _work(self, entry: _Entry, now: int) -> None:
        try:
            await self._start_due(entry, now)
        except (Overloaded, Unavailable) as error:
            entry.progress = replace(entry.progress, error=str(error))
            entry.wake_at = now + _AGAIN_MS
        except Exception as error:
            log.exception("the schedule %s failed in an unforeseen way", entry.trigger.name)
            entry.figures.fail(repr(error), now)
            entry.wake_at = now + int(_LONGEST_NAP_S * 1_000)

    async def _start_due(self, entry: _Entry, now: int) -> None:
        """Raises Overloaded, Unavailable, and nothing is decided."""
        trigger, schedule, figures = entry.trigger, entry.schedule, entry.figures
        found = plan(schedule, trigger.name, entry.progress.at, now)
        due = [tick for tick in found.start if tick not in entry.done]
        prepared = _prepared(trigger, schedule, due, now)
        ready = [tick for tick, each in prepared.items() if isinstance(each, StartRequest)]
        if schedule.overlap != "allow":
            ready = await self._without_overlap(entry, ready[-1:])
        results = await self._start(prepared, ready)
        figures.left_out += found.passed_over
        held = self._decide(entry, results, now)
        if held is None:
            entry.progress = replace(entry.progress, at=found.at)
            entry.done.clear()
            entry.wake_at = found.wake_at
            return
        at, error = held
        entry.progress = replace(entry.progress, at=max(at - 1, entry.progress.at), error=str(error))
        entry.wake_at = now + _AGAIN_MS

    async def _without_overlap(self, entry: _Entry, ticks: list[int]) -> list[int]:
        """What is left to be started once the execution before has been looked at.

        That the next one is going to be the last is noted before it is started: otherwise a crash in between would
        leave one that runs and that nobody remembers.
        """
        last = entry.progress.execution
        itself = [self._execution(entry.trigger, tick) for tick in ticks] == [last]  # a crash, and it may be started
        if ticks and not itself and await self._still_runs(last):
            if entry.schedule.overlap == "skip":
                return []
            self._engine.check_start(entry.trigger.blueprint)  # nothing is stopped that could not be replaced
            await self._engine.stop(last, "SFC.Replaced", f"the schedule {entry.trigger.name} starts the next one")
        for tick in ticks:
            entry.progress = replace(entry.progress, execution=self._execution(entry.trigger, tick))
            await self._note([entry])
        return ticks

    def _execution(self, trigger: Trigger, tick: int) -> str:
        """ARN of the tick's execution."""
        return self._engine.partition.execution(trigger.machine, execution_name(trigger.name, tick))

    def _decide(self, entry: _Entry, results: _Results, now: int) -> tuple[int, Overloaded | Unavailable] | None:
        """Notes what became of the ticks; gives the first that has to wait, and why."""
        held: tuple[int, Overloaded | Unavailable] | None = None
        execution, error = entry.progress.execution, ""
        for tick, result in results.items():
            if isinstance(result, Overloaded | Unavailable):
                held = held or (tick, result)
                continue
            entry.done.add(tick)
            if result is None:
                entry.figures.left_out += 1
            elif isinstance(result, ExecutionRecord):
                execution = result.arn
                entry.figures.start(execution, now)
            elif _is_there(result):
                execution = self._execution(entry.trigger, tick)
                entry.figures.repeated += 1
            else:
                error = f"{result.code}: {result.message}"
                log.error("the schedule %s could not start its tick: %s", entry.trigger.name, error)
                entry.figures.fail(error, now)
        if results:
            entry.progress = replace(entry.progress, execution=execution, error=error)
        return held

    async def _start(self, prepared: _Prepared, ready: Sequence[int]) -> _Results:
        """Starts the ticks that are ready, in one commit; the others that were prepared are left out."""
        started = await self._engine.start_many(
            [each for tick in ready if isinstance(each := prepared[tick], StartRequest)]
        )
        results: _Results = {tick: None if isinstance(each, StartRequest) else each for tick, each in prepared.items()}
        results.update(zip(ready, started, strict=True))
        return results

    async def _still_runs(self, execution: str) -> bool:
        if not execution:
            return False
        try:
            return (await self._engine.describe(execution)).status in _RUNNING
        except (NotFound, NotSupported):
            return False


def _prepared(trigger: Trigger, schedule: Schedule, ticks: Sequence[int], now: int) -> _Prepared:
    prepared: _Prepared = {}
    for tick in ticks:
        try:
            mapped = schedule.mapping.apply(event_of(trigger.name, tick), now_ms=now, seed=tick)
            input = None if mapped is None else mapped.payload().decode()
        except MappingFailed as failed:
            prepared[tick] = InvalidRequest(failed.detail, code="MappingFailed", field=failed.field)
        else:
            name = execution_name(trigger.name, tick)
            prepared[tick] = None if input is None else StartRequest(trigger.blueprint, input, name)
    return prepared


def _is_there(error: SfcError) -> bool:
    """Whether the tick has its execution already."""
    return isinstance(error, Conflict) and error.code == "ExecutionAlreadyExists"
