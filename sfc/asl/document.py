"""From a definition's text to a JSON object, or findings that say where the text breaks.

Refused, each with its place: what is no JSON (NaN, lone surrogates and numbers too large for JSON included), a key that
an object has twice (whoever reads the text cannot know which one counts), and nesting beyond the limit.
"""

import json
from collections import Counter
from typing import Final

import orjson

from sfc.asl.report import Report
from sfc.jackson import complaint
from sfc.jsonvalue import Json, NotJson, check_depth, dumps
from sfc.limits import DEFINITION_CHARS, JSON_DEPTH

INVALID_JSON: Final = "INVALID_JSON_DESCRIPTION"
_NO_OBJECT: Final = "Definition must be a valid JSON object"
_SHOWN_CHARS: Final = 500


def read_document(source: object, report: Report) -> dict[str, Json] | None:
    """The JSON object that `source` (text, UTF-8 bytes or a dict) holds; None after reporting why there is none."""
    text = _text(source, report)
    if text is None:
        return None
    if len(text) > DEFINITION_CHARS:
        report.whole("", f"The definition has {len(text)} characters; at most {DEFINITION_CHARS} are allowed")
        return None
    if not text.strip():
        report.whole("", _NO_OBJECT)
        return None
    try:
        value = orjson.loads(text)
        check_depth(value)
    except orjson.JSONDecodeError as error:
        _broken(text, error, report)
        return None
    except NotJson:
        report.whole("", f"The definition nests deeper than {JSON_DEPTH} levels", INVALID_JSON)
        return None
    if not isinstance(value, dict):
        report.whole("", _NO_OBJECT)
        return None
    _report_duplicates(text, report)
    return value


def _text(source: object, report: Report) -> str | None:
    try:
        if isinstance(source, dict):
            return dumps(source).decode()
        if isinstance(source, str):
            source.encode()
            return source
        if isinstance(source, (bytes, bytearray)):
            return source.decode()
    except (NotJson, UnicodeError, RecursionError) as error:
        report.whole("", f"The definition is not JSON: {error}", INVALID_JSON)
        return None
    report.whole("", _NO_OBJECT)
    return None


def _broken(text: str, error: orjson.JSONDecodeError, report: Report) -> None:
    if "depth limit" in error.msg:
        report.whole("", f"The definition nests deeper than {JSON_DEPTH} levels", INVALID_JSON)
        return
    reason, position = complaint(text, error)
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    shown = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}[truncated {len(text) - _SHOWN_CHARS} chars]"
    place = f'[Source: (String)"{shown}"; line: {line}, column: {column}]'
    report.whole(place, f"{reason}\n at {place}", INVALID_JSON)


def _report_duplicates(text: str, report: Report) -> None:
    twice: dict[int, list[str]] = {}

    def keep(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        made = dict(pairs)
        if len(made) != len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice[id(made)] = [key for key, count in counts.items() if count > 1]
            kept.append(made)
        return made

    kept: list[dict[str, Json]] = []  # an object that a later duplicate replaces stays alive, so its id stays its own
    document = json.loads(text, object_pairs_hook=keep, parse_int=str, parse_float=str)
    if not twice:
        return
    waiting: list[tuple[str, Json]] = [("", document)]
    while waiting:
        at, value = waiting.pop()
        if isinstance(value, dict):
            for key in dict.fromkeys(twice.pop(id(value), ())):
                report.error(f"{at}/{key}", f"Duplicate field '{key}'", INVALID_JSON)
            waiting += [(f"{at}/{key}", child) for key, child in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{at}[{index}]", child) for index, child in enumerate(value)]
    for key in dict.fromkeys(key for keys in twice.values() for key in keys):
        report.error("", f"Duplicate field '{key}' in an object that a later duplicate replaces", INVALID_JSON)
