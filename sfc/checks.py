"""Checks of settings that strangers write: each takes the place of a value and the value, and gives what is meant.

All raise InvalidRequest whose text and `field` name the place.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json

Check: TypeAlias = Callable[[str, Json], Any]

_TEXT_CHARS: Final = 4_096


def read(checks: Mapping[str, Check], given: Mapping[str, Json], what: str, at: str = "") -> dict[str, Any]:
    """What `given` says, checked; null is as if the setting was not there. `what` has the settings, `at` is its
    place.
    """
    found: dict[str, Any] = {}
    for key, value in given.items():
        place = f"{at}.{key}" if at else key
        check = checks.get(key)
        if check is None:
            raise InvalidRequest(f"{place} is no setting of {what}; there are: {', '.join(checks)}", field=place)
        if value is not None:
            found[key] = check(place, value)
    return found


def one_of(*choices: str) -> Check:
    def check(place: str, value: Json) -> str:
        if not isinstance(value, str) or value not in choices:
            raise InvalidRequest(f"{place} must be one of {', '.join(choices)}", field=place)
        return value

    return check


def whole(least: int, most: int) -> Check:
    def check(place: str, value: Json) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidRequest(f"{place} must be a whole number from {least:,} to {most:,}", field=place)
        return value

    return check


def number(least: float, most: float) -> Check:
    def check(place: str, value: Json) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InvalidRequest(f"{place} must be a number", field=place)
        if not least <= value <= most:
            raise InvalidRequest(f"{place} must be from {least:g} to {most:,.12g}", field=place)
        return float(value)

    return check


def flag(place: str, value: Json) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequest(f"{place} must be true or false", field=place)
    return value


def text(most: int = _TEXT_CHARS) -> Check:
    """A text that is not empty."""

    def check(place: str, value: Json) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= most or "\0" in value:
            raise InvalidRequest(f"{place} must be a text of 1 to {most:,} characters", field=place)
        return value

    return check


def entries(most: int) -> Check:
    def check(place: str, value: Json) -> Mapping[str, Json]:
        if not isinstance(value, Mapping) or len(value) > most:
            raise InvalidRequest(f"{place} must be an object with at most {most} entries", field=place)
        return value

    return check


def anything(_place: str, value: Json) -> Json:
    return value


def json_schema(place: str, value: Json) -> Json:
    """A JSON Schema that refers to nothing outside of it."""
    import jsonschema

    if not isinstance(value, dict | bool):
        raise InvalidRequest(f"{place} is a JSON Schema: an object", field=place)
    todo: list[Json] = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        elif isinstance(node, dict):
            todo += node.values()
            for reference in (node.get("$ref"), node.get("$dynamicRef")):
                if isinstance(reference, str) and not reference.startswith("#"):
                    raise InvalidRequest(
                        f"{place} refers to {reference!r}: only references inside of it are followed", field=place
                    )
    whole_schema: Any = value
    try:
        jsonschema.validators.validator_for(value, jsonschema.Draft202012Validator).check_schema(whole_schema)
    except jsonschema.SchemaError as error:
        raise InvalidRequest(f"{place} is no JSON Schema: {error.json_path}: {error.message}", field=place) from None
    return value
