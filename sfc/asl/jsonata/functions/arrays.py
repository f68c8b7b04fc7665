"""Functions on arrays, and those that take functions. Source: https://docs.jsonata.org/array-functions"""

from typing import Any, Final

from sfc.asl.jsonata.calls import call_item
from sfc.asl.jsonata.functions.table import Entry
from sfc.asl.jsonata.sorting import merge_sort
from sfc.asl.jsonata.values import (
    UNDEFINED,
    Callee,
    Env,
    Fault,
    Sequence,
    append,
    apply,
    is_number,
    items_of,
    same,
    truth,
)


def count(env: Env, values: Any) -> int:
    return 0 if values is UNDEFINED else len(values)


def appended(env: Env, first: Any, second: Any) -> Any:
    env.meter.hold((len(items_of(first)) + len(items_of(second))) * 8)
    return append(first, second)


def reverse(env: Env, values: list[Any]) -> list[Any]:
    env.meter.hold(len(values) * 8)
    return values if len(values) <= 1 else values[::-1]


def distinct(env: Env, values: Any) -> Any:
    if not isinstance(values, list) or len(values) <= 1:
        return values
    made: list[Any] = Sequence() if isinstance(values, Sequence) else []
    seen: set[tuple[type, Any]] = set()
    compound: list[Any] = []
    for value in values:
        env.meter.spend(1)
        if isinstance(value, (list, dict)):
            if any([same(value, other, env.meter) for other in compound]):  # noqa: C419  # no generator around calls
                continue
            compound.append(value)
        else:
            key = (bool if value.__class__ is bool else object, value)
            if key in seen:
                continue
            seen.add(key)
        made.append(value)
    return made


def shuffle(env: Env, values: list[Any]) -> list[Any]:
    if len(values) <= 1:
        return values
    env.meter.spend(len(values))
    made = list(values)
    for at in range(len(made) - 1, 0, -1):
        other = int(env.meter.entropy.random() * (at + 1))
        made[at], made[other] = made[other], made[at]
    return made


def zipped(env: Env, *arrays: Any) -> list[Any]:
    if any(array is UNDEFINED for array in arrays):
        return []
    shortest = min(map(len, arrays))
    env.meter.hold(shortest * len(arrays) * 8)
    return [list(items) for items in zip(*arrays, strict=False)]


def sort(env: Env, values: list[Any], comparator: Any = UNDEFINED) -> list[Any]:
    if len(values) <= 1:
        return values
    if comparator is not UNDEFINED:
        return merge_sort(values, lambda a, b: _swap(env, comparator, a, b), env)
    texts = all(isinstance(value, str) for value in values)
    if not texts and not all(is_number(value) for value in values):
        raise Fault(
            "D3070",
            "The single argument form of the sort function can only be applied to an array of strings or an array of "
            "numbers.  Use the second argument to specify a comparison function",
        )
    env.meter.spend(len(values) * 4)
    return sorted(values)


def _swap(env: Env, comparator: Any, first: Any, second: Any) -> bool:
    return truth(apply(comparator, [first, second], UNDEFINED, env), env.meter)


def mapped(env: Env, values: list[Any], function: Any) -> Any:
    made = Sequence()
    for at, value in enumerate(values):
        result = call_item(function, value, at, values, env)
        if result is not UNDEFINED:
            made.append(result)
    return made


def filtered(env: Env, values: list[Any], function: Any) -> Any:
    made = Sequence()
    for at, value in enumerate(values):
        if truth(call_item(function, value, at, values, env), env.meter):
            made.append(value)
    return made


def single(env: Env, values: list[Any], function: Any = UNDEFINED) -> Any:
    found = UNDEFINED
    for at, value in enumerate(values):
        if function is UNDEFINED or truth(call_item(function, value, at, values, env), env.meter):
            if found is not UNDEFINED:
                raise Fault(
                    "D3138", "The $single() function expected exactly 1 matching result.  Instead it matched more."
                )
            found = value
    if found is UNDEFINED:
        raise Fault("D3139", "The $single() function expected exactly 1 matching result.  Instead it matched 0.")
    return found


def reduce(env: Env, values: list[Any], function: Any, start: Any = UNDEFINED) -> Any:
    arity = function.arity if isinstance(function, Callee) else 0
    if arity < 2:
        raise Fault("D3050", "The second argument of reduce function must be a function with at least two arguments")
    result, rest = start, 0
    if start is UNDEFINED and values:
        result, rest = values[0], 1
    for at in range(rest, len(values)):
        result = apply(function, [result, values[at], at, values][:arity], UNDEFINED, env)
    return result


TABLE: Final = {
    "count": Entry("<a:n>", count, undefined=True),
    "append": Entry("<xx:a>", appended, undefined=True),
    "reverse": Entry("<a:a>", reverse),
    "distinct": Entry("<x:x>", distinct),
    "shuffle": Entry("<a:a>", shuffle),
    "zip": Entry("<a+>", zipped, undefined=True),
    "sort": Entry("<af?:a>", sort),
    "map": Entry("<af>", mapped),
    "filter": Entry("<af>", filtered),
    "single": Entry("<af?>", single),
    "reduce": Entry("<afj?:j>", reduce),
}
