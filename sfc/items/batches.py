"""From items to what the children of a Map Run are given: one item each, or batches of them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sfc.asl.expression import FlowError
from sfc.interpreter.map_specs import BatchSpec
from sfc.jsonvalue import Json, NotJson, dumps
from sfc.limits import PAYLOAD_BYTES


class ChildInput(NamedTuple):
    number: int
    """Of the child, from 0."""
    input: bytes
    """JSON text."""
    items: int
    place: Json
    """Where the reader goes on behind its items."""


def child_inputs(
    selected: Iterable[tuple[Json, Json]], batcher: BatchSpec | None, first: int = 0
) -> Iterator[ChildInput]:
    """`selected` are (what ItemSelector made of an item, the item's place); `first` is the number of the first child.

    Raises FlowError States.DataLimitExceeded for an input above 256 KiB.
    """
    if batcher is None:
        for number, (value, place) in enumerate(selected, first):
            yield ChildInput(number, _checked(_text(value)), 1, place)
    else:
        yield from _batched(selected, batcher, first)


def _batched(selected: Iterable[tuple[Json, Json]], batcher: BatchSpec, number: int) -> Iterator[ChildInput]:
    """A batch is full when one more item would go over a limit; an item that alone goes over is a batch of its own."""
    frame = b'{"Items":[%b]}'
    if batcher.input is not None:
        frame = b'{"BatchInput":' + _text(batcher.input).replace(b"%", b"%%") + b',"Items":[%b]}'
    most_items = batcher.max_items or PAYLOAD_BYTES
    most_bytes = min(batcher.max_bytes or PAYLOAD_BYTES, PAYLOAD_BYTES)
    empty = len(frame % b"")
    texts: list[bytes] = []
    size, behind = empty, None
    for value, place in selected:
        text = _text(value)
        if texts and (len(texts) == most_items or size + len(text) + 1 > most_bytes):
            yield ChildInput(number, _checked(frame % b",".join(texts)), len(texts), behind)
            number += 1
            texts, size = [], empty
        size += len(text) + bool(texts)
        texts.append(text)
        behind = place
    if texts:
        yield ChildInput(number, _checked(frame % b",".join(texts)), len(texts), behind)


def _text(value: Json) -> bytes:
    try:
        return dumps(value)
    except NotJson as error:
        raise FlowError("States.DataLimitExceeded", f"The input of a child is no JSON value: {error}") from None


def _checked(text: bytes) -> bytes:
    if len(text) > PAYLOAD_BYTES:
        cause = f"The input of a child execution has {len(text)} bytes; the maximum is {PAYLOAD_BYTES}."
        raise FlowError("States.DataLimitExceeded", cause)
    return text
