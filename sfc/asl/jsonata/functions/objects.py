"""Functions on objects and on any value. Source: https://docs.jsonata.org/object-functions"""

from typing import Any, Final

from sfc.asl.jsonata.calls import call_item
from sfc.asl.jsonata.functions.table import Entry
from sfc.asl.jsonata.lookups import look_up
from sfc.asl.jsonata.values import UNDEFINED, Env, Fault, Sequence, kind, truth

_TYPES: Final = {
    "s": "string", "n": "number", "b": "boolean", "l": "null", "a": "array", "o": "object", "f": "function",
}  # fmt: skip


def keys(env: Env, value: Any) -> Any:
    names: dict[str, None] = {}
    _collect(env, value, names)
    return Sequence(names)


def _collect(env: Env, value: Any, names: dict[str, None]) -> None:
    env.meter.spend(1)
    if isinstance(value, dict):
        env.meter.spend(len(value) >> 3)
        names.update(dict.fromkeys(value))
    elif isinstance(value, list):
        env.meter.deeper(1)
        for item in value:
            _collect(env, item, names)
        env.meter.depth -= 1


def lookup(env: Env, value: Any, name: str) -> Any:
    return look_up(value, name, env.meter)


def spread(env: Env, value: Any) -> Any:
    if not isinstance(value, (dict, list)):
        return value
    made = Sequence()
    _spread(env, value, made)
    return made


def _spread(env: Env, value: Any, made: Sequence) -> None:
    env.meter.spend(1)
    if isinstance(value, dict):
        env.meter.spend(len(value))
        made.extend([{key: member} for key, member in value.items()])
    elif isinstance(value, list):
        env.meter.deeper(1)
        for item in value:
            _spread(env, item, made)
        env.meter.depth -= 1
    else:
        made.append(value)


def merge(env: Env, values: list[dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for value in values:
        env.meter.spend(1 + (len(value) >> 2))
        made.update(value)
    return made


def sift(env: Env, value: dict[str, Any], function: Any) -> Any:
    made = {
        key: member for key, member in value.items() if truth(call_item(function, member, key, value, env), env.meter)
    }
    return made or UNDEFINED


def each(env: Env, value: dict[str, Any], function: Any) -> Any:
    made = Sequence()
    for key, member in value.items():
        result = call_item(function, member, key, value, env)
        if result is not UNDEFINED:
            made.append(result)
    return made


def error(env: Env, message: Any = UNDEFINED) -> Any:
    raise Fault("D3137", "$error() function evaluated" if message is UNDEFINED else message)


def assert_(env: Env, condition: bool, message: Any = UNDEFINED) -> Any:
    if not condition:
        raise Fault("D3141", "$assert() statement failed" if message is UNDEFINED else message)
    return UNDEFINED


TABLE: Final = {
    "keys": Entry("<x-:a<s>>", keys),
    "lookup": Entry("<x-s:x>", lookup),
    "spread": Entry("<x-:a<o>>", spread),
    "merge": Entry("<a<o>:o>", merge),
    "sift": Entry("<o-f?:o>", sift),
    "each": Entry("<o-f:a>", each),
    "error": Entry("<s?:x>", error, undefined=True),
    "assert": Entry("<bs?:x>", assert_, undefined=True),
    "clone": Entry("<(oa)-:o>", lambda env, value: value),
    "exists": Entry("<x:b>", lambda env, value: value is not UNDEFINED, undefined=True),
    "type": Entry("<x:s>", lambda env, value: _TYPES[kind(value)]),
}
