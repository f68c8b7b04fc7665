"""JSON values of a flow: how they are read, written and bounded.

Values are never changed in place once a flow holds them. orjson keeps `1` and `1.0` apart and refuses NaN, as AWS does.
"""

from typing import Any, TypeAlias

import orjson

from sfc.jackson import complaint
from sfc.limits import JSON_DEPTH

Json: TypeAlias = Any
"""None, bool, int, float, str, list[Json] or dict[str, Json]; treated as immutable."""


class NotJson(ValueError):
    """The text is not JSON, or the value is something JSON cannot hold, or it nests too deeply."""


def loads(text: str | bytes) -> Json:
    """The value of a JSON text. Raises NotJson in the words of AWS's parser, or when it nests deeper than the limit."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        source = text if isinstance(text, str) else text.decode(errors="replace")
        raise NotJson(complaint(source, error)[0]) from None
    brackets = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    if brackets > JSON_DEPTH:
        check_depth(value)
    return value


def dumps(value: Json) -> bytes:
    """Compact UTF-8 JSON. Raises NotJson for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError) as error:
        raise NotJson(str(error)) from None


def text(value: Json) -> str:
    """Compact JSON as str, the form the Step Functions API carries values in."""
    return dumps(value).decode()


def check_depth(value: Json, limit: int = JSON_DEPTH) -> None:
    """Raises NotJson when `value` nests deeper than `limit` levels; walks level by level, so it cannot overflow the
    stack.
    """
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise NotJson(f"the value nests deeper than {limit} levels")
