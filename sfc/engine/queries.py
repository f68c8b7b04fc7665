"""What the engine tells of executions: from memory where they live there, else from the store."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from sfc import arn as arns
from sfc.engine import tokens
from sfc.engine.host import Host
from sfc.engine.records import ExecutionRecord, Page
from sfc.engine.resident import Resident
from sfc.engine.run_id import children_of, execution_of, express_run, map_run_arn
from sfc.engine.target import find_target
from sfc.errors import InvalidRequest, NotFound, NotSupported
from sfc.store.journal import ExecutionRow, Wanted

Question: TypeAlias = list[object]
_STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
_UNSUPPORTED = "This operation is not supported by this type of state machine"


class Queries:
    def __init__(self, host: Host) -> None:
        self._host = host

    async def describe(self, arn: str) -> ExecutionRecord:
        residence, parsed = self._host.residence, arns.parse(arn, "execution", "express")
        if parsed.kind == "express":
            raise NotSupported(_UNSUPPORTED)
        id = residence.names.get((parsed.machine, parsed.name))
        resident = residence.all.get(id) if id is not None else None
        if resident is not None:
            return self._alive(resident)
        recent = residence.recent(parsed.machine, parsed.name)
        if recent is not None:
            return recent
        return await self.stored(await self.row(arn))

    async def row(self, arn: str) -> ExecutionRow:
        """The index row of a STANDARD execution. Raises NotFound, NotSupported."""
        self._standard(arn)
        return await self._any_row(arn)

    async def wait(self, arn: str, timeout_s: float) -> ExecutionRecord:
        """Also of EXPRESS executions, which only this may ask for."""
        host = self._host
        id = self._id(arn)
        if id is None or id not in host.residence.all:
            row = await self._any_row(arn)
            id = row.id
        # Who waits is told of every end from here on; an end before shows in the row.
        ended: asyncio.Future[ExecutionRecord | None] = asyncio.get_running_loop().create_future()
        host.listeners.ended.setdefault(id, []).append(ended)
        try:
            if id not in host.residence.all:
                row = await self._any_row(arn)
                if row.status != "RUNNING":
                    return await self.stored(row)
            await asyncio.wait({ended}, timeout=timeout_s)
        finally:
            waiting = host.listeners.ended.get(id)
            if waiting is not None:
                waiting.remove(ended)
                if not waiting:
                    del host.listeners.ended[id]
        record = ended.result() if ended.done() else None
        if record is not None:
            return record
        resident = host.residence.all.get(id)
        return await self.stored(await self._any_row(arn)) if resident is None else self._alive(resident)

    async def list(
        self, machine: str | None, status: str | None, limit: int, token: str | None, redriven: bool | None = None
    ) -> Page[ExecutionRecord]:
        host = self._host
        published: int | None = None
        alias: str | None = None
        if machine is not None:
            named = machine
            target = await host.threads.call(lambda: find_target(host.catalog, named, even_deleting=True))
            if target.version.kind == "EXPRESS":
                raise NotSupported(_UNSUPPORTED)
            machine, alias = target.version.name, target.alias
            published = None if alias else target.published
        wanted = Wanted(machine=machine, status=status, published=published, alias=alias, redriven=redriven)
        question: list[object] = ["executions", machine, status, published, alias, redriven]
        return await self._listed(wanted, question, limit, token)

    async def children(
        self, map_run: str, status: str | None, limit: int, token: str | None, redriven: bool | None = None
    ) -> Page[ExecutionRecord]:
        """The STANDARD children of a Map Run, which is there."""
        parsed = arns.parse(map_run, "mapRun")
        names = children_of(parsed.name)
        wanted = Wanted(machine=parsed.machine, names=names, status=status, redriven=redriven)
        return await self._listed(wanted, ["children", map_run, status, redriven], limit, token)

    async def _listed(self, wanted: Wanted, question: Question, limit: int, token: str | None) -> Page[ExecutionRecord]:
        host = self._host
        if wanted.status is not None and wanted.status not in _STATUSES:
            raise InvalidRequest(f"statusFilter must be one of {', '.join(_STATUSES)}", field="statusFilter")
        before = tokens.place_of_number(token, question)
        rows: Sequence[ExecutionRow] = await host.threads.call(lambda: host.store.list(wanted, before, limit + 1))
        items = [self.record(row) for row in rows[:limit]]
        return Page(items, tokens.give(question, rows[limit - 1].id) if len(rows) > limit else None)

    def _standard(self, arn: str) -> int | None:
        """The id of a STANDARD execution in memory. Raises InvalidArn, NotSupported."""
        if arns.parse(arn, "execution", "express").kind == "express":
            raise NotSupported(_UNSUPPORTED)
        return self._id(arn)

    def _id(self, arn: str) -> int | None:
        parsed = arns.parse(arn, "execution", "express")
        return (
            execution_of(parsed.run)
            if parsed.kind == "express"
            else self._host.residence.names.get((parsed.machine, parsed.name))
        )

    async def _any_row(self, arn: str) -> ExecutionRow:
        host, parsed, id = self._host, arns.parse(arn, "execution", "express"), self._id(arn)
        if parsed.kind == "express":
            row = await host.threads.look_up(lambda: None if id is None else host.store.get(id))
        else:
            row = await host.threads.look_up(lambda: host.store.find(parsed.machine, parsed.name))
        if row is None:
            raise NotFound(f"Execution Does Not Exist: '{parsed.text}'", code="ExecutionDoesNotExist")
        return row

    async def stored(self, row: ExecutionRow) -> ExecutionRecord:
        """With its input."""
        started = await self._host.threads.look_up(lambda: self._host.store.started(row.id))
        return replace(self.record(row), input=None if started is None else started.data.decode())

    def _alive(self, resident: Resident) -> ExecutionRecord:
        return replace(resident.record(self._host.partition), paused=self._host.gate.is_shut(resident))

    def _is_paused(self, row: ExecutionRow) -> bool:
        host = self._host
        if row.status != "RUNNING" or not host.gate.current():
            return False
        return host.gate.paused(row.machine, host.catalog.version(row.version).group) is not None

    def record(self, row: ExecutionRow) -> ExecutionRecord:
        """Without its input."""
        partition = self._host.partition
        return ExecutionRecord(
            arn=partition.execution(row.machine, row.name)
            if row.kind == "STANDARD"
            else partition.express(row.machine, row.name, express_run(row.id)),
            id=row.id,
            machine=row.machine,
            machine_arn=partition.state_machine(row.machine),
            name=row.name,
            kind=row.kind,
            version=row.version,
            status=row.status,
            started_at=row.started_at,
            published=row.published,
            alias=row.alias,
            redrives=row.redrives,
            redriven_at=row.redriven_at,
            stopped_at=row.stopped_at,
            output=None if row.output is None else row.output.decode(),
            error=row.error,
            cause=row.cause,
            paused=self._is_paused(row),
            diverged=self._host.residence.broken.get(row.id),
            map_run_arn=map_run_arn(partition, row.machine, row.name),
        )
