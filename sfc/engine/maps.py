"""The Map Runs that this engine carries out, one `MapRunCarrier` each.

A carrier lives as long as its execution is in memory and its Map Run goes on. It may go at any time: what it knows
beyond the execution's journal is what has to be done again.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sfc.asl.expression import Failure
from sfc.engine.carrier import MapRunCarrier
from sfc.engine.host import Host
from sfc.engine.redrives import Redrives
from sfc.engine.resident import Resident
from sfc.engine.run_id import map_run_of, parent_of
from sfc.engine.stops import Stops
from sfc.errors import SfcError
from sfc.interpreter.commands import CloseMapRun, MapRunCommand, StartMapRun, WriteResults
from sfc.items.storage import Storage
from sfc.store.ids import shard_of
from sfc.store.journal import ExecutionRow

log = logging.getLogger(__name__)
_THREADS = 4
"""Reading a source or writing results blocks one; other Map Runs go on beside it."""


class Maps:
    """Implements `sfc.engine.own_tasks.MapRuns`."""

    def __init__(
        self, host: Host, stops: Stops, redrives: Redrives, storage: Storage, new_id: Callable[[int], int]
    ) -> None:
        """`new_id` gives an execution id in a shard."""
        self._host = host
        self._stops = stops
        self._redrives = redrives
        self._storage = storage
        self._new_id = new_id
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sfc-map")
        self._carriers: dict[int, dict[int, MapRunCarrier]] = {}
        """By execution and task."""

    def carry_out(self, resident: Resident, command: MapRunCommand) -> None:
        match command:
            case StartMapRun():
                self._begin(resident, command.task)
            case WriteResults():
                self._carriers[resident.id][command.task].write()
            case CloseMapRun():
                carriers = self._carriers.get(resident.id, {})
                carrier = carriers.pop(command.task, None)
                if carrier is not None:
                    self._stop_all(carrier.close())

    def resume(self, resident: Resident) -> None:
        """The execution came back to memory."""
        for task, map_run in resident.run.map_runs.items():
            carrier = self._begin(resident, task)
            if map_run.results_written or map_run.failure is not None:
                carrier.write()
        if "/" in resident.machine:
            self._host.errands.begin(self._stop_orphan(resident))

    def leave(self, resident: Resident) -> None:
        """The execution is no longer here; nothing of it may be told any more."""
        for carrier in self._carriers.pop(resident.id, {}).values():
            carrier.close()

    def wake(self, resident: Resident, task: int) -> None:
        """The limits of a Map Run have changed."""
        carrier = self._carriers.get(resident.id, {}).get(task)
        if carrier is not None:
            carrier.wake()

    def working(self, resident: Resident, task: int) -> tuple[int, int]:
        """How many children of a Map Run are running, and with how many items."""
        carrier = self._carriers.get(resident.id, {}).get(task)
        return (0, 0) if carrier is None else (len(carrier.children), carrier.children.items)

    def close(self) -> None:
        for carriers in self._carriers.values():
            for carrier in carriers.values():
                carrier.close()
        self._carriers.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self, resident: Resident, task: int) -> MapRunCarrier:
        carriers = self._carriers.setdefault(resident.id, {})
        assert task not in carriers or carriers[task].closed, "one carrier for each Map Run"
        map_run = resident.run.map_runs[task]
        carrier = carriers[task] = MapRunCarrier(
            self._host, self._storage, self._threads, self._new_id, self._stop_all, self._redrives.redrive_child,
            resident, task, map_run,
        )  # fmt: skip
        if not (map_run.results_written or map_run.failure is not None):
            carrier.begin()
        return carrier

    def _stop_all(self, children: Sequence[int]) -> None:
        if children:
            self._host.errands.begin(self._stop_children(children))

    async def _stop_children(self, children: Sequence[int]) -> None:
        """End STANDARD children as ABORTED. What cannot be stopped now is found again as an orphan."""
        for id in children:
            row = await self._host.threads.look_up(lambda id=id: self._host.store.get(id))  # type: ignore[misc]
            if row is not None and row.stopped_at is None:
                await self._stop(row)

    async def _stop(self, row: ExecutionRow) -> None:
        try:
            await self._stops.stop(row, Failure(None))
        except SfcError as error:
            log.warning("the child execution %s could not be stopped: %s", row.name, error)

    async def _stop_orphan(self, child: Resident) -> None:
        """Stop a child whose Map Run was over when it came back: whoever ended the run died before it could do that."""
        host, parent = self._host, parent_of(child.name)
        if parent is None:
            return
        row = await host.threads.look_up(lambda: host.store.get(parent))
        if row is not None and row.status == "RUNNING":
            resident = await host.residence.load(parent, shard_of(parent))
            uuid = map_run_of(child.name)
            if resident is None or any(each.uuid == uuid for each in resident.run.map_runs.values()):
                return
        found = await host.threads.look_up(lambda: host.store.get(child.id))
        if found is not None and found.stopped_at is None:
            await self._stop(found)
