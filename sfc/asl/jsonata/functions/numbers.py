"""Functions on numbers and booleans. Source: https://docs.jsonata.org/numeric-functions"""

import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from jsonata.datetimeutils import DateTimeUtils
from jsonata.functions import Functions
from jsonata.jexception import JException

from sfc.asl.jsonata.functions.table import Entry
from sfc.asl.jsonata.text import shown
from sfc.asl.jsonata.values import UNDEFINED, Env, Fault, number, truth

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_RADIX: Final = re.compile(r"0([xX])([0-9a-fA-F]+)|0([oO])([0-7]+)|0([bB])([01]+)")
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_MOST_FORMATTED: Final = 2**53
_MOST_ROMAN: Final = 1_000_000
_MOST_DIGITS: Final = 400
_PICTURE_CHARS: Final = 256


def to_number(env: Env, value: Any) -> Any:
    if value.__class__ is bool:
        return int(value)
    if not isinstance(value, str):
        return value
    if _NUMBER.fullmatch(value):
        made = float(value) if len(value) <= _MOST_DIGITS else math.inf
        if math.isfinite(made):
            return number(int(value)) if value.lstrip("-").isdigit() else number(made)
    radix = _RADIX.fullmatch(value)
    if radix is not None and len(value) <= _MOST_DIGITS:
        digits = radix[2] or radix[4] or radix[6]
        return number(int(digits, 16 if radix[2] else 8 if radix[4] else 2))
    raise Fault("D3030", f"Unable to cast value to a number: {shown(value)}")


def rounded(env: Env, value: Any, precision: Any = UNDEFINED) -> Any:
    """To the nearest, halves to even."""
    places = 0 if precision is UNDEFINED else int(precision)
    if abs(places) > _MOST_DIGITS:
        return value if places > 0 else 0
    exact = Decimal(repr(value))
    if exact.adjusted() + places >= 17:  # no digit that a number of 64 bits has would change
        return value
    return number(float(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)))


def square_root(env: Env, value: Any) -> Any:
    if value < 0:
        raise Fault("D3060", f"The sqrt function cannot be applied to a negative number: {shown(value)}")
    return number(math.sqrt(value))


def power(env: Env, base: Any, exponent: Any) -> Any:
    try:
        made = math.pow(base, exponent)
    except (OverflowError, ValueError):
        made = math.inf
    if not math.isfinite(made):
        raise Fault(
            "D3061",
            "The power function has resulted in a value that cannot be represented as a JSON number: "
            f"base={shown(base)}, exponent={shown(exponent)}",
        )
    return number(made)


def format_base(env: Env, value: Any, radix: Any = UNDEFINED) -> str:
    base = 10 if radix is UNDEFINED else int(radix)
    if not 2 <= base <= len(_DIGITS):
        raise Fault("D3100", f"The radix of the formatBase function must be between 2 and 36.  It was given {base}")
    rest = abs(int(rounded(env, value)))
    digits = ""
    while rest or not digits:
        rest, digit = divmod(rest, base)
        digits = _DIGITS[digit] + digits
    return ("-" if value < 0 and digits != "0" else "") + digits


def format_number(env: Env, value: Any, picture: str, options: Any = UNDEFINED) -> Any:
    if len(picture) > _PICTURE_CHARS:
        raise Fault("", f"The picture string is longer than {_PICTURE_CHARS} characters")
    _no_passive_picture(picture, {} if options is UNDEFINED else options)
    return borrowed(Functions.format_number, value, picture, None if options is UNDEFINED else options)


def _no_passive_picture(picture: str, options: dict[str, Any]) -> None:
    """A picture without a digit: the library lets pass what the reference refuses."""
    digit, zero = options.get("digit", "#"), options.get("zero-digit", "0")
    family = {chr(ord(zero) + offset) for offset in range(10)} if isinstance(zero, str) and len(zero) == 1 else set("0")
    for part in picture.split(options.get("pattern-separator", ";")):
        if not any(each == digit or each in family for each in part):
            raise Fault(
                "D3086",
                "The sub-picture must not contain a passive character that is preceded by an active character "
                "and that is followed by another active character",
            )


def format_integer(env: Env, value: Any, picture: str) -> Any:
    if abs(value) > _MOST_FORMATTED or (picture.lower().startswith("i") and abs(value) > _MOST_ROMAN):
        raise Fault("", f"{shown(value)} is too large to be formatted")
    if len(picture) > _PICTURE_CHARS:
        raise Fault("", f"The picture string is longer than {_PICTURE_CHARS} characters")
    return borrowed(DateTimeUtils.format_integer, int(value // 1), picture)


def parse_integer(env: Env, text: str, picture: str) -> Any:
    if len(text) > _MOST_DIGITS or len(picture) > _PICTURE_CHARS:
        raise Fault("", f"The text or its picture is longer than {_PICTURE_CHARS} characters")
    made = borrowed(DateTimeUtils.parse_integer, text, picture)
    return UNDEFINED if made is None else number(made)


def borrowed(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of jsonata-python, which may raise anything for a picture that it does not understand."""
    try:
        return function(*args)
    except JException as error:
        code = error.error if re.fullmatch(r"[A-Z][0-9]{4}", error.error) else "D3137"
        raise Fault(code, str(error) if code == error.error else error.error) from None
    except Exception:  # noqa: BLE001  # whatever it is, the picture or the text is the reason
        raise Fault("D3137", "The picture string, or what it is applied to, cannot be read") from None


def _finite(calculate: Callable[[Any], Any]) -> Callable[[Env, Any], Any]:
    return lambda env, value: number(calculate(value))


def _fold(calculate: Callable[[list[Any]], Any], *, empty: Any = UNDEFINED) -> Callable[[Env, list[Any]], Any]:
    def run(env: Env, values: list[Any]) -> Any:
        env.meter.hold(len(values) * 8)
        if not values:
            return empty
        try:
            return number(calculate(values))
        except OverflowError:
            return math.inf

    return run


TABLE: Final = {
    "number": Entry("<(nsb)-:n>", to_number),
    "abs": Entry("<n-:n>", _finite(abs)),
    "floor": Entry("<n-:n>", _finite(math.floor)),
    "ceil": Entry("<n-:n>", _finite(math.ceil)),
    "round": Entry("<n-n?:n>", rounded),
    "sqrt": Entry("<n-:n>", square_root),
    "power": Entry("<n-n:n>", power),
    "formatNumber": Entry("<n-so?:s>", format_number),
    "formatBase": Entry("<n-n?:s>", format_base),
    "formatInteger": Entry("<n-s:s>", format_integer),
    "parseInteger": Entry("<s-s:n>", parse_integer),
    "sum": Entry("<a<n>:n>", _fold(sum, empty=0)),
    "max": Entry("<a<n>:n>", _fold(max)),
    "min": Entry("<a<n>:n>", _fold(min)),
    "average": Entry("<a<n>:n>", _fold(lambda values: sum(values) / len(values))),
    "boolean": Entry("<x-:b>", lambda env, value: truth(value, env.meter)),
    "not": Entry("<x-:b>", lambda env, value: not truth(value, env.meter)),
}
