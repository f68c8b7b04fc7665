"""How children of a Distributed Map ended: what a journal keeps of them, many in one entry."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import orjson

from sfc.jsonvalue import Json

ChildStatus: TypeAlias = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING"]
STATUSES: Final[tuple[ChildStatus, ...]] = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
"""Stored by position; never reordered."""


class ChildEnd(NamedTuple):
    """One child. Times are UTC ms."""

    number: int
    """From 0, in the order of the items."""
    items: int
    """How many items it was given."""
    status: ChildStatus
    """PENDING, which is never stored: it was not started because the Map Run had failed before."""
    started_at: int = 0
    stopped_at: int = 0
    output: bytes | None = None
    """JSON text; None unless it SUCCEEDED."""
    error: str | None = None
    cause: str | None = None
    input: bytes | None = None
    """JSON text; kept only where the results have to show it."""


def encode_ends(ends: Sequence[ChildEnd]) -> bytes:
    return orjson.dumps([
        [
            end.number, end.items, STATUSES.index(end.status), end.started_at, end.stopped_at, _fragment(end.output),
            end.error, end.cause, _fragment(end.input),
        ]
        for end in ends
    ])  # fmt: skip


def decode_ends(data: bytes) -> list[ChildEnd]:
    return [
        ChildEnd(
            number, items, STATUSES[status], began, ended,
            orjson.dumps(output) if status == 0 else None, error, cause,
            None if given is None else orjson.dumps(given),
        )
        for number, items, status, began, ended, output, error, cause, given in orjson.loads(data)
    ]  # fmt: skip


def decode_counts(data: bytes) -> list[tuple[int, int, ChildStatus]]:
    """(number, items, status) of each: all that a run itself has to know."""
    return [(row[0], row[1], STATUSES[row[2]]) for row in orjson.loads(data)]


def _fragment(text: bytes | None) -> Json:
    return None if text is None else orjson.Fragment(text)
