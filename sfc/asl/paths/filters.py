"""The text of a filter, `[?(@.price < 10 && @.kind in ['a', 'b'])]`, taken apart once.

From loosest to tightest: `||`, `&&`, `!`, comparison. Source: https://github.com/json-path/JsonPath#filter-operators
"""

import re
from typing import Final

import orjson

from sfc.asl.paths.syntax import (
    QUOTED,
    All,
    AnyOf,
    Compare,
    Exists,
    Literal,
    Matches,
    Not,
    Operand,
    Reader,
    Test,
    read_steps,
    unquote,
)

DEPTH: Final = 20
"""Brackets, `!` and filters inside each other."""

_COMPARISON: Final = re.compile(r"==|!=|<=|>=|<|>|=~|(?:in|nin)\b")
_REGEX: Final = re.compile(r"/((?:\\.|[^/\\])*)/(i?)")
_BARE: Final = re.compile(r"[A-Za-z_][\w-]*")
"""A word without quotes is taken as a string: published workflows that AWS runs write `[?(@.type==TOTAL)]`."""
_WORD: Final = re.compile(r"[^\s,()\[\]'\"@$=<>!&|]+")


def read_filter(reader: Reader) -> Test:
    """Reads from behind `[?` through `]`."""
    reader.need("(")
    test = _either(reader)
    reader.need(")")
    reader.need("]")
    return test


def _either(reader: Reader) -> Test:
    reader.depth += 1
    if reader.depth > DEPTH:
        raise reader.error(f"filters and brackets nest deeper than {DEPTH}")
    parts = [_both(reader)]
    while _operator(reader, "||"):
        parts.append(_both(reader))
    reader.depth -= 1
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def _both(reader: Reader) -> Test:
    parts = [_single(reader)]
    while _operator(reader, "&&"):
        parts.append(_single(reader))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _operator(reader: Reader, sign: str) -> bool:
    reader.space()
    return reader.skip(sign)


def _single(reader: Reader) -> Test:
    reader.space()
    negated = False
    while reader.skip("!"):
        negated = not negated
        reader.space()
    if reader.skip("("):
        test = _either(reader)
        reader.need(")")
    else:
        test = _comparison(reader)
    return Not(test) if negated else test


def _comparison(reader: Reader) -> Test:
    left = _operand(reader)
    reader.space()
    operator = reader.take(_COMPARISON)
    reader.space()
    if operator is None:
        if isinstance(left, Literal):
            raise reader.error("expected a comparison")
        return Exists(left)
    if operator == "=~":
        return _matches(reader, left)
    right = _list(reader) if operator in {"in", "nin"} and reader.skip("[") else _operand(reader)
    return Compare(left, operator, right)


def _matches(reader: Reader, left: Operand | Literal) -> Test:
    from sfc.asl.paths.regex import PatternError, compile_regex

    match = _REGEX.match(reader.text, reader.at)
    if match is None:
        raise reader.error("expected a pattern such as /a.*/ or /a.*/i")
    pattern, ignore_case = match[1].replace("\\/", "/"), bool(match[2])
    try:
        compile_regex(pattern, ignore_case)
    except PatternError as error:
        raise reader.error(f"in the pattern: {error}") from None
    reader.at = match.end()
    return Matches(left, pattern, ignore_case)


def _operand(reader: Reader) -> Operand | Literal:
    for root in ("@", "$"):
        if reader.skip(root):
            return Operand(root, read_steps(reader))
    quoted = reader.take(QUOTED)
    if quoted is not None:
        return Literal(unquote(quoted))
    word = reader.take(_WORD)
    if word is None:
        raise reader.error("expected a path, string, number, true, false or null")
    try:
        return Literal(orjson.loads(word))
    except orjson.JSONDecodeError:
        if _BARE.fullmatch(word) is None:
            raise reader.error(f"'{word}' is no path, string, number, true, false or null") from None
        return Literal(word)


def _list(reader: Reader) -> Literal:
    """The rest of `['a', 1]`."""
    values: list[object] = []
    reader.space()
    while not reader.skip("]"):
        operand = _operand(reader)
        if isinstance(operand, Operand):
            raise reader.error("a list may hold constants only")
        values.append(operand.value)
        reader.space()
        if reader.skip(","):
            reader.space()
        elif not reader.text.startswith("]", reader.at):
            raise reader.error("expected ',' or ']'")
    return Literal(values)
