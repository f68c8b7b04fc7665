"""Histories: computed from the journal when somebody asks, never stored."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

from sfc.engine import tokens
from sfc.engine.host import Host
from sfc.engine.listeners import Committed
from sfc.engine.records import HistoryEvent, Page
from sfc.engine.resident import info_of, pinned, replay
from sfc.engine.stored_journal import StoredJournal
from sfc.interpreter import Run, step
from sfc.store.journal import ExecutionRow

_CACHED: Final = 8
_DATA: Final = frozenset({"input", "output", "parameters", "assignedVariables"})


class Histories:
    """Pages and live streams of history events of STANDARD executions."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._computed: OrderedDict[tuple[int, int], list[HistoryEvent]] = OrderedDict()

    async def page(
        self, row: ExecutionRow, *, reverse: bool, limit: int, token: str | None, include_data: bool
    ) -> Page[HistoryEvent]:
        question: list[object] = ["history", row.id, reverse]
        begin = tokens.place_of_number(token, question) or 0
        events = await self._host.threads.call(lambda: self._events(row))
        if reverse:
            events = events[::-1]
        items = events[begin : begin + limit]
        if not include_data:
            items = [_without_data(event) for event in items]
        end = begin + limit
        return Page(items, tokens.give(question, end) if end < len(events) else None)

    async def watch(self, row: ExecutionRow) -> AsyncIterator[HistoryEvent]:
        """All events so far, then each as it is committed, until the execution has ended."""
        queue: asyncio.Queue[Committed | None] = asyncio.Queue()
        self._host.listeners.watchers.setdefault(row.id, []).append(queue)
        try:
            journal = StoredJournal(self._host.store, row.id)
            run = await self._host.threads.call(lambda: self._run(row, journal))
            seen = journal.position
            told = 0
            while True:
                events = run.events or []
                for event in events[told:]:
                    yield event
                told = len(events)
                if run.done:
                    return
                committed = await queue.get()
                if committed is None:
                    return
                if committed[0] > seen:
                    step(run, committed[1])
        finally:
            queues = self._host.listeners.watchers[row.id]
            queues.remove(queue)
            if not queues:
                del self._host.listeners.watchers[row.id]

    def _events(self, row: ExecutionRow) -> list[HistoryEvent]:
        last = self._host.store.latest(row.id, 1)
        key = (row.id, last[0].position if last else 0)
        events = self._computed.pop(key, None)
        if events is None:
            events = self._run(row, StoredJournal(self._host.store, row.id)).events or []
        self._computed[key] = events
        while len(self._computed) > _CACHED:
            self._computed.popitem(last=False)
        return events

    def replayed(self, row: ExecutionRow) -> Run:
        """The run that the journal makes, without its events. Blocks."""
        return self._run(row, StoredJournal(self._host.store, row.id), record=False)

    def _run(self, row: ExecutionRow, journal: StoredJournal, *, record: bool = True) -> Run:
        version = self._host.catalog.version(row.version)
        info = info_of(self._host.partition, version, row, self._host.secret)
        # A diverged execution shows what can still be told of it.
        machine = self._host.catalog.bindings.machine(version, row.machine, pinned(journal))
        return replay(machine, info, journal, record=record, check=False)


def _without_data(event: HistoryEvent) -> HistoryEvent:
    return {
        key: {name: part for name, part in value.items() if name not in _DATA} if isinstance(value, dict) else value
        for key, value in event.items()
    }
