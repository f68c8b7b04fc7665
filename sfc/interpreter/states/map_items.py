"""What a Map iterates over."""

from sfc.asl.expression import Scope, runtime_error
from sfc.asl.model import Map
from sfc.jsonvalue import Json, text


def items_of(state: Map, data: Json, scope: Scope) -> list[Json] | dict[str, Json]:
    """An array; for a distributed Map also an object, whose members are its items. Raises FlowError."""
    items = data if state.items is None else state.items.evaluate(data, scope)
    if isinstance(items, list) or (isinstance(items, dict) and state.distributed is not None):
        return items
    path = "$" if state.items is None else state.items.source
    if path.startswith("$"):
        shown = "$" + path.lstrip("$")
        raise runtime_error(f'Reference path "{shown}" must point to array.')
    raise runtime_error(f"Map state input must be an array but was: {text(items)}")
