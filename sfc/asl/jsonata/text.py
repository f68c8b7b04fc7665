"""Values as text, as `$string` and the messages of faults give them."""

from types import NoneType
from typing import Any, Final

import orjson

from sfc.asl.jsonata.values import UNDEFINED, Callee, Fault, Meter, is_number
from sfc.limits import JSON_DEPTH

_SHOWN_CHARS: Final = 200
_PLAIN_UP_TO: Final = 21
_PLAIN_DOWN_TO: Final = 7
"""Powers of ten outside of which JavaScript writes an exponent."""


def string(value: Any, meter: Meter, indent: int | None = None) -> str:
    """A text is itself, a function is empty, everything else is JSON with numbers of at most 15 digits."""
    if value.__class__ is str:
        return str(value)
    if isinstance(value, Callee):
        return ""
    parts: list[str] = []
    _write(value, parts, meter, indent, "\n")
    return "".join(parts)


def _write(value: Any, parts: list[str], meter: Meter, indent: int | None, line: str) -> None:
    meter.spend(1)
    if value is None or value is UNDEFINED:
        parts.append("null")
    elif value.__class__ is bool:
        parts.append("true" if value else "false")
    elif value.__class__ is int or value.__class__ is float:
        if not is_number(value):
            raise Fault("D3001", "Attempting to invoke string function on Infinity or NaN")
        parts.append(number_text(value))
    elif value.__class__ is str:
        meter.hold(len(value))
        parts.append(quoted(value))
    elif isinstance(value, list):
        _write_all([("", item) for item in value], "[]", parts, meter, indent, line)
    elif isinstance(value, dict):
        gap = ": " if indent else ":"
        members = [(quoted(key) + gap, member) for key, member in value.items() if member is not UNDEFINED]
        _write_all(members, "{}", parts, meter, indent, line)
    else:
        parts.append('""')


def _write_all(
    members: list[tuple[str, Any]], brackets: str, parts: list[str], meter: Meter, indent: int | None, line: str
) -> None:
    if not members:
        parts.append(brackets)
        return
    meter.deeper(1)
    inner = line + " " * indent if indent else ""
    parts.append(brackets[0])
    for number, (head, member) in enumerate(members):
        parts.append(("," if number else "") + inner + head)
        _write(member, parts, meter, indent, inner)
    parts.append((line if indent else "") + brackets[1])
    meter.depth -= 1


def quoted(text: str) -> str:
    return orjson.dumps(text.encode("utf-8", "replace").decode()).decode()


def number_text(value: Any) -> str:
    """A number as JavaScript writes it, rounded to 15 digits."""
    if value.__class__ is int and abs(value) < 10**15:
        return str(value)
    mantissa, _, exponent = f"{abs(value):.14e}".partition("e")
    digits, power = mantissa.replace(".", "").rstrip("0") or "0", int(exponent)
    sign = "-" if value < 0 else ""
    if 0 <= power < _PLAIN_UP_TO:
        whole, fraction = digits[: power + 1].ljust(power + 1, "0"), digits[power + 1 :]
        return sign + whole + (f".{fraction}" if fraction else "")
    if -_PLAIN_DOWN_TO < power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'+' if power > 0 else '-'}{abs(power)}"


def shown(value: Any, limit: int = _SHOWN_CHARS) -> str:
    """A value as JSON in a message, cut where it gets longer than `limit`; costs no more than it shows."""
    parts: list[str] = []
    room = _show(value, parts, limit, 0)
    text = "".join(parts)
    return text if room >= 0 else text[:limit] + "…"


def _show(value: Any, parts: list[str], room: int, depth: int) -> int:
    """Write as much of `value` as there is room for; the room that is left, negative when it was too little."""
    if isinstance(value, (list, dict)) and depth < JSON_DEPTH:
        members = value.items() if isinstance(value, dict) else [("", item) for item in value[: room + 1]]
        brackets = "{}" if isinstance(value, dict) else "[]"
        parts.append(brackets[0])
        room -= 2
        for number, (key, member) in enumerate(members):
            head = ("," if number else "") + (f"{quoted(key)}:" if brackets == "{}" else "")
            parts.append(head)
            room -= len(head)
            if room < 0:
                return room
            room = _show(member, parts, room, depth + 1)
        parts.append(brackets[1])
        return room
    if not isinstance(value, (str, int, float, NoneType)):
        # A function has no JSON, and its own text would tell where it lies in memory.
        value = "undefined" if value is UNDEFINED else "function"
    plain = value[: room + 1] if isinstance(value, str) else value
    known = plain is None or plain.__class__ in (str, bool, int, float)
    made = orjson.dumps(plain).decode() if known and plain.__class__ is not int else str(plain)
    parts.append(made)
    return room - len(made)
