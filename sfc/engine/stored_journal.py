"""A journal as it is read: in pages, because that of a Map Run may be larger than memory."""

from collections.abc import Iterator
from typing import Final

from sfc.interpreter.entries import REDRIVEN
from sfc.store.journal import JournalRow, Store

_PAGE: Final = 64
"""Entries of a Map Run may have a quarter of a megabyte each."""


class StoredJournal:
    """The entries of one execution, in order. Iterating blocks and reads from the store, each time anew."""

    __slots__ = ("_execution", "_store", "position")

    def __init__(self, store: Store, execution: int) -> None:
        self._store = store
        self._execution = execution
        self.position = 0
        """Of the last entry that was read."""

    def __iter__(self) -> Iterator[JournalRow]:
        after = 0
        while rows := self._store.journal(self._execution, after, _PAGE):
            for row in rows:
                self.position = row.position
                yield row
            if len(rows) < _PAGE:
                return
            after = rows[-1].position

    def started(self) -> JournalRow | None:
        """The first entry."""
        return self._store.started(self._execution)

    def was_redriven(self) -> bool:
        return bool(self._store.entries(self._execution, REDRIVEN, 0, 1))
