"""Carries out one Map Run: reads items, starts children, tells their ends to the execution, writes the results.

reader (in a thread) ─► ItemsRead ─► children, as many at once as may be ─► ItemsFinished, many ends in one entry
                                                                       └──► WriteResults ─► ResultsWritten
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import count
from typing import TypeVar

import orjson

from sfc.asl.expression import Failure, FlowError
from sfc.engine.host import Host
from sfc.engine.map_children import MapChildren, Redrive
from sfc.engine.map_ends import stored_ends
from sfc.engine.resident import Resident
from sfc.errors import SfcError
from sfc.interpreter.children import ChildEnd, encode_ends
from sfc.interpreter.entries import ItemsFinished, ItemsRead, MapRunFailed, ResultsWritten
from sfc.interpreter.map_run import MapRun
from sfc.interpreter.map_specs import ReaderSpec
from sfc.interpreter.states import map_run as state
from sfc.items import results
from sfc.items.batches import ChildInput, child_inputs
from sfc.items.item import Item
from sfc.items.reader import open_items
from sfc.items.storage import Storage
from sfc.jsonvalue import Json
from sfc.limits import DISTRIBUTED_MAP_CONCURRENCY, MAP_RUN_ENTRY_BYTES

log = logging.getLogger(__name__)
T = TypeVar("T")
_PAGE_CHILDREN = 500
_PAGE_BYTES = 4 << 20
_GATHER_S = 0.02
"""How long ends gather before they are written, unless nothing runs any more or an entry is full."""
_GATHER_ENDS = 500
_TURN = 50
"""Children that are started before others have their turn on the loop."""


class MapRunCarrier:
    def __init__(
        self,
        host: Host,
        storage: Storage,
        threads: Executor,
        new_id: Callable[[int], int],
        stop: Callable[[Sequence[int]], None],
        redrive: Redrive,
        parent: Resident,
        task: int,
        map_run: MapRun,
    ) -> None:
        """`stop` ends STANDARD children, `redrive` has one go on that had ended."""
        self._host = host
        self._storage = storage
        self._threads = threads
        self._stop = stop
        self._parent = parent
        self._task = task
        self._attempt = parent.run.expected[task].attempt
        self._map_run = map_run
        apart = map_run.state.distributed
        assert apart is not None
        version = host.catalog.version(parent.version)
        self._run = results.Run(
            arn=map_run.arn,
            uuid=map_run.uuid,
            machine=f"{version.name}/{apart.label}",
            kind=apart.kind,
            partition=host.partition,
            state=map_run.state.name,
        )
        self.children = MapChildren(
            host,
            partial(new_id, parent.shard),
            version,
            self._run,
            map_run.seed,
            parent.run.tasks,
            map_run.spec.writer.shows_inputs,
            self._ended,
            None if parent.case is None else parent.case.name,
            redrive if map_run.redrives else None,
            map_run.redriven_at,
        )
        self.closed = False
        self._waiting: list[ChildInput] = []
        """Read, not started."""
        self._freed = asyncio.Event()
        self._ends: list[ChildEnd] = []
        self._size = 0
        self._telling = False
        self._alarm: asyncio.TimerHandle | None = None
        self._told = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    # The host's side

    def begin(self) -> None:
        self._work = asyncio.get_running_loop().create_task(self._guarded(self._read_and_start))

    def write(self) -> None:
        """Its children have ended, or it has failed."""
        self._cease()
        self._work = asyncio.get_running_loop().create_task(self._guarded(self._write))

    def wake(self) -> None:
        """More children may run now."""
        self._freed.set()

    def close(self) -> list[int]:
        """Do nothing more; gives the STANDARD children that still run."""
        self.closed = True
        self._cease()
        if self._alarm is not None:
            self._alarm.cancel()
        return self.children.close()

    def _cease(self) -> None:
        if self._work is not None:
            self._work.cancel()

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except FlowError as error:
                self._tell(MapRunFailed(at=self._now(), **self._key, failure=error.failure))
            except SfcError as error:
                log.warning("the Map Run %s waits for the store: %s", self._map_run.arn, error)
                await asyncio.sleep(self._host.settings.retry_most_s)
                continue
            except Exception:
                log.exception("the Map Run %s stopped at a bug of SFC", self._map_run.arn)
                failure = Failure("States.Runtime", "The Map Run stopped at a bug of SFC; see the log.")
                self._tell(MapRunFailed(at=self._now(), **self._key, failure=failure))
            return

    # Reading and starting

    async def _read_and_start(self) -> None:
        run = self._map_run
        begun = run.resume
        reader = self._child_inputs()
        children, items = begun.children, begun.items
        turns = count(1)
        while True:
            page, last = await self._in_thread(partial(_page, reader))
            children += len(page)
            items += sum(child.items for child in page)
            if children > run.read.children or (last and not run.read_all):
                place = page[-1].place if page else run.read.place
                told = ItemsRead(
                    at=self._now(), **self._key, children=children, items=items, place=orjson.dumps(place), last=last
                )
                self._tell(told)
            self._waiting = [child for child in page if not run.has_ended(child.number)][::-1]
            while self._waiting:
                await self._room()
                self.children.start(self._waiting.pop())
                if next(turns) % _TURN == 0:
                    await asyncio.sleep(0)
            if last:
                return

    def _child_inputs(self) -> Iterator[ChildInput]:
        """From where the run stands. Used in a thread: what it reads of the execution does not change meanwhile."""
        run, spec = self._map_run, self._map_run.spec
        begun = run.resume
        if isinstance(spec.source, ReaderSpec):
            found: Iterator[Item] = open_items(self._storage, spec.source, begun.place, begun.items)
        else:
            found = _given(spec.source, begun.items)
        token = self._parent.run.expected[self._task]

        def selected() -> Iterator[tuple[Json, Json]]:
            for index, item in enumerate(found, begun.items):
                shown = {"Value": item.value, "Source": item.source}
                if item.key is not None:
                    shown = {"Key": item.key, **shown}
                yield state.select(self._parent.run, token, run, index, shown), item.place

        return child_inputs(selected(), spec.batcher, begun.children)

    async def _room(self) -> None:
        """Returns when one more child may run."""
        while self._is_full() or self._host.gate.is_shut(self._parent):
            self._freed.clear()
            await self._freed.wait()

    def _is_full(self) -> bool:
        return len(self.children) >= (self._map_run.limits.max_concurrency or DISTRIBUTED_MAP_CONCURRENCY)

    # What the execution is told

    def _ended(self, end: ChildEnd) -> None:
        self._freed.set()
        self._ends.append(end)
        self._size += len(end.output or b"") + len(end.input or b"") + len(end.cause or "") + 64
        full = len(self._ends) >= _GATHER_ENDS or self._size >= MAP_RUN_ENTRY_BYTES
        if self._telling:
            return
        if full or (not self.children and not self._waiting):
            self._tell_ends()
        elif self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(_GATHER_S, self._tell_ends)

    def _tell_ends(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self.closed or self._telling or not self._ends:
            return
        size = taken = 0
        while taken < len(self._ends) and taken < _GATHER_ENDS and (size < MAP_RUN_ENTRY_BYTES or not taken):
            end = self._ends[taken]
            size += len(end.output or b"") + len(end.input or b"") + len(end.cause or "") + 64
            taken += 1
        ends, self._ends = self._ends[:taken], self._ends[taken:]
        self._size -= size
        self._telling = True
        self._tell(ItemsFinished(at=self._now(), **self._key, ends=encode_ends(ends)), self._told_ends)

    def _told_ends(self, error: SfcError | None) -> None:
        self._telling = False
        if error is None:
            self._tell_ends()
        if not self._telling:
            self._told.set()

    def _tell(
        self,
        entry: ItemsRead | ItemsFinished | ResultsWritten | MapRunFailed,
        answer: Callable[[SfcError | None], None] | None = None,
    ) -> None:
        if not self.closed:
            self._host.apply(self._parent, entry, answer)

    # Results

    async def _write(self) -> None:
        pending: list[ChildInput] = []
        if self._map_run.failure is not None:
            pending = self._waiting
            await self._abort_children()
        run, writer = self._run, self._map_run.spec.writer
        ends = self._all_ends(pending)
        if writer.arguments is None:
            output = await self._in_thread(lambda: results.state_output(run, writer, ends))
        else:
            output = await self._in_thread(lambda: results.export(self._storage, run, writer, ends))
        self._tell(ResultsWritten(at=self._now(), **self._key, output=output))

    async def _abort_children(self) -> None:
        """Stop what runs, and have that written: results tell of every child."""
        self._stop(self.children.abort())
        while self._ends or self._telling:
            self._told.clear()
            self._tell_ends()
            await self._told.wait()

    def _all_ends(self, pending: Sequence[ChildInput]) -> Iterator[ChildEnd]:
        """The ends in the journal; then the children that were not started."""
        yield from stored_ends(self._host.store, self._parent.id, self._map_run)
        for child in reversed(pending):
            yield ChildEnd(child.number, child.items, "PENDING", input=child.input)

    @property
    def _key(self) -> dict[str, int]:
        return {"task": self._task, "attempt": self._attempt}

    def _now(self) -> int:
        return max(self._host.clock(), self._parent.run.now)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _page(reader: Iterator[ChildInput]) -> tuple[list[ChildInput], bool]:
    """Some children's inputs, and whether there are no more."""
    page: list[ChildInput] = []
    size = 0
    for child in reader:
        page.append(child)
        size += len(child.input)
        if len(page) == _PAGE_CHILDREN or size >= _PAGE_BYTES:
            return page, False
    return page, True


def _given(source: Sequence[Json] | dict[str, Json], seen: int) -> Iterator[Item]:
    """Items that came in the state's input, from the `seen`-th on."""
    if isinstance(source, dict):
        for index, (key, value) in enumerate(list(source.items())[seen:], seen):
            yield Item(value, index + 1, key=key)
    else:
        for index in range(seen, len(source)):
            yield Item(source[index], index + 1)
