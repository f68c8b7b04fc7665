"""What the intrinsic functions do. Each takes its arguments as a list, already evaluated.

Source: the developer guide, "Intrinsics for JSONPath states"; rounding, rendering and blank texts as recorded from
the service.
"""

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Callable, Hashable
from typing import Final, TypeAlias

from sfc.asl.expression import Scope
from sfc.jsonvalue import Json, NotJson, loads, text
from sfc.limits import INTRINSIC_RANGE_ITEMS, INTRINSIC_TEXT_CHARS, PAYLOAD_BYTES

Function: TypeAlias = Callable[[list[Json], Scope], Json]

_INT32: Final = (-(2**31), 2**31 - 1)
_HASHES: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class IntrinsicProblem(Exception):
    """Why a function has no result; becomes States.IntrinsicFailure."""


Pieces: TypeAlias = tuple[str, ...]
"""A literal Format template, cut at its `{}`."""


def literal_pieces(raw: str) -> Pieces:
    """The pieces of a Format template as written, with its escapes: `\\{` is a brace, no placeholder."""
    pieces, current = [], ""
    for part in re.findall(r"\\.|\{\}|[^\\{]+|.", raw, re.DOTALL):
        if part == "{}":
            pieces.append(current)
            current = ""
        else:
            current += part[1:] if part[0] == "\\" else part
    return (*pieces, current)


def format_text(values: list[Json], scope: Scope) -> Json:
    template, arguments = values[0], values[1:]
    pieces = template if isinstance(template, tuple) else tuple(_string(template, "the template").split("{}"))
    if len(pieces) - 1 != len(arguments):
        raise IntrinsicProblem(f"the template has {len(pieces) - 1} '{{}}' but there are {len(arguments)} arguments")
    made, size = [pieces[0]], len(pieces[0])
    for argument, piece in zip(arguments, pieces[1:], strict=True):
        made += (_rendered(argument), piece)
        size += len(made[-2]) + len(piece)
        _bound(size)
    return "".join(made)


def _rendered(value: Json) -> str:
    """How Format shows a value: objects and arrays as `{a=1, b=[x, y]}`."""
    if isinstance(value, str):
        return value
    _count(value)
    return _java(value)


def _java(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_java(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_java(element) for element in value) + "]"
    return text(value)


def string_to_json(values: list[Json], scope: Scope) -> Json:
    source = _string(values[0], "the argument")
    if not source.strip():
        return None
    try:
        return loads(source)
    except NotJson as error:
        raise IntrinsicProblem(f"the argument is no JSON text: {error}") from None


def json_to_string(values: list[Json], scope: Scope) -> Json:
    _count(values[0])
    made = text(values[0])
    _bound(len(made))
    return made


def array(values: list[Json], scope: Scope) -> Json:
    return values


def array_partition(values: list[Json], scope: Scope) -> Json:
    items, size = _array(values[0]), _integer(values[1], "the size of a part")
    if size <= 0:
        raise IntrinsicProblem("the size of a part must be above 0")
    return [items[start : start + size] for start in range(0, len(items), size)]


def array_contains(values: list[Json], scope: Scope) -> Json:
    wanted = identity(values[1])
    return any(identity(item) == wanted for item in _array(values[0]))


def array_range(values: list[Json], scope: Scope) -> Json:
    first, last, step = (
        _integer(value, name) for value, name in zip(values, ("the start", "the end", "the step"), strict=True)
    )
    if step == 0:
        raise IntrinsicProblem("the step must not be 0")
    numbers = range(first, last + (1 if step > 0 else -1), step)
    if len(numbers) > INTRINSIC_RANGE_ITEMS:
        raise IntrinsicProblem(f"the range has more than {INTRINSIC_RANGE_ITEMS} items")
    return list(numbers)


def array_get_item(values: list[Json], scope: Scope) -> Json:
    items, index = _array(values[0]), _integer(values[1], "the index")
    if not 0 <= index < len(items):
        raise IntrinsicProblem(f"the index {index} is outside the array of {len(items)} items")
    return items[index]


def array_length(values: list[Json], scope: Scope) -> Json:
    return len(_array(values[0]))


def array_unique(values: list[Json], scope: Scope) -> Json:
    return list({identity(item): item for item in reversed(_array(values[0]))}.values())[::-1]


def base64_encode(values: list[Json], scope: Scope) -> Json:
    return base64.b64encode(_short(values[0]).encode()).decode()


def base64_decode(values: list[Json], scope: Scope) -> Json:
    try:
        return base64.b64decode(_short(values[0]), validate=True).decode()
    except (binascii.Error, ValueError):
        raise IntrinsicProblem("the argument is no Base64 of a UTF-8 text") from None


def hash_data(values: list[Json], scope: Scope) -> Json:
    data, algorithm = values
    if not isinstance(data, str):
        _count(data)
        data = text(data)
    name = _HASHES.get(algorithm) if isinstance(algorithm, str) else None
    if name is None:
        raise IntrinsicProblem(f"the algorithm must be one of {', '.join(_HASHES)}")
    return hashlib.new(name, _short(data).encode(), usedforsecurity=False).hexdigest()


def json_merge(values: list[Json], scope: Scope) -> Json:
    first, second, deep = values
    if not (isinstance(first, dict) and isinstance(second, dict)):
        raise IntrinsicProblem("the first two arguments must be objects")
    if deep is not False:
        raise IntrinsicProblem("the third argument must be false: only shallow merging is supported")
    return {**first, **second}


def math_random(values: list[Json], scope: Scope) -> Json:
    start, end = _integer(values[0], "the start"), _integer(values[1], "the end")
    if start >= end:
        raise IntrinsicProblem("the start must be below the end")
    if len(values) == 2:
        return start + math.floor(scope.entropy.random() * (end - start))
    seed = _integer(values[2], "the seed")
    digest = hashlib.sha256(str(seed).encode()).digest()
    return start + int.from_bytes(digest, "big") % (end - start)


def math_add(values: list[Json], scope: Scope) -> Json:
    total = _integer(values[0], "the first number") + _integer(values[1], "the second number")
    return _in_range(total, "the sum")


def string_split(values: list[Json], scope: Scope) -> Json:
    source, separators = _string(values[0], "the text"), _string(values[1], "the separator")
    if not separators:
        return [source] if source else []
    return [part for part in re.split("[" + re.escape(separators) + "]", source) if part]


def uuid(values: list[Json], scope: Scope) -> Json:
    return scope.entropy.uuid()


FUNCTIONS: Final[dict[str, tuple[int, int | None, Function]]] = {
    "States.Format": (1, None, format_text),
    "States.StringToJson": (1, 1, string_to_json),
    "States.JsonToString": (1, 1, json_to_string),
    "States.Array": (0, None, array),
    "States.ArrayPartition": (2, 2, array_partition),
    "States.ArrayContains": (2, 2, array_contains),
    "States.ArrayRange": (3, 3, array_range),
    "States.ArrayGetItem": (2, 2, array_get_item),
    "States.ArrayLength": (1, 1, array_length),
    "States.ArrayUnique": (1, 1, array_unique),
    "States.Base64Encode": (1, 1, base64_encode),
    "States.Base64Decode": (1, 1, base64_decode),
    "States.Hash": (2, 2, hash_data),
    "States.JsonMerge": (3, 3, json_merge),
    "States.MathRandom": (2, 3, math_random),
    "States.MathAdd": (2, 2, math_add),
    "States.StringSplit": (2, 2, string_split),
    "States.UUID": (0, 0, uuid),
}
"""Name → least and most arguments (None: no limit), function."""


def identity(value: Json) -> Hashable:
    """Equal for values that are deeply equal: 1 and 1.0 are, 1 and true are not, the order of members is nothing."""
    if isinstance(value, dict):
        return frozenset((key, identity(member)) for key, member in value.items())
    if isinstance(value, list):
        return tuple(identity(element) for element in value)
    return ("boolean", value) if isinstance(value, bool) else value


def is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _integer(value: Json, what: str) -> int:
    """Halves are rounded up: 1.5 → 2, -1.5 → -1."""
    if not is_number(value):
        raise IntrinsicProblem(f"{what} must be a number")
    return _in_range(value if isinstance(value, int) else math.floor(value + 0.5), what)


def _in_range(value: int, what: str) -> int:
    if not _INT32[0] <= value <= _INT32[1]:
        raise IntrinsicProblem(f"{what} must be between {_INT32[0]} and {_INT32[1]}")
    return value


def _string(value: Json, what: str) -> str:
    if not isinstance(value, str):
        raise IntrinsicProblem(f"{what} must be a string")
    return value


def _short(value: Json) -> str:
    if len(_string(value, "the argument")) > INTRINSIC_TEXT_CHARS:
        raise IntrinsicProblem(f"the argument is longer than {INTRINSIC_TEXT_CHARS} characters")
    return str(value)


def _array(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise IntrinsicProblem("the argument must be an array")
    return value


def _bound(size: int) -> None:
    if size > PAYLOAD_BYTES:
        raise IntrinsicProblem(f"the result is longer than {PAYLOAD_BYTES} bytes")


def _count(value: Json) -> None:
    """Stops early where a value holds the same large part many times, so that its text would fill the memory."""
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
            seen += len(node) if isinstance(node, str) else 1
        _bound(seen)
