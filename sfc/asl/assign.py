"""Reads `Assign`: names of variables and what becomes of them.

Source: the developer guide, "Passing data between states with variables".
"""

import re
from typing import Final

from sfc.asl.expression import Expression
from sfc.asl.fields import Fields
from sfc.asl.jsonata.fields import STATE, Parts, read_value
from sfc.asl.jsonata.template import JsonataValue
from sfc.limits import VARIABLE_NAME_CHARS

_NAME: Final = re.compile(rf"[^\W\d]\w{{0,{VARIABLE_NAME_CHARS - 1}}}")


def read_template(fields: Fields) -> Expression | None:
    """The compiled `Assign` of a state, Choice rule or catcher in JSONPath; None when it has none, or nothing in it."""
    if not _check_names(fields, ".$"):
        return None
    return fields.template("Assign")


def read_jsonata(fields: Fields, parts: Parts = STATE, prefix: str = "") -> JsonataValue | None:
    """The same in JSONata. `parts` and `prefix` as for other fields."""
    if not _check_names(fields, ""):
        return None
    return read_value(fields, "Assign", parts, prefix)


def _check_names(fields: Fields, suffix: str) -> bool:
    """Reports names that a variable cannot have; whether there are any names."""
    assign = fields.object("Assign")
    if assign is None:
        return False
    for key in assign.raw:
        name = key.removesuffix(suffix)
        if not _NAME.fullmatch(name):
            assign.error(
                key,
                f"'{name}' is no name for a variable: letters, digits and _ ({VARIABLE_NAME_CHARS} at most), "
                "no digit first",
            )
        elif name == "states":
            assign.error(key, "'states' is reserved and cannot be assigned")
    return bool(assign.raw)
