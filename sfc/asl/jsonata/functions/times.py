"""Functions on dates and times. `$now()` is the time of what made the state go on. Source:
https://docs.jsonata.org/date-time-functions
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import re2
from jsonata.datetimeutils import DateTimeUtils

from sfc.asl.jsonata.functions.numbers import borrowed
from sfc.asl.jsonata.functions.table import Entry
from sfc.asl.jsonata.text import shown
from sfc.asl.jsonata.values import UNDEFINED, Env, Fault

_ISO: Final = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?(Z|[-+][0-9]{2}:?[0-9]{2})?)?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PICTURE_CHARS: Final = 256
_WIDTHS: Final = re.compile(r",[^\]]*[0-9]{4}")
"""A width of four digits; the library pads to it."""
_TIMEZONE: Final = re.compile(r"[-+]?[0-9]{1,4}")


def now(env: Env, picture: Any = UNDEFINED, timezone: Any = UNDEFINED) -> Any:
    return from_millis(env, env.meter.now_ms, picture, timezone)


def from_millis(env: Env, millis: Any, picture: Any = UNDEFINED, timezone: Any = UNDEFINED) -> Any:
    pattern = None if picture is UNDEFINED else _checked(picture)
    zone = None if timezone is UNDEFINED else timezone
    if zone is not None and not _TIMEZONE.fullmatch(zone):
        raise Fault("D3134", "The timezone integer format specifier cannot have more than four digits")
    return borrowed(DateTimeUtils.format_datetime, int(millis), pattern, zone)


def _checked(picture: str) -> str:
    if len(picture) > _PICTURE_CHARS or _WIDTHS.search(picture):
        raise Fault("", f"The picture string is longer than {_PICTURE_CHARS} characters or asks for too wide a number")
    return picture


def to_millis(env: Env, text: str, picture: Any = UNDEFINED) -> Any:
    if picture is not UNDEFINED:
        return _parsed(env, text, _checked(picture))
    match = _ISO.fullmatch(text)
    if match is None:
        raise _no_timestamp(text)
    year, month, day, hour, minute, second = (
        int(part or default) for part, default in zip(match.groups()[:6], "111000", strict=True)
    )
    fraction = int(((match[7] or "") + "000")[:3])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise _no_timestamp(text) from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * 1000 + fraction - _offset_ms(match[8])


def _offset_ms(zone: str | None) -> int:
    if zone in (None, "Z"):
        return 0
    assert zone is not None
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if zone[0] == "-" else minutes) * 60_000


def _no_timestamp(text: str) -> Fault:
    return Fault(
        "D3110", f"The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given {shown(text)}"
    )


def _parsed(env: Env, text: str, picture: str) -> Any:
    """`$toMillis(text, picture)`: the library reads the picture; the text is matched in linear time, and what it does
    not say is taken from the time of the evaluation.
    """
    env.meter.spend(len(text))
    matchers = borrowed(lambda: DateTimeUtils._generate_regex(DateTimeUtils._analyse_datetime_picture(picture)))
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    pattern = borrowed(lambda: re2.compile("".join(f"({part.regex})" for part in matchers.parts), options))
    match = pattern.fullmatch(text)
    if match is None:
        return UNDEFINED
    found: dict[str, int] = {}
    for part, value in zip(matchers.parts, match.groups(), strict=False):
        if part.component is not None:
            found[part.component] = borrowed(part.parse, value)
    return borrowed(_moment, found, env.meter.now_ms) if found else UNDEFINED


def _moment(found: dict[str, int], now_ms: int) -> int:
    """Milliseconds of the components; below the first that is given they begin at their least, above it they are those
    of now.
    """
    if set(found) & set("XxWw"):
        raise ValueError("The date/time picture string is missing specifiers required to parse the timestamp")
    today = _EPOCH + timedelta(milliseconds=now_ms)
    if "h" in found:
        found["H"] = found["h"] % 12 + (12 if found.get("P") == 1 else 0)
    order = {"Y": today.year, "M": today.month, "D": today.day, "H": today.hour, "m": today.minute, "s": today.second}
    if "d" in found:
        moment = datetime(found.get("Y", today.year), 1, 1, tzinfo=UTC) + timedelta(days=found["d"] - 1)
        found["M"], found["D"] = moment.month, moment.day
    parts: dict[str, int] = {}
    begun = False
    for name, current in order.items():
        begun = begun or name in found
        parts[name] = found.get(name, (1 if name in "MD" else 0) if begun else current)
    moment = datetime(parts["Y"], parts["M"], parts["D"], parts["H"], parts["m"], parts["s"], tzinfo=UTC)
    zone = found.get("Z", found.get("z", 0))
    return (moment - _EPOCH) // timedelta(milliseconds=1) + found.get("f", 0) - zone * 60_000


TABLE: Final = {
    "now": Entry("<s?s?:s>", now, undefined=True),
    "millis": Entry("<:n>", lambda env: env.meter.now_ms, undefined=True),
    "fromMillis": Entry("<n-s?s?:s>", from_millis),
    "toMillis": Entry("<s-s?:n>", to_millis),
}
