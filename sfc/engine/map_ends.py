"""How the children of a Map Run ended, read from the journal of its execution."""

from collections.abc import Iterator
from typing import Final

from sfc.interpreter.children import ChildEnd, decode_ends
from sfc.interpreter.entries import ITEMS_FINISHED, REDRIVEN
from sfc.interpreter.map_run import MapRun
from sfc.store.journal import Store

_PAGE: Final = 32


def stored_ends(store: Store, execution: int, map_run: MapRun) -> Iterator[ChildEnd]:
    """Every end that was journalled, each child once, as the execution counted them. Blocks; holds a page at a time.

    A child that did not succeed before a redrive has run again since.
    """
    after = 0
    redriven = _last_redrive(store, execution) if map_run.redrives else 0
    seen = bytearray((map_run.read.children >> 3) + 1)
    while rows := store.entries(execution, ITEMS_FINISHED, after, _PAGE):
        after = rows[-1].position
        for row in rows:
            if (row.task, row.attempt) == (map_run.task, map_run.attempt):
                for end in decode_ends(row.data):
                    at, bit = end.number >> 3, 1 << (end.number & 7)
                    void = row.position < redriven and end.status != "SUCCEEDED"
                    if not void and at < len(seen) and not seen[at] & bit:
                        seen[at] |= bit
                        yield end


def _last_redrive(store: Store, execution: int) -> int:
    """Its position; 0 when there was none."""
    position = 0
    while rows := store.entries(execution, REDRIVEN, position, _PAGE):
        position = rows[-1].position
    return position
