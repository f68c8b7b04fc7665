"""Intrinsic functions: `States.Format('Hello {}', $.name)`.

This module reads their text; what each function does is in `sfc.asl.functions`.
Source: https://states-language.net/#intrinsic-functions
"""

import re
from dataclasses import dataclass
from typing import Final

import orjson

from sfc.asl.expression import Expression, FlowError, Scope
from sfc.asl.functions import FUNCTIONS, Function, IntrinsicProblem, format_text, literal_pieces
from sfc.asl.paths import PathSyntaxError, compile_path
from sfc.jsonvalue import Json
from sfc.limits import INTRINSIC_DEPTH, INTRINSIC_TEXT_CHARS


class IntrinsicSyntaxError(ValueError):
    """The text is no call of an intrinsic function."""


_HEAD: Final = re.compile(r"\s*(States\.[A-Za-z0-9]+)\s*\(")
_STRING: Final = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
_WORD: Final = re.compile(r"[^\s,()'\"$\[\]]+")
_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_UNKNOWN_ESCAPE: Final = re.compile(r"(?:[^\\]|\\['{}\\])*?(\\[^'{}\\])", re.DOTALL)
_SPACE: Final = re.compile(r"\s*")


def is_intrinsic(text: str) -> bool:
    """Whether `text` is meant as a function rather than a path."""
    return text.lstrip().startswith("States.")


def compile_intrinsic(text: str) -> Expression:
    """Raises IntrinsicSyntaxError: unknown function, wrong number of arguments, nesting, a bad path or literal.

    Evaluating it raises FlowError States.IntrinsicFailure, or PathError when an argument's path finds nothing.
    """
    if len(text) > INTRINSIC_TEXT_CHARS:
        raise IntrinsicSyntaxError(f"the intrinsic function is longer than {INTRINSIC_TEXT_CHARS} characters")
    reader = _Reader(text)
    call = reader.call(1)
    reader.space()
    if reader.at < len(text):
        raise reader.error("unexpected text")
    return call


@dataclass(frozen=True, slots=True)
class Constant:
    source: str
    value: Json
    references: int = 0

    def evaluate(self, data: Json, scope: Scope) -> Json:
        return self.value


@dataclass(frozen=True, slots=True)
class Call:
    """`references`: how many arguments, at any depth, are read from data; at least 1."""

    source: str
    function: Function
    arguments: tuple[Expression, ...]
    references: int

    def evaluate(self, data: Json, scope: Scope) -> Json:
        values = [argument.evaluate(data, scope) for argument in self.arguments]
        try:
            return self.function(values, scope)
        except IntrinsicProblem as problem:
            cause = f"The function '{self.source}' had the following error: {problem}"
            raise FlowError("States.IntrinsicFailure", cause) from None


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, message: str) -> IntrinsicSyntaxError:
        return IntrinsicSyntaxError(f"'{self.text}' is no intrinsic function: {message} at position {self.at}")

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def here(self) -> str:
        return self.text[self.at : self.at + 1]

    def call(self, depth: int) -> Call:
        start = self.at
        head = _HEAD.match(self.text, self.at)
        if head is None:
            raise self.error("expected States.Name(")
        entry = FUNCTIONS.get(head[1])
        if entry is None:
            raise self.error(f"there is no function '{head[1]}'")
        if depth > INTRINSIC_DEPTH:
            raise self.error(f"functions nest deeper than {INTRINSIC_DEPTH}")
        self.at = head.end()
        arguments = self.arguments(depth)
        least, most, function = entry
        if not least <= len(arguments) <= (len(arguments) if most is None else most):
            raise self.error(f"{head[1]} takes {_count(least, most)}, not {len(arguments)},")
        if function is format_text and isinstance(arguments[0], Constant) and isinstance(arguments[0].value, str):
            template = arguments[0].source
            arguments[0] = Constant(template, literal_pieces(template[1:-1]))
        references = sum(getattr(argument, "references", 1) for argument in arguments)
        return Call(self.text[start : self.at].strip(), function, tuple(arguments), max(1, references))

    def arguments(self, depth: int) -> list[Expression]:
        found: list[Expression] = []
        self.space()
        if self.here() == ")":
            self.at += 1
            return found
        while True:
            found.append(self.argument(depth))
            self.space()
            closing = self.here()
            if closing not in {",", ")"}:
                raise self.error("expected ',' or ')'")
            self.at += 1
            if closing == ")":
                return found
            self.space()

    def argument(self, depth: int) -> Expression:
        if self.here() == "$":
            return self.path()
        if _HEAD.match(self.text, self.at):
            return self.call(depth + 1)
        string = _STRING.match(self.text, self.at)
        if string is not None:
            wrong = _UNKNOWN_ESCAPE.match(string[1])
            if wrong is not None:
                raise self.error(f"'{wrong[1]}' is no escape; those are \\' \\{{ \\}} and \\\\; the string begins")
            self.at = string.end()
            return Constant(string[0], _ESCAPE.sub(r"\1", string[1]))
        word = _WORD.match(self.text, self.at)
        if word is None:
            raise self.error("expected an argument")
        try:
            value = orjson.loads(word[0])
        except orjson.JSONDecodeError:
            raise self.error(
                f"'{word[0]}' is no string in single quotes, number, boolean, null, path or function"
            ) from None
        self.at = word.end()
        return Constant(word[0], value)

    def path(self) -> Expression:
        """A path ends at the comma or bracket that closes the argument."""
        start, open_brackets = self.at, 0
        while self.at < len(self.text):
            character = self.text[self.at]
            quoted = _QUOTED.match(self.text, self.at) if open_brackets else None
            if quoted is not None:
                self.at = quoted.end()
                continue
            if character in "[(":
                open_brackets += 1
            elif character in "])" and open_brackets:
                open_brackets -= 1
            elif not open_brackets and character in ",)":
                break
            self.at += 2 if character == "\\" else 1
        try:
            return compile_path(self.text[start : self.at].rstrip())
        except PathSyntaxError as error:
            raise IntrinsicSyntaxError(str(error)) from None


def _count(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least} arguments"
    return f"{least} argument{'s' * (least != 1)}" if least == most else f"{least} or {most} arguments"
