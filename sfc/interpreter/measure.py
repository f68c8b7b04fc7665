"""The size of values: what a state may hand on."""

from typing import Final

from sfc.asl.expression import FlowError
from sfc.jsonvalue import Json, NotJson, dumps
from sfc.limits import PAYLOAD_BYTES

_PLAIN_GROWTH: Final = 16
"""Up to so many copies of a 256 KiB value the text is simply made and counted; above, counting stops at the limit."""


def check_size(value: Json, growth: int, what: str) -> None:
    """Raises FlowError States.DataLimitExceeded when `value`, made of at most `growth` copies of what went in, is too
    large.

    `what` names the state or task in AWS's sentence.
    """
    try:
        large = exceeds(value, PAYLOAD_BYTES) if growth > _PLAIN_GROWTH else len(dumps(value)) > PAYLOAD_BYTES
    except NotJson as error:
        cause = f"The state/task '{what}' returned a result that is no JSON value: {error}"
        raise FlowError("States.DataLimitExceeded", cause) from None
    if large:
        raise FlowError("States.DataLimitExceeded", too_large(what))


def too_large(what: str) -> str:
    """AWS's sentence for a result above the limit."""
    return f"The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service limit."


def exceeds(value: Json, limit: int) -> bool:
    """Whether the JSON text is longer than `limit` bytes, without ever holding much more than that."""
    seen, todo = 0, [value]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            seen += 2 + sum(len(key) + 4 for key in node)
            todo.extend(node.values())
        elif isinstance(node, list):
            seen += 2 + len(node)
            todo.extend(node)
        else:
            seen += len(dumps(node))
        if seen > limit:
            return True
    return len(dumps(value)) > limit
