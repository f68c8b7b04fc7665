"""What a reader gives, and how it fails."""

from typing import Final, NamedTuple

from sfc.asl.expression import FlowError
from sfc.jsonvalue import Json

STATE_DATA: Final = "STATE_DATA"
"""`$$.Map.Item.Source` of items that came in the state's own input."""


class Item(NamedTuple):
    value: Json
    place: Json
    """Where to go on behind this item."""
    source: str = STATE_DATA
    """`$$.Map.Item.Source`: `S3://bucket/key`, `S3://bucket` for a listing."""
    key: str | None = None
    """`$$.Map.Item.Key` when the items are the members of an object."""


def reader_failed(cause: str) -> FlowError:
    return FlowError("States.ItemReaderFailed", cause)
