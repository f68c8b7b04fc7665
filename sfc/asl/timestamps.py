"""RFC 3339 timestamps, as the language takes them. Milliseconds are UTC, since 1970."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def parse_rfc3339(text: str) -> int | None:
    """UTC ms; None when `text` is no such timestamp. Capital T, and Z or an offset, are required; fractions of a
    millisecond are cut off.

    Source: https://states-language.net/#timestamps
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
    ms = (moment - _EPOCH) // _MS + int(((fraction or "") + "000")[:3])
    if sign is None:
        return ms
    if int(hours) > 23 or int(minutes) > 59:
        return None
    offset_ms = (int(hours) * 60 + int(minutes)) * 60_000
    return ms - offset_ms if sign == "+" else ms + offset_ms


def format_ms(ms: int) -> str:
    """`2026-01-02T03:04:05.678Z`, the form of times in the context object and in answers."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")[:-6] + "Z"
