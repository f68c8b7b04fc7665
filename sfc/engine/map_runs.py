"""What the engine tells of Map Runs, and how their limits change: they are parts of executions."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import orjson

from sfc import arn as arns
from sfc.engine import tokens
from sfc.engine.history import Histories
from sfc.engine.host import Host
from sfc.engine.map_ends import stored_ends
from sfc.engine.maps import Maps
from sfc.engine.queries import Queries
from sfc.engine.records import ExecutionRecord, MapRunCounts, MapRunRecord, Page
from sfc.engine.resident import Resident
from sfc.engine.run_id import map_run_of, parent_of
from sfc.errors import InvalidRequest, NotFound, SfcError
from sfc.interpreter.children import ChildEnd, ChildStatus
from sfc.interpreter.entries import MapRunUpdated
from sfc.interpreter.map_run import Limits, MapRun, child_name
from sfc.store.ids import shard_of
from sfc.store.journal import ExecutionRow, Kind

_CACHED: Final = 32


class MapRunQueries:
    def __init__(self, host: Host, queries: Queries, histories: Histories, maps: Maps) -> None:
        self._host = host
        self._queries = queries
        self._histories = histories
        self._maps = maps
        self._replayed: OrderedDict[tuple[int, int], Sequence[MapRun]] = OrderedDict()
        """Of executions that have ended, by their id and how often they were redriven."""

    async def describe(self, arn: str) -> MapRunRecord:
        """Raises InvalidArn, NotFound (ResourceNotFound)."""
        row, map_run = await self._find(arn)
        return self._record(row, map_run)

    async def list(self, execution: str, limit: int, token: str | None) -> Page[MapRunRecord]:
        """Those of one execution, newest first. Raises NotFound (ExecutionDoesNotExist), InvalidToken."""
        row = await self._queries.row(execution)
        question: list[object] = ["mapRuns", row.id]
        runs = await self._of(row)
        before = tokens.place_of_number(token, question)
        before = len(runs) if before is None else min(before, len(runs))
        first = max(0, before - limit)
        items = [self._record(row, each) for each in reversed(runs[first:before])]
        return Page(items, tokens.give(question, first) if first > 0 else None)

    async def children(
        self, arn: str, status: str | None, limit: int, token: str | None, redriven: bool | None = None
    ) -> Page[ExecutionRecord]:
        """The children of a Map Run, without inputs: STANDARD ones newest first, EXPRESS ones as they ended."""
        row, map_run = await self._find(arn)
        if _kind(map_run) == "STANDARD":
            return await self._queries.children(map_run.arn, status, limit, token, redriven)
        question: list[object] = ["children", map_run.arn, status]
        begin = tokens.place_of_number(token, question) or 0

        def read() -> list[ExecutionRecord]:
            ends = stored_ends(self._host.store, row.id, map_run)
            wanted = (end for end in ends if status in (None, end.status))
            page = islice(wanted, begin, begin + limit + 1)
            return [replace(self._express(row, map_run, end), input=None) for end in page]

        found = await self._host.threads.call(read)
        return Page(found[:limit], tokens.give(question, begin + limit) if len(found) > limit else None)

    async def express_child(self, arn: str) -> ExecutionRecord:
        """An EXPRESS child that has ended. Raises NotFound (ExecutionDoesNotExist)."""
        parsed = arns.parse(arn, "express")
        unknown = NotFound(f"Execution Does Not Exist: '{arn}'", code="ExecutionDoesNotExist")
        try:
            row, map_run = await self._find(self._host.partition.map_run(parsed.machine, map_run_of(parsed.name)))
        except NotFound:
            raise unknown from None

        def read() -> ExecutionRecord | None:
            ends = stored_ends(self._host.store, row.id, map_run)
            records = (self._express(row, map_run, end) for end in ends)
            return next((record for record in records if record.name == parsed.name == parsed.run), None)

        record = await self._host.threads.call(read)
        if record is None:
            raise unknown
        return record

    def _express(self, row: ExecutionRow, map_run: MapRun, end: ChildEnd) -> ExecutionRecord:
        machine = arns.parse(map_run.arn, "mapRun").machine
        name = child_name(map_run.uuid, end.number)
        return ExecutionRecord(
            arn=self._host.partition.express(machine, name, name),
            id=0,
            machine=machine,
            machine_arn=self._host.partition.state_machine(machine),
            name=name,
            kind="EXPRESS",
            version=row.version,
            status=end.status,
            started_at=end.started_at,
            stopped_at=end.stopped_at,
            input=None if end.input is None else end.input.decode(),
            output=None if end.output is None else end.output.decode(),
            error=end.error,
            cause=end.cause,
            map_run_arn=map_run.arn,
        )

    async def update(self, arn: str, max_concurrency: int | None, count: int | None, percentage: float | None) -> None:
        """Set what is not None. Raises InvalidRequest for a Map Run that is over."""
        row, _map_run = await self._find(arn)
        over = InvalidRequest(f"Map Run is not running and cannot be updated: '{arn}'")
        if row.status != "RUNNING":
            raise over
        resident = await self._host.residence.load(row.id, shard_of(row.id))
        found = None if resident is None else self._going_on(resident, arns.parse(arn, "mapRun").name)
        if resident is None or found is None:
            raise over
        task, map_run = found
        before = map_run.limits
        limits = Limits(
            before.max_concurrency if max_concurrency is None else max_concurrency,
            before.tolerated_failure_count if count is None else count,
            before.tolerated_failure_percentage if percentage is None else percentage,
        )
        decided: asyncio.Future[SfcError | None] = asyncio.get_running_loop().create_future()
        at = max(self._host.clock(), resident.run.now)
        attempt = resident.run.expected[task].attempt
        entry = MapRunUpdated(at=at, task=task, attempt=attempt, limits=orjson.dumps(list(limits)))

        def answer(error: SfcError | None) -> None:
            if not decided.done():
                decided.set_result(error)

        if not self._host.apply(resident, entry, answer):
            raise SfcError("the execution stopped at a bug of SFC; see the log")
        error = await decided
        if error is not None:
            raise error
        self._maps.wake(resident, task)

    async def _find(self, arn: str) -> tuple[ExecutionRow, MapRun]:
        parsed = arns.parse(arn, "mapRun")
        parent = parent_of(parsed.name)
        row = None if parent is None else await self._host.threads.look_up(lambda: self._host.store.get(parent))
        if row is not None and row.machine.partition("/")[0] == parsed.machine.partition("/")[0]:
            for map_run in await self._of(row):
                if map_run.uuid == parsed.name and arns.parse(map_run.arn).machine == parsed.machine:
                    return row, map_run
        raise NotFound(f"Map Run Does Not Exist: '{arn}'", code="ResourceNotFound")

    async def _of(self, row: ExecutionRow) -> Sequence[MapRun]:
        """The Map Runs of an execution, oldest first."""
        resident = self._host.residence.all.get(row.id)
        if resident is not None:
            return resident.run.told_map_runs
        known = self._replayed.get((row.id, row.redrives))
        if known is None:
            known = (await self._host.threads.call(lambda: self._histories.replayed(row))).told_map_runs
            if row.status != "RUNNING":
                self._replayed[row.id, row.redrives] = known
                if len(self._replayed) > _CACHED:
                    self._replayed.popitem(last=False)
        return known

    @staticmethod
    def _going_on(resident: Resident, uuid: str) -> tuple[int, MapRun] | None:
        """The Map Run's task number, and itself."""
        return next(((task, each) for task, each in resident.run.map_runs.items() if each.uuid == uuid), None)

    def _record(self, row: ExecutionRow, map_run: MapRun) -> MapRunRecord:
        partition, limits = self._host.partition, map_run.limits
        resident = self._host.residence.all.get(row.id)
        found = None if resident is None else self._going_on(resident, map_run.uuid)
        working = (0, 0) if resident is None or found is None else self._maps.working(resident, found[0])
        machine = arns.parse(map_run.arn, "mapRun").machine
        return MapRunRecord(
            arn=map_run.arn,
            execution_arn=partition.execution(row.machine, row.name),
            machine_arn=partition.state_machine(machine),
            status=map_run.status,
            started_at=map_run.started_at,
            stopped_at=map_run.stopped_at or None,
            max_concurrency=limits.max_concurrency,
            tolerated_failure_count=limits.tolerated_failure_count or 0,
            tolerated_failure_percentage=limits.tolerated_failure_percentage or 0.0,
            items=_counts(map_run, map_run.items, map_run.read.items, working[1]),
            children=_counts(map_run, map_run.counts, map_run.read.children, working[0]),
            redrives=map_run.redrives,
            redriven_at=map_run.redriven_at or None,
        )


def _kind(map_run: MapRun) -> Kind:
    apart = map_run.state.distributed
    assert apart is not None
    return apart.kind


def _counts(map_run: MapRun, by_status: Mapping[ChildStatus, int], total: int, working: int) -> MapRunCounts:
    """What had not ended when the run was over counts as aborted."""
    ended = sum(by_status.values())
    going_on = map_run.status == "RUNNING"
    left = max(0, total - ended)
    running = min(left, working)
    exported = map_run.results_written and map_run.spec.writer.arguments is not None
    return MapRunCounts(
        pending=left - running if going_on else 0,
        running=running,
        succeeded=by_status["SUCCEEDED"],
        failed=by_status["FAILED"],
        timed_out=by_status["TIMED_OUT"],
        aborted=by_status["ABORTED"] + (0 if going_on else left),
        total=total,
        results_written=ended if exported else 0,
    )
