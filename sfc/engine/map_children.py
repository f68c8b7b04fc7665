"""The children of one Map Run: how they are started, and how their ends come back.

EXPRESS children run in memory and are begun again after a crash, unless their end is in the journal already. STANDARD
children are executions of their own under a name that tells run and number, so that after a crash they are found.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

from sfc.asl.expression import Failure
from sfc.asl.model import StateMachine
from sfc.catalog.version import Version
from sfc.engine.committer import NameTaken
from sfc.engine.host import Host
from sfc.engine.mocked import CaseCalls
from sfc.engine.records import ExecutionRecord
from sfc.engine.resident import Resident, execution_info
from sfc.errors import SfcError
from sfc.interpreter import Run
from sfc.interpreter.children import ChildEnd, ChildStatus
from sfc.interpreter.entries import Started
from sfc.items import results
from sfc.items.batches import ChildInput
from sfc.store.journal import WORKING, ExecutionRow, NewExecution

Redrive: TypeAlias = Callable[[ExecutionRow], Awaitable[bool]]
"""Has an execution go on that did not succeed; False when that cannot be."""
Future: TypeAlias = "asyncio.Future[ExecutionRecord | None]"
_ENDED: Final = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class MapChildren:
    """Those of one Map Run that run."""

    def __init__(
        self,
        host: Host,
        new_id: Callable[[], int],
        version: Version,
        run: results.Run,
        seed: int,
        tasks: int,
        keep_inputs: bool,
        ended: Callable[[ChildEnd], None],
        test_case: str | None = None,
        redrive: "Redrive | None" = None,
        redriven_at: int = 0,
    ) -> None:
        """`ended` is told each end, once; the input of a child that succeeded goes with it only if `keep_inputs`.
        `test_case` is that of the parent, and theirs. `redrive` has a STANDARD child go on that did not succeed before
        `redriven_at`.
        """
        self._host = host
        self._new_id = new_id
        self._version = version
        self._run = run
        self._seed = seed
        self._tasks = tasks
        self._keep_inputs = keep_inputs
        self._tell = ended
        self._test_case = test_case
        self._redrive = redrive
        self._redriven_at = redriven_at
        self._running: dict[int, tuple[ChildInput, Resident]] = {}
        self._closed = False
        self._machine: StateMachine | None = None
        """What they run; bound when the first one starts."""

    def __len__(self) -> int:
        return len(self._running)

    @property
    def items(self) -> int:
        """How many items they have."""
        return sum(child.items for child, _resident in self._running.values())

    def start(self, child: ChildInput) -> None:
        name = self._run.child_name(child.number)
        known = self._host.residence.names.get((self._run.machine, name))
        if known is not None:
            self._adopt(child, self._host.residence.all[known])
            return
        host, kind = self._host, self._run.kind
        now = host.clock()
        id = self._new_id()
        info = execution_info(host.partition, self._version, self._run.machine, name, kind, id, host.secret)
        info = replace(info, arn=self._run.child_arn(child.number))
        if self._machine is None:
            self._machine = host.catalog.bindings.machine(self._version, self._run.machine, self._tasks)
        resident = Resident(
            id, self._run.machine, name, self._version.id, kind, now, child.input, Run(self._machine, info)
        )
        resident.group = self._version.group
        resident.case = None if self._test_case is None else CaseCalls(self._test_case)
        self._running[child.number] = child, resident
        seed = (self._seed + (child.number << 20)) % (1 << 64) - (1 << 63)
        started = Started(at=now, input=child.input, seed=seed, tasks=self._tasks)
        if kind == "EXPRESS":
            resident.sync = partial(self._express_ended, child, resident)
            host.residence.enter(resident)
            host.apply(resident, started)
            return
        new = NewExecution(id, self._run.machine, name, self._version.id, kind, now, WORKING)
        ended = self._await_end(child, resident)
        kept = None if resident.case is None else host.residence.keep_case(resident)
        host.apply(resident, started, partial(self._standard_begun, child, ended), new, kept)

    def abort(self) -> list[int]:
        """Tell that all that run are ABORTED; gives the STANDARD ones, which are still to be stopped."""
        now = self._host.clock()
        running = list(self._running.values())
        for child, resident in running:
            if resident.kind == "EXPRESS":
                self._host.abandon(resident)
            self._ended(child, resident, "ABORTED", now, None, None)
        return [resident.id for _child, resident in running if resident.kind == "STANDARD"]

    def close(self) -> list[int]:
        """Tell nothing more; gives the STANDARD ones that still run."""
        self._closed = True
        running = [resident for _child, resident in self._running.values()]
        for resident in running:
            if resident.kind == "EXPRESS":
                self._host.abandon(resident)
        self._running.clear()
        return [resident.id for resident in running if resident.kind == "STANDARD"]

    def _express_ended(self, child: ChildInput, resident: Resident, run: Run | None) -> None:
        self._host.residence.broken.pop(resident.id, None)
        if run is None:
            failure = Failure("States.Runtime", "The child execution stopped at a bug of SFC; see the log.")
            self._ended(child, resident, "FAILED", self._host.clock(), None, failure)
        else:
            assert run.status != "RUNNING"
            self._ended(child, resident, run.status, run.now, run.output, run.failure)

    def _adopt(self, child: ChildInput, resident: Resident) -> None:
        """A STANDARD child that an earlier life of this run has started."""
        self._running[child.number] = child, resident
        _ended = self._await_end(child, resident)

    def _await_end(self, child: ChildInput, resident: Resident) -> Future:
        ended: Future = asyncio.get_running_loop().create_future()
        self._host.listeners.ended.setdefault(resident.id, []).append(ended)
        ended.add_done_callback(partial(self._standard_ended, child, resident))
        return ended

    def _standard_begun(self, child: ChildInput, ended: Future, error: SfcError | None) -> None:
        if error is None or self._closed:
            return
        _child, resident = self._running[child.number]
        self._host.listeners.ended.pop(resident.id, None)
        ended.cancel()
        if isinstance(error, NameTaken):
            self._host.errands.begin(self._find(child))
        else:
            self._running.pop(child.number, None)
            self._host.errands.begin(self._start_later(child))

    async def _find(self, child: ChildInput) -> None:
        """The child is in the store, perhaps ended."""
        host, name = self._host, self._run.child_name(child.number)
        row = await host.errands.read(lambda: host.store.find(self._run.machine, name))
        if self._closed:
            return
        _child, resident = self._running[child.number]
        if row is None:
            self._running.pop(child.number, None)
            await self._start_later(child)
        elif row.stopped_at is None:
            resident.id = row.id
            self._adopt(child, resident)
        elif not await self._goes_on(child, resident, row):
            status: ChildStatus = row.status if row.status in _ENDED else "FAILED"  # type: ignore[assignment]
            self._ended(child, resident, status, row.stopped_at, row.output, Failure(row.error, row.cause))

    async def _goes_on(self, child: ChildInput, resident: Resident, row: ExecutionRow) -> bool:
        """Whether a child that had ended was made to go on."""
        if self._redrive is None or row.status == "SUCCEEDED" or (row.redriven_at or 0) >= self._redriven_at:
            return False
        resident.id = row.id
        ended = self._await_end(child, resident)  # first, because it may end before this goes on
        if await self._redrive(row):
            return True
        self._host.listeners.ended.pop(resident.id, None)
        ended.cancel()
        return False

    async def _start_later(self, child: ChildInput) -> None:
        await asyncio.sleep(self._host.settings.retry_first_s)
        if not self._closed:
            self.start(child)

    def _standard_ended(self, child: ChildInput, resident: Resident, ended: Future) -> None:
        record = None if ended.cancelled() else ended.result()
        if record is not None and not self._closed:
            output = None if record.output is None else record.output.encode()
            failure = Failure(record.error, record.cause)
            status: ChildStatus = record.status  # type: ignore[assignment]
            self._ended(child, resident, status, record.stopped_at or 0, output, failure)

    def _ended(
        self, child: ChildInput, resident: Resident, status: ChildStatus, at: int, output: bytes | None,
        failure: Failure | None,
    ) -> None:  # fmt: skip
        if self._closed or self._running.pop(child.number, None) is None:
            return
        error, cause = (failure.error, failure.cause) if failure is not None and status != "SUCCEEDED" else (None, None)
        shown = child.input if output is None or self._keep_inputs else None
        self._tell(ChildEnd(child.number, child.items, status, resident.started_at, at, output, error, cause, shown))
