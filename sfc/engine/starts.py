"""How executions begin: checks, names, the first step."""

import asyncio
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from typing import NamedTuple

from sfc import arn as arns
from sfc import jsonvalue
from sfc.engine.committer import NameTaken
from sfc.engine.host import Host
from sfc.engine.mocked import CaseCalls
from sfc.engine.records import ExecutionRecord
from sfc.engine.resident import Resident, execution_info
from sfc.engine.run_id import express_run
from sfc.engine.target import Target, find_target
from sfc.errors import Conflict, InvalidInput, NotSupported, Overloaded, SfcError, Unavailable
from sfc.interpreter import Run
from sfc.interpreter.entries import Started
from sfc.limits import PAYLOAD_BYTES
from sfc.store.ids import Ids
from sfc.store.journal import WORKING, Child, Kept, Lease, NewExecution, Waiting


class StartRequest(NamedTuple):
    machine: str
    """Name, or ARN of the machine, of a release or of an alias."""
    input: str = "{}"
    name: str | None = None
    parent: Waiting | None = None
    """The task that is told of its end."""


class Starts:
    def __init__(self, host: Host, admit: Callable[[str], None] | None = None) -> None:
        """`admit` raises Overloaded for a state machine of which no more should be started from outside."""
        self._host = host
        self._admit = admit or _everybody
        self._ids: dict[int, Ids] = {}
        self._turn = cycle([0])
        # Asking the system for each seed costs a tenth of the loop's time: the call lets other threads have the
        # interpreter. Seeds need to differ, not to be secret.
        self._seeds = random.Random(os.urandom(32))

    def own(self, leases: Sequence[Lease]) -> None:
        """New executions go to these shards in turn."""
        self._ids = {lease.shard: Ids(lease.shard, lease.last_id) for lease in leases}
        self._turn = cycle(list(self._ids))

    def new_id(self, shard: int) -> int:
        return self._ids[shard].next(self._host.clock())

    async def start(self, request: StartRequest) -> ExecutionRecord:
        (result,) = await self.start_many([request])
        if isinstance(result, SfcError):
            raise result
        return result

    async def start_many(self, requests: Sequence[StartRequest]) -> list[ExecutionRecord | SfcError]:
        """Start all in one commit; each has its record or its error at its place."""
        results: list[ExecutionRecord | SfcError | None] = [None] * len(requests)
        decided: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        open_ones = len(requests)

        def settle(index: int, result: ExecutionRecord | SfcError) -> None:
            nonlocal open_ones
            results[index] = result
            open_ones -= 1
            if open_ones == 0 and not decided.done():
                decided.set_result(None)

        for index, request in enumerate(requests):
            self.begin(request, lambda result, index=index: settle(index, result))  # type: ignore[misc]
        if requests:
            await decided
        return [
            await self.namesake(requests[index]) if isinstance(result, NameTaken) else result
            for index, result in enumerate(results)
            if result is not None
        ]

    async def start_sync(self, request: StartRequest) -> ExecutionRecord:
        """Run an EXPRESS execution to its end in memory. Nothing is written: a crash ends it without a trace."""
        host = self._host
        target = find_target(host.catalog, request.machine)
        if target.version.kind != "EXPRESS":
            raise NotSupported("This operation is not supported by this type of state machine")
        self._check(target)
        resident, started = self._resident(target, request.name, _checked_input(request.input))
        run = await self._to_its_end(resident, started)
        return _finished(run, resident.record(host.partition))

    def check(self, machine: str) -> None:
        """Raises what a start from outside would be refused for now: NotFound, BlueprintPaused, Overloaded."""
        self._check(find_target(self._host.catalog, machine))

    def _check(self, target: Target) -> None:
        self._host.gate.check(target.version)
        self._admit(target.version.name)

    async def run_alone(self, run: Run, started: Started) -> None:
        """Run something that is of no state machine to its end in memory, like `start_sync`. Raises Overloaded."""
        info = run.info
        resident = Resident(
            self._next_id(started.at), info.machine_name, info.name, 0, "EXPRESS", started.at, started.input, run
        )
        await self._to_its_end(resident, started)

    async def _to_its_end(self, resident: Resident, started: Started) -> Run:
        host = self._host
        ended: asyncio.Future[Run | None] = asyncio.get_running_loop().create_future()
        resident.sync = lambda run: None if ended.done() else ended.set_result(run)
        host.residence.enter(resident)
        host.apply(resident, started)
        try:
            run = await ended
        finally:
            host.abandon(resident)
            host.residence.broken.pop(resident.id, None)
        if run is None:
            raise SfcError("the execution stopped at a bug of SFC; see the log")
        return run

    def _next_id(self, now: int, shard: int | None = None) -> int:
        """Raises Overloaded, Unavailable."""
        host = self._host
        if not self._ids:
            raise Unavailable("this engine owns no part of the store")
        if len(host.residence.all) >= host.settings.max_resident:
            raise Overloaded(f"{len(host.residence.all)} executions are at work already")
        return self._ids[next(self._turn) if shard is None else shard].next(now)

    def begin(self, request: StartRequest, settle: Callable[[ExecutionRecord | SfcError], None]) -> None:
        """Start the execution; `settle` is told what became of it. NameTaken: `namesake` has the answer."""
        partition = self._host.partition

        def record(result: Resident | SfcError) -> None:
            settle(result if isinstance(result, SfcError) else result.record(partition))

        self.launch(request, record)

    def launch(
        self,
        request: StartRequest,
        settle: Callable[[Resident | SfcError], None],
        *,
        shard: int | None = None,
        checked: bytes | None = None,
    ) -> None:
        """Start the execution, in the shard if one is given. Errors that are known at once are told before this
        returns, all else after the commit. `checked`: the input, known to be good, in the place of the request's.
        """
        host = self._host
        try:
            target = find_target(host.catalog, request.machine)
            version = target.version
            host.gate.check(version, from_topic=checked is not None)
            if request.parent is None:
                self._admit(version.name)
            input = _checked_input(request.input) if checked is None else checked
            resident, started = self._resident(target, request.name, input, shard)
        except SfcError as error:
            settle(error)
            return
        known = (
            host.residence.names.get((version.name, resident.name))
            if request.name and version.kind == "STANDARD"
            else None
        )
        if known is not None:
            settle(NameTaken("the name is taken"))
            return
        new = NewExecution(
            resident.id, version.name, resident.name, version.id, version.kind, resident.started_at, WORKING,
            resident.published, resident.alias,
        )  # fmt: skip

        def answer(error: SfcError | None) -> None:
            settle(resident if error is None else error)

        kept = None
        if request.parent is not None:
            resident.parents.append(request.parent)
            kept = Kept(children=[Child(resident.id, request.parent)])
        if resident.case is not None:
            kept = kept or Kept()
            kept.add(host.residence.keep_case(resident))
        if not host.apply(resident, started, answer, new, kept):
            host.residence.broken.pop(resident.id, None)
            settle(SfcError("the execution could not begin because of a bug of SFC; see the log"))

    def _resident(
        self, target: Target, given: str | None, input: bytes, shard: int | None = None
    ) -> tuple[Resident, Started]:
        """An execution that has not begun, and its first entry. Raises InvalidName, Overloaded, Unavailable."""
        host, version = self._host, target.version
        if given is not None:
            arns.check_name(given)
        now = host.clock()
        id = self._next_id(now, shard)
        name = given or express_run(id)
        info = execution_info(
            host.partition, version, version.name, name, version.kind, id, host.secret, target.published, target.alias
        )
        tasks = host.catalog.tasks.last()
        machine = host.catalog.bindings.machine(version, version.name, tasks)
        resident = Resident(id, version.name, name, version.id, version.kind, now, input, Run(machine, info))
        resident.published, resident.alias, resident.group = target.published, target.alias, version.group
        if target.test_case is not None:
            host.mocked.check(version.name, target.test_case)
            resident.case = CaseCalls(target.test_case)
        seed = self._seeds.getrandbits(64) - (1 << 63)
        return resident, Started(at=now, input=input, seed=seed, tasks=tasks)

    async def namesake(self, request: StartRequest) -> ExecutionRecord | SfcError:
        """What a start answers whose name another execution has."""
        host = self._host
        version = find_target(host.catalog, request.machine).version
        name = request.name or ""
        known = host.residence.names.get((version.name, name))
        if known is not None:
            return self._same(host.residence.all[known], request)
        try:
            row = await host.threads.look_up(lambda: host.store.find(version.name, name))
            started = None if row is None else await host.threads.look_up(lambda: host.store.started(row.id))
        except Unavailable as error:
            return error
        if row is None or started is None or row.status != "RUNNING" or started.data != request.input.encode():
            return self._conflict(version.name, name)
        return ExecutionRecord(
            arn=host.partition.execution(row.machine, row.name),
            id=row.id,
            machine=row.machine,
            machine_arn=host.partition.state_machine(row.machine),
            name=row.name,
            kind=row.kind,
            version=row.version,
            status=row.status,
            started_at=row.started_at,
            input=request.input,
        )

    def _same(self, resident: Resident, request: StartRequest) -> ExecutionRecord | SfcError:
        if resident.input == request.input.encode():
            return resident.record(self._host.partition)
        return self._conflict(resident.machine, resident.name)

    def _conflict(self, machine: str, name: str) -> Conflict:
        arn = self._host.partition.execution(machine, name)
        return Conflict(f"Execution Already Exists: '{arn}'", code="ExecutionAlreadyExists")


def _everybody(_machine: str) -> None:
    """No start is refused."""


def _checked_input(text: str) -> bytes:
    """The input as UTF-8 JSON. Raises InvalidInput."""
    if not text.strip():
        raise InvalidInput("Invalid State Machine Execution Input: 'Invalid execution input.'", field="input")
    try:
        data = text.encode()
        if len(data) > PAYLOAD_BYTES:
            raise InvalidInput(
                f"Invalid State Machine Execution Input: 'Input of {len(data)} bytes exceeds the maximum of"
                f" {PAYLOAD_BYTES} bytes.'",
                field="input",
            )
        jsonvalue.loads(data)
    except (jsonvalue.NotJson, UnicodeEncodeError) as error:
        raise InvalidInput(f"Invalid State Machine Execution Input: '{error}'", field="input") from None
    return data


def _finished(run: Run, record: ExecutionRecord) -> ExecutionRecord:
    """The record of an execution that ended in memory."""
    failure = run.failure
    return replace(
        record,
        status=run.status,
        stopped_at=run.now,
        output=None if run.output is None else run.output.decode(),
        error=None if failure is None else failure.error,
        cause=None if failure is None else failure.cause,
    )
