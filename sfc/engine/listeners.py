"""Who is told of what happens to executions: callers that wait for an end, streams of history."""

import asyncio

from sfc.engine.records import ExecutionRecord
from sfc.interpreter.entries import Entry

Committed = tuple[int, Entry]
"""Position and entry."""


class Listeners:
    """By execution id."""

    def __init__(self) -> None:
        self.ended: dict[int, list[asyncio.Future[ExecutionRecord | None]]] = {}
        """Who waits for the end of an execution; told None when only the store knows how it stands."""
        self.watchers: dict[int, list[asyncio.Queue[Committed | None]]] = {}
        """Who is told of each committed entry; None when no more can be told."""

    def tell_end(self, id: int, record: ExecutionRecord | None) -> None:
        for waiting in self.ended.pop(id, ()):
            if not waiting.done():
                waiting.set_result(record)

    def tell_entry(self, id: int, committed: Committed) -> None:
        for queue in self.watchers.get(id, ()):
            queue.put_nowait(committed)

    def end_watches(self, id: int) -> None:
        for queue in self.watchers.get(id, ()):
            queue.put_nowait(None)

    def close(self) -> None:
        """Nobody is kept waiting."""
        for id in list(self.ended):
            self.tell_end(id, None)
        for id in list(self.watchers):
            self.end_watches(id)
