"""Regular expressions of JSONata, run by RE2, whose time is linear in the text whatever the pattern.

Written in JavaScript's syntax. What RE2 cannot do (look-around, back-references) is refused when the definition is
read.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import re2
from jsonata.regex_engine import RegexFlags

from sfc.asl.jsonata.calls import Made
from sfc.asl.jsonata.values import UNDEFINED, Callee, Env, Fault
from sfc.limits import JSONATA_CHARS

_MEMORY_BYTES: Final = 8 << 20
_UNBOUNDED: Final = re.compile(r"[*+]|\{[0-9]+,\}")
_LAST: Final = re.compile(r"(\\.|\[(?:\\.|[^\]\\])*\]|[^\\()\[\]])[*+]$")
"""A repetition at the end: what it looks at, it also matches."""
_SMALL: Final = 32
_WORK: Final = 8
_QUICK_WORK: Final = 11
"""Powers of two: characters times instructions that count as one step, and characters where the automaton is small."""
_UNICODE: Final = re.compile(r"\\(\\|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\})")


class RegexSyntaxError(ValueError):
    """The pattern is none, or one that cannot be matched in linear time."""


class Regex(Callee):
    """A compiled literal. Called with a text it gives the first match, as JSONata's matchers do."""

    __slots__ = ("pattern", "size", "source", "unbounded")

    def __init__(self, source: str, flags: RegexFlags) -> None:
        self.source = source
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY_BYTES
        options.case_sensitive = not flags.case_insensitive
        translated = _UNICODE.sub(_code_point, source)
        try:
            self.pattern = re2.compile(("(?m)" if flags.multiline else "") + translated, options)
        except re2.error as error:
            reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error.args[0]
            raise RegexSyntaxError(f"/{source}/ cannot be matched in linear time: {reason}") from None
        self.size: int = self.pattern.programsize
        self.unbounded = "|" in source or _UNBOUNDED.search(_LAST.sub("", source)) is not None

    def matches(self, text: str, env: Env) -> "Iterator[re2._Match]":
        """Every match, from left to right. Raises Fault for one of no characters.

        A search costs at most the rest of the text times the size of the pattern; small ones do with much less, since
        their automaton stays in memory, and those without `*` and `+` inside look no further than they are long.
        """
        spend, size, length = env.meter.spend, self.size, len(text)
        spend(1 + (length * size >> _WORK))
        for match in self.pattern.finditer(text):
            end = match.end()
            if end == match.start():
                raise Fault("D1004", "Regular expression matches zero length string")
            ahead = length - end if self.unbounded else size
            spend(1 + (ahead >> _QUICK_WORK if size <= _SMALL else ahead * size >> _WORK + 2))
            yield match

    def call(self, args: list[Any], context: Any, env: Env) -> Any:
        text = args[0] if args else UNDEFINED
        if not isinstance(text, str):
            return UNDEFINED
        found = self.matches(text, env)

        def following(_ignored: Any, _env: Env) -> Any:
            match = next(found, None)
            if match is None:
                return UNDEFINED
            return {**found_by(match), "next": Made(following)}

        return following(None, env)

    @property
    def arity(self) -> int:
        return 1


def found_by(match: Any) -> dict[str, Any]:
    """A match as JSONata has it; a group that took no part in it is the empty text."""
    groups = [group or "" for group in match.groups()]
    return {"match": match[0], "start": match.start(), "end": match.end(), "groups": groups}


def _code_point(match: re.Match[str]) -> str:
    digits = match[2] or match[3]
    return match[0] if digits is None else f"\\x{{{digits}}}"


def compile_regex(pattern: str, flags: RegexFlags) -> Any:
    """The engine that jsonata-python's tokenizer calls for a literal. Raises RegexSyntaxError."""
    if len(pattern) > JSONATA_CHARS:
        raise RegexSyntaxError("the regular expression is too long")
    return Regex(pattern, flags)
