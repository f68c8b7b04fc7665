"""Reads the fields of a state in JSONata, and reports each mistake at its own place.

As in `sfc.asl.fields`, None stands both for a field that is absent and for one that is wrong.
"""

from typing import Final

from sfc.asl.fields import Fields
from sfc.asl.jsonata.template import Expected, JsonataValue, compile_value, is_expression, typed

Parts = frozenset[str]
STATE: Final[Parts] = frozenset({"input", "context"})
"""The parts of `$states` that every field sees."""
RESULT: Final[Parts] = STATE | {"result"}
ERROR: Final[Parts] = STATE | {"errorOutput"}


def read_value(fields: Fields, name: str, parts: Parts = STATE, prefix: str = "") -> JsonataValue | None:
    """A field of any JSON. `prefix`: where `fields` is in its state, as in "Choices[0]/"."""
    if not fields.has(name):
        return None
    compiled, problems = compile_value(fields.raw[name], prefix + name, parts)
    for pointer, sentence, code in problems:
        fields.report.error(fields.place(name) + pointer, sentence, code)
    return compiled


def read_typed(
    fields: Fields, name: str, expected: Expected, *, low: float = 0, high: float = float("inf"), prefix: str = ""
) -> JsonataValue | None:
    """A field that is an expression of one type; what is no expression is left to the caller."""
    if not is_expression(fields.raw.get(name)):
        return None
    value = read_value(fields, name, prefix=prefix)
    return None if value is None else typed(value, prefix + name, expected, low, high)


def read_integer(fields: Fields, name: str, low: int, high: int, prefix: str = "") -> int | JsonataValue | None:
    """An integer, or an expression that yields one."""
    if is_expression(fields.raw.get(name)):
        return read_typed(fields, name, "integer", low=low, high=high, prefix=prefix)
    if isinstance(fields.raw.get(name), str):
        fields.error(name, "Expected value of type Integer or a JSONata expression")
        return None
    return fields.integer(name, low, high)


def read_number(fields: Fields, name: str, low: float, high: float) -> float | JsonataValue | None:
    """A number, or an expression that yields one."""
    if is_expression(fields.raw.get(name)):
        return read_typed(fields, name, "number", low=low, high=high)
    return fields.number(name, low, high)


def read_text(fields: Fields, name: str) -> str | JsonataValue | None:
    """A text, or an expression that yields one."""
    if is_expression(fields.raw.get(name)):
        return read_typed(fields, name, "string")
    value = fields.text(name)
    if value is not None:
        read_value(fields, name)  # reports half-open bounds
    return value
