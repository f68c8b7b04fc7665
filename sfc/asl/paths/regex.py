"""Patterns of `=~`, matched in time linear in the text.

Python's own matcher can take exponential time, and both pattern and text come from outside. So a pattern becomes an
automaton whose states are followed all at once (Thompson, 1968). It knows what such an automaton can: literals, `.`,
classes, `\\d \\w \\s`, groups, `|`, `* + ? {m,n}`; no back-references and no look-around. As in Jayway the whole text
must match, so `^`, `$` and lazy repeats change nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from sfc.limits import PATTERN_CHARS, PATTERN_STATES


class PatternError(ValueError):
    """The pattern is malformed, too large, or asks for what an automaton cannot do."""


Matcher: TypeAlias = Callable[[str, Callable[[int], None]], bool]

_ATOM: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\[dDwWsStnr]|\\[^a-zA-Z0-9]|[^\\()|*+?{}\[\]]")
_REPEAT: Final = re.compile(r"(?:([*+?])|\{(\d{1,4})(?:(,)(\d{0,4}))?\})[?+]?")
_GROUP: Final = re.compile(r"\((?!\?)|\(\?:")
_DEPTH: Final = 20


@dataclass(slots=True, eq=False)
class _State:
    """`accepts` is None for a state that is only passed through; then `exits` lead on without a character."""

    accepts: Callable[[str], object] | None = None
    exits: "list[_State]" = field(default_factory=list)


@lru_cache(maxsize=256)
def compile_regex(pattern: str, ignore_case: bool = False) -> Matcher:
    """A test whether all of a text matches; it reports its work to `spend`, about one for a microsecond. Raises
    PatternError.
    """
    if len(pattern) > PATTERN_CHARS:
        raise PatternError(f"longer than {PATTERN_CHARS} characters")
    reader = _Reader(pattern, re.IGNORECASE if ignore_case else re.NOFLAG)
    start, end = reader.alternatives(0)
    if reader.at < len(pattern):
        raise PatternError(f"unexpected '{pattern[reader.at]}' at position {reader.at}")
    first = _closure([start])

    def matches(text: str, spend: Callable[[int], None]) -> bool:
        current = first
        for character in text:
            spend(1 + len(current) // 4)
            current = _closure([s.exits[0] for s in current if s.accepts is not None and s.accepts(character)])
            if not current:
                return False
        return end in current

    return matches


def _closure(states: list[_State]) -> set[_State]:
    """`states` and all that is reached from them without a character."""
    seen, todo = set(states), list(states)
    while todo:
        state = todo.pop()
        if state.accepts is None:
            fresh = [exit_ for exit_ in state.exits if exit_ not in seen]
            seen.update(fresh)
            todo.extend(fresh)
    return seen


class _Reader:
    """Reads a pattern into pieces of automaton, each a (first, last) pair of states."""

    def __init__(self, pattern: str, flags: re.RegexFlag) -> None:
        self.pattern = pattern
        self.flags = flags
        self.at = 0
        self.states = 0

    def state(self, accepts: Callable[[str], object] | None = None) -> _State:
        self.states += 1
        if self.states > PATTERN_STATES:
            raise PatternError(f"more than {PATTERN_STATES} states")
        return _State(accepts)

    def alternatives(self, depth: int) -> tuple[_State, _State]:
        if depth > _DEPTH:
            raise PatternError(f"groups nest deeper than {_DEPTH}")
        first, last = self.state(), self.state()
        while True:
            start, end = self.sequence(depth)
            first.exits.append(start)
            end.exits.append(last)
            if not self.pattern.startswith("|", self.at):
                return first, last
            self.at += 1

    def sequence(self, depth: int) -> tuple[_State, _State]:
        first = last = self.state()
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            for start, end in self.repeated(depth):
                last.exits.append(start)
                last = end
        return first, last

    def repeated(self, depth: int) -> list[tuple[_State, _State]]:
        """One atom or group and its repeat, as pieces to be chained."""
        begin = self.at
        self.atom(depth)
        behind = self.at
        repeat = _REPEAT.match(self.pattern, behind)
        least, most = (1, 1) if repeat is None else _counts(repeat)
        pieces = [self.again(begin, depth) for _ in range(least)]
        if most is None:
            pieces.append(self.loop(begin, depth))
        else:
            pieces += [self.optional(begin, depth) for _ in range(most - least)]
        self.at = behind if repeat is None else repeat.end()
        return pieces

    def again(self, begin: int, depth: int) -> tuple[_State, _State]:
        """A fresh copy of the atom that begins there."""
        self.at = begin
        return self.atom(depth)

    def optional(self, begin: int, depth: int) -> tuple[_State, _State]:
        start, end = self.again(begin, depth)
        first, last = self.state(), self.state()
        first.exits += [start, last]
        end.exits.append(last)
        return first, last

    def loop(self, begin: int, depth: int) -> tuple[_State, _State]:
        start, end = self.again(begin, depth)
        gate = self.state()
        gate.exits.append(start)
        end.exits.append(gate)
        last = self.state()
        gate.exits.append(last)
        return gate, last

    def atom(self, depth: int) -> tuple[_State, _State]:
        group = _GROUP.match(self.pattern, self.at)
        if group is not None:
            self.at = group.end()
            piece = self.alternatives(depth + 1)
            if not self.pattern.startswith(")", self.at):
                raise PatternError("a group is not closed")
            self.at += 1
            return piece
        atom = _ATOM.match(self.pattern, self.at)
        if atom is None:
            raise PatternError(f"'{self.pattern[self.at :][:10]}' at position {self.at} is not supported")
        self.at = atom.end()
        last = self.state()
        if atom[0] in "^$":
            return last, last
        first = self.state(self.one(atom[0]))
        first.exits.append(last)
        return first, last

    def one(self, atom: str) -> Callable[[str], object]:
        try:
            return re.compile(atom, self.flags).fullmatch
        except re.error as error:
            raise PatternError(str(error)) from None


def _counts(repeat: re.Match[str]) -> tuple[int, int | None]:
    sign, least, comma, most = repeat.groups()
    if sign is not None:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
    if comma is None:
        return int(least), int(least)
    if most == "":
        return int(least), None
    if int(most) < int(least):
        raise PatternError(f"'{repeat[0]}': the second number is below the first")
    return int(least), int(most)
