"""What a Map in JSONata iterates over."""

from sfc.asl.expression import EvaluationError, Expression, Scope
from sfc.asl.fields import Fields
from sfc.asl.jsonata.fields import read_typed, read_value
from sfc.asl.jsonata.template import is_expression
from sfc.jsonvalue import Json, text


class StateInput:
    """Without Items it is the state's input. Implements `Expression`."""

    __slots__ = ()
    source = "$states.input"

    def evaluate(self, data: Json, scope: Scope) -> Json:
        if not isinstance(data, list):
            raise EvaluationError(f"Map state input must be an array but was: {text(data)}")
        return data


def read_items(state: Fields) -> Expression | None:
    """Items: an array that may hold expressions, or an expression that yields one."""
    if not state.has("Items"):
        return StateInput()
    items = state.raw["Items"]
    if is_expression(items):
        return read_typed(state, "Items", "array")
    if not isinstance(items, (list, dict)):
        state.error("Items", "Expected an array, an object or a JSONata expression")
        return None
    return read_value(state, "Items")
