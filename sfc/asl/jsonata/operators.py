"""The operators of JSONata that are neither paths nor calls."""

import math
from collections.abc import Callable
from typing import Any, Final

from sfc.asl.jsonata.text import shown, string
from sfc.asl.jsonata.values import UNDEFINED, Fault, Meter, Sequence, is_number, items_of, number, same

Combine = Callable[[Any, Any, Meter], Any]


def _arithmetic(sign: str, calculate: Callable[[Any, Any], Any]) -> Combine:
    def run(left: Any, right: Any, meter: Meter) -> Any:
        if left is not UNDEFINED and not is_number(left):
            raise Fault("T2001", f'The left side of the "{sign}" operator must evaluate to a number')
        if right is not UNDEFINED and not is_number(right):
            raise Fault("T2002", f'The right side of the "{sign}" operator must evaluate to a number')
        if left is UNDEFINED or right is UNDEFINED:
            return UNDEFINED
        try:
            return number(calculate(left, right))
        except OverflowError:
            return math.inf

    return run


def _divide(left: Any, right: Any) -> Any:
    if right == 0:
        return math.nan if left == 0 else math.copysign(math.inf, left)
    return left / right


def _remainder(left: Any, right: Any) -> Any:
    return math.nan if right == 0 else math.fmod(left, right)


def _compare(sign: str, test: Callable[[Any, Any], bool]) -> Combine:
    def run(left: Any, right: Any, meter: Meter) -> Any:
        for value in (left, right):
            if value is not UNDEFINED and not isinstance(value, str) and not is_number(value):
                raise Fault(
                    "T2010",
                    f'The expressions either side of operator "{sign}" must evaluate to numeric or string values',
                )
        if left is UNDEFINED or right is UNDEFINED:
            return UNDEFINED
        if isinstance(left, str) is not isinstance(right, str):
            raise Fault(
                "T2009",
                f"The values {shown(left)} and {shown(right)} either side of operator "
                f'"{sign}" must be of the same data type',
            )
        return test(left, right)

    return run


def _equal(left: Any, right: Any, meter: Meter) -> Any:
    return left is not UNDEFINED and right is not UNDEFINED and same(left, right, meter)


def _unequal(left: Any, right: Any, meter: Meter) -> Any:
    return left is not UNDEFINED and right is not UNDEFINED and not same(left, right, meter)


def _within(left: Any, right: Any, meter: Meter) -> Any:
    if left is UNDEFINED:
        return False
    for item in items_of(right):  # noqa: SIM110
        if same(left, item, meter):
            return True
    return False


def _concatenate(left: Any, right: Any, meter: Meter) -> Any:
    first = "" if left is UNDEFINED else string(left, meter)
    second = "" if right is UNDEFINED else string(right, meter)
    meter.hold(len(first) + len(second))
    return first + second


def _range(left: Any, right: Any, meter: Meter) -> Any:
    """`[1..5]`; its size is known, and refused, before it is made."""
    if left is not UNDEFINED and not _is_integer(left):
        raise Fault("T2003", "The left side of the range operator (..) must evaluate to an integer")
    if right is not UNDEFINED and not _is_integer(right):
        raise Fault("T2004", "The right side of the range operator (..) must evaluate to an integer")
    if left is UNDEFINED or right is UNDEFINED or left > right:
        return UNDEFINED
    size = int(right) - int(left) + 1
    if size > _MOST_IN_RANGE:
        raise Fault(
            "D2014",
            "The size of the sequence allocated by the range operator (..) must not exceed 1e6.  "
            f"Attempted to allocate {size}.",
        )
    meter.hold(size * 8)
    return Sequence(range(int(left), int(right) + 1))


def _is_integer(value: Any) -> bool:
    return is_number(value) and value == int(value)


def negated(value: Any) -> Any:
    if value is UNDEFINED:
        return UNDEFINED
    if not is_number(value):
        raise Fault("D1002", f"Cannot negate a non-numeric value: {shown(value)}")
    return number(-value)


_MOST_IN_RANGE: Final = 10_000_000
BINARY: Final[dict[str, Combine]] = {
    "+": _arithmetic("+", lambda left, right: left + right),
    "-": _arithmetic("-", lambda left, right: left - right),
    "*": _arithmetic("*", lambda left, right: left * right),
    "/": _arithmetic("/", _divide),
    "%": _arithmetic("%", _remainder),
    "<": _compare("<", lambda left, right: left < right),
    "<=": _compare("<=", lambda left, right: left <= right),
    ">": _compare(">", lambda left, right: left > right),
    ">=": _compare(">=", lambda left, right: left >= right),
    "=": _equal,
    "!=": _unequal,
    "in": _within,
    "&": _concatenate,
    "..": _range,
}
"""What combines two values; `and` and `or` are not here, since they may leave their right side out."""
