"""Pause, resume and stop all that runs of a blueprint or of a group of blueprints."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sfc.arn import check_name
from sfc.asl.expression import Failure
from sfc.catalog.version import Version
from sfc.engine.gate import Gate, Hold
from sfc.engine.host import Host
from sfc.engine.stops import Stops
from sfc.errors import InvalidRequest, NotFound, SfcError
from sfc.limits import PAUSES_KEPT, RESUME_RATE, RESUME_RATE_LEAST, RESUME_RATE_MOST, STOP_PAGE
from sfc.store.journal import WORKING, ExecutionRow, Pause, Wanted

What: TypeAlias = Literal["blueprint", "group"]

_PAGE: Final = 500
_NAMES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRecord:
    """A blueprint or group that is paused, or lets out what was held. Times are UTC ms."""

    kind: str
    name: str
    paused_at: int
    resumed_at: int | None
    """None: it is paused."""
    rate: float | None
    """What was held goes out so many a second."""
    held: int
    """Jobs, and timers that are due, that wait for their turn in memory; further timers wait in the store."""


class Pauses:
    def __init__(self, host: Host, stops: Stops, wake_pollers: Callable[[], None]) -> None:
        """`wake_pollers` has the workers of activities look for tasks again."""
        self._host = host
        self._stops = stops
        self._wake_pollers = wake_pollers
        self._gate: Gate = host.gate
        self._changing = asyncio.Lock()
        self._shards: Sequence[int] = ()
        host.drains.over = self._over

    async def open(self, shards: Sequence[int]) -> None:
        """Read what is paused; before executions come back. `shards`: those that are ours."""
        self._shards = shards
        for pause in await self._host.threads.call(self._host.store.pauses):
            self._gate.put(pause)

    def go_on(self) -> None:
        """Let out what a former owner was letting out; after executions came back."""
        self._host.errands.begin(self._sweep(None))
        for hold in self._gate.current():
            if hold.drains:
                self._drain(hold)

    async def pause(self, kind: What, name: str) -> PauseRecord:
        """From when this returns nothing of it is begun. What is paused already stays so.

        Raises NotFound (StateMachineDoesNotExist, GroupDoesNotExist), InvalidName, Unavailable.
        """
        await self._host.threads.call(lambda: self._check(kind, name))
        async with self._changing:
            await self._forget_oldest(self._gate.get((kind, name)))
            return _record(await self._put(self._paused(kind, name)))

    async def resume(self, kind: What, name: str, rate: float | None = None) -> PauseRecord:
        """Let what was held go out, `rate` a second; by default RESUME_RATE. What drains already goes on at this rate.

        Raises NotFound (NotPaused), InvalidRequest (`rate`), Unavailable.
        """
        async with self._changing:
            hold = await self._put(self._resumed(kind, name, rate))
            self._drain(hold)
            return _record(hold)

    def pause_now(self, kind: What, name: str) -> Pause:
        """As `pause`, at once; the caller has what is given written. Looks at the catalog."""
        self._check(kind, name)
        return self._gate.put(self._paused(kind, name)).pause

    def resume_now(self, kind: What, name: str, rate: float | None = None) -> Pause:
        """As `resume`, at once; the caller has what is given written."""
        hold = self._gate.put(self._resumed(kind, name, rate))
        self._drain(hold)
        return hold.pause

    async def stop(self, kind: What, name: str, failure: Failure) -> tuple[int, bool]:
        """Pause it, and end what runs of it as ABORTED, at most STOP_PAGE executions: how many, and whether there are
        more; then it is to be asked for again. Raises as `pause`."""
        await self.pause(kind, name)
        await self._host.committer.settled()  # starts that were on their way
        wanted = Wanted(family=name if kind == "blueprint" else None, status="RUNNING")
        stopped, before = 0, None
        while rows := await self._rows(wanted, before):
            for row in rows:
                if kind == "blueprint" or self._group(row) == name:
                    if stopped == STOP_PAGE:
                        return stopped, True
                    await self._stops.stop(row, failure)
                    stopped += 1
            before = rows[-1].id
        return stopped, False

    def current(self) -> list[PauseRecord]:
        """What is paused or lets out what was held, the oldest first."""
        return sorted(map(_record, self._gate.current()), key=lambda record: record.paused_at)

    def holds(self, version: Version) -> bool:
        """Whether executions of this version begin nothing now."""
        return self._gate.paused(version.name, version.group) is not None

    async def groups(self) -> dict[str, list[str]]:
        """The blueprints whose current version names a group, by group."""
        return await self._host.threads.call(self._groups)

    # ---- details

    def _groups(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        after, more = "", True
        while more:
            page = self._host.catalog.list(after, _NAMES)
            for version in page:
                if version.group is not None:
                    found.setdefault(version.group, []).append(version.name)
            after, more = (page[-1].name, len(page) == _NAMES) if page else ("", False)
        return dict(sorted(found.items()))

    def _check(self, kind: What, name: str) -> None:
        """Raises NotFound, InvalidName."""
        if kind == "blueprint":
            _version = self._host.catalog.get(name)
        else:
            check_name(name, "group")
            if self._gate.get((kind, name)) is None and name not in self._groups():
                raise NotFound(f"No blueprint is of the group '{name}'", code="GroupDoesNotExist")

    def _paused(self, kind: What, name: str) -> Pause:
        now, hold = self._host.clock(), self._gate.get((kind, name))
        if hold is None or hold.over:
            return Pause(kind, name, now if hold is None else max(now, hold.pause.paused_at + 1))
        return hold.pause._replace(resumed_at=None, rate=None)

    def _resumed(self, kind: What, name: str, rate: float | None) -> Pause:
        rate = RESUME_RATE if rate is None else rate
        if not RESUME_RATE_LEAST <= rate <= RESUME_RATE_MOST:
            raise InvalidRequest(
                f"rate must be from {RESUME_RATE_LEAST:g} to {RESUME_RATE_MOST:,} a second", field="rate"
            )
        hold = self._gate.get((kind, name))
        if hold is None or hold.over:
            raise NotFound(f"The {kind} {name} is not paused", code="NotPaused")
        resumed_at = self._host.clock() if hold.shut else hold.pause.resumed_at
        return hold.pause._replace(resumed_at=resumed_at, rate=rate)

    async def _put(self, pause: Pause) -> Hold:
        await self._host.threads.call(lambda: self._host.store.put_pause(pause))
        return self._gate.put(pause)

    async def _forget_oldest(self, hold: Hold | None) -> None:
        if hold is not None and len(hold.past) >= PAUSES_KEPT - 1:
            before, (kind, name) = hold.past[-(PAUSES_KEPT - 2)][0], hold.key
            await self._host.threads.call(lambda: self._host.store.forget_pauses(kind, name, before))
            del hold.past[: -(PAUSES_KEPT - 2)]

    def _drain(self, hold: Hold) -> None:
        """Map Runs go on at their own pace, and activities' workers look at their queues again."""
        self._host.drains.begin(hold)
        for resident in list(self._host.residence.all.values()):
            for task in list(resident.run.map_runs):
                self._host.maps.wake(resident, task)
        self._wake_pollers()
        self._host.errands.begin(self._sweep(hold))

    def _over(self, hold: Hold) -> None:
        pause = hold.pause._replace(drained_at=self._host.clock())
        self._gate.put(pause)
        self._host.errands.begin(
            self._host.errands.insist(lambda: self._host.threads.call(lambda: self._host.store.put_pause(pause)))
        )

    async def _sweep(self, hold: Hold | None) -> None:
        """Bring in what was parked in the store while it was paused, no more at once than soon goes out."""
        pause = None if hold is None else hold.pause

        def wanted(row: ExecutionRow) -> bool:
            mine = self._gate.of(row.machine, self._group(row))
            if any(each.shut for each in mine):
                return False
            return hold in mine if hold is not None else all(each.over for each in mine)

        for shard in self._shards:
            after = (WORKING, 0)
            while self._host.committer.owns(shard):
                page = await self._host.errands.insist(
                    lambda shard=shard, after=after: self._host.residence.load_parked(shard, after, _PAGE, wanted)  # type: ignore[misc]
                )
                if not page or (hold is not None and hold.pause is not pause):
                    break
                after = (page[-1].wake_at or WORKING, page[-1].id)
                if hold is not None:
                    hold.hungry.clear()
                    self._host.drains.run_due()
                    await hold.hungry.wait()
        if hold is not None and hold.pause is pause:
            hold.swept = True
            self._host.drains.run_due()

    async def _rows(self, wanted: Wanted, before: int | None) -> Sequence[ExecutionRow]:
        return await self._host.threads.call(lambda: self._host.store.list(wanted, before, _PAGE))

    def _group(self, row: ExecutionRow) -> str | None:
        try:
            return self._host.catalog.version(row.version).group
        except SfcError:
            return None


def _record(hold: Hold) -> PauseRecord:
    kind, name, paused_at, resumed_at, _drained_at, rate = hold.pause
    return PauseRecord(
        kind=kind, name=name, paused_at=paused_at, resumed_at=resumed_at, rate=rate, held=len(hold.queue)
    )
