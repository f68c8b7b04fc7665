"""What can be said of a JSONata state without reading JSONata: where expressions may stand and how they are bounded.

A string that begins with `{%` must end with `%}`, and the reverse.
"""

import re
from collections.abc import Iterable
from typing import Final

from sfc.asl.fields import Fields
from sfc.jsonvalue import Json

_VARIABLE: Final = re.compile(r"[^\W\d]\w{0,79}")


def is_expression(value: Json) -> bool:
    return isinstance(value, str) and len(value) >= 4 and value.startswith("{%") and value.endswith("%}")


def check_values(fields: Fields, names: Iterable[str]) -> None:
    """Check the bounds of every string inside these fields."""
    for name in names:
        if fields.has(name):
            _check(fields, fields.raw[name], fields.place(name))


def _check(fields: Fields, value: Json, at: str) -> None:
    if isinstance(value, str):
        if not is_expression(value) and (value.startswith("{%") or value.endswith("%}")):
            fields.report.error(at, "A JSONata expression must begin with '{%' and end with '%}'")
    elif isinstance(value, dict):
        for key, child in value.items():
            _check(fields, child, f"{at}/{key}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _check(fields, child, f"{at}[{index}]")


def expression_or(fields: Fields, name: str, low: int, high: int) -> None:
    """A field that is an integer, or an expression that yields one."""
    if is_expression(fields.raw.get(name)):
        return
    if isinstance(fields.raw.get(name), str):
        fields.error(name, "Expected value of type Integer or a JSONata expression")
        return
    fields.integer(name, low, high)


def check_assign(fields: Fields, language: str) -> None:
    """Names and values of `Assign`; it makes the definition one that the engine cannot run yet."""
    assign = fields.object("Assign")
    if assign is None:
        return
    for key in assign.raw:
        name = key.removesuffix(".$") if language == "JSONPath" else key
        if not _VARIABLE.fullmatch(name):
            assign.error(key, f"'{name}' is no name for a variable: letters, digits and _ (80 at most), no digit first")
        elif name == "states":
            assign.error(key, "'states' is reserved and cannot be assigned")
    if language == "JSONata":
        check_values(fields, ("Assign",))
    else:
        fields.template("Assign")
    fields.report.later(fields.place("Assign"), "Variables (Assign) cannot be run yet")
