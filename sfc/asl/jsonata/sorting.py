"""Sorting: stable, in Python's own frames so that a comparator that nests cannot overflow the machine's stack."""

from collections.abc import Callable
from typing import Any

from sfc.asl.jsonata.text import shown
from sfc.asl.jsonata.values import UNDEFINED, Code, Env, Fault, is_number


def merge_sort(items: list[Any], swap: Callable[[Any, Any], bool], env: Env) -> list[Any]:
    """`swap(a, b)`: whether `a`, which comes first, belongs behind `b`."""
    runs = [[item] for item in items]
    while len(runs) > 1:
        merged = [_merge(runs[at], runs[at + 1], swap, env) for at in range(0, len(runs) - 1, 2)]
        if len(runs) % 2:
            merged.append(runs[-1])
        runs = merged
    return runs[0] if runs else []


def _merge(left: list[Any], right: list[Any], swap: Callable[[Any, Any], bool], env: Env) -> list[Any]:
    made = []
    first = second = 0
    while first < len(left) and second < len(right):
        env.meter.spend(1)
        if swap(left[first], right[second]):
            made.append(right[second])
            second += 1
        else:
            made.append(left[first])
            first += 1
    return made + left[first:] + right[second:]


def ordered(items: Any, terms: list[tuple[Code, bool]], env: Env, *, streams: bool = False) -> Any:
    """`^(<price, >name)`; what a term does not find comes last. Raises Fault T2007, T2008."""
    if len(items) < 2:
        return items
    keyed = []
    for item in items:
        env.meter.spend(1)
        scope = Env(dict(item), env, env.meter) if streams else env
        context = item["@"] if streams else item
        keyed.append(([_key(code(context, scope)) for code, _descending in terms], item))
    directions = [descending for _code, descending in terms]
    sorted_items = merge_sort(keyed, lambda a, b: _compare(a[0], b[0], directions) > 0, env)
    return [item for _keys, item in sorted_items]


def _key(value: Any) -> Any:
    if value is not UNDEFINED and not isinstance(value, str) and not is_number(value):
        raise Fault("T2008", "The expressions within an order-by clause must evaluate to numeric or string values")
    return value


def _compare(left: list[Any], right: list[Any], directions: list[bool]) -> int:
    for one, other, descending in zip(left, right, directions, strict=True):
        if one is UNDEFINED or other is UNDEFINED:
            if one is not other:
                return 1 if one is UNDEFINED else -1
            continue
        if isinstance(one, str) is not isinstance(other, str):
            raise Fault(
                "T2007", f"Type mismatch when comparing values {shown(one)} and {shown(other)} in order-by clause"
            )
        if one != other:
            return -1 if (one < other) is not descending else 1
    return 0
