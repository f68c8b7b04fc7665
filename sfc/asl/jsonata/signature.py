"""Signatures of functions, `<s-nn?:s>`: how arguments are checked and completed before a call.

Source: https://docs.jsonata.org/programming#function-signatures
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from jsonata.signature import Signature as ParsedSignature

from sfc.asl.jsonata.values import UNDEFINED, Fault, kind

_PLURALS: Final = {
    "a": "arrays", "b": "booleans", "f": "functions", "n": "numbers", "o": "objects", "s": "strings",
}  # fmt: skip
_MOST_KNOWN: Final = 64


@dataclass(frozen=True, slots=True)
class Parameter:
    pattern: str
    """A regular expression over the letters of `kind`."""
    type: str
    context: bool
    """`-`: the context item is taken when the argument is not given."""
    items: str | None
    """`a<n>`: the letter of what the array may hold."""


class Signature:
    __slots__ = ("known", "parameters", "pattern", "required")

    def __init__(self, parsed: ParsedSignature) -> None:
        self.parameters = tuple(
            Parameter(each.regex, each.type, each.context, each.subtype)
            for each in parsed._params  # the library has no other way to tell what it read
        )
        self.pattern = re.compile("".join(f"({each.pattern})" for each in self.parameters))
        self.known: dict[str, tuple[str, ...] | None] = {}
        self.required = sum(not each.pattern.endswith("?") or each.context for each in self.parameters)
        """How many arguments a higher-order function passes."""

    def check(self, args: list[Any], context: Any, name: str) -> list[Any]:
        """The arguments as the function takes them. Raises Fault T0410, T0411, T0412."""
        given = "".join([kind(arg) for arg in args])
        letters = self._read(given)
        if letters is None:
            raise self._mismatch(given, name)
        checked: list[Any] = []
        at = 0
        for parameter, matched in zip(self.parameters, letters, strict=True):
            if not matched:
                checked.append(self._from_context(parameter, context, at, name) if parameter.context else UNDEFINED)
            for letter in matched:
                arg = args[at]
                at += 1
                checked.append(self._as_array(parameter, letter, arg, at, name) if parameter.type == "a" else arg)
        return checked

    def _read(self, given: str) -> tuple[str, ...] | None:
        """Which letters belong to each parameter; None when the arguments do not fit."""
        if given in self.known:
            return self.known[given]
        match = self.pattern.fullmatch(given)
        found = None if match is None else match.groups()
        if len(self.known) < _MOST_KNOWN:
            self.known[given] = found
        return found

    @staticmethod
    def _from_context(parameter: Parameter, context: Any, at: int, name: str) -> Any:
        if re.fullmatch(parameter.pattern, kind(context)) is None:
            raise Fault("T0411", f'Context value is not a compatible type with argument {at + 1} of function "{name}"')
        return context

    def _as_array(self, parameter: Parameter, letter: str, arg: Any, position: int, name: str) -> Any:
        if letter == "m":
            return UNDEFINED
        wanted = parameter.items
        if wanted is not None:
            kinds = {kind(item) for item in arg} if letter == "a" else {letter}
            if kinds - {wanted[0]}:
                plural = _PLURALS.get(wanted[0], wanted)
                raise Fault("T0412", f'Argument {position} of function "{name}" must be an array of "{plural}"')
        return arg if letter == "a" else [arg]

    def _mismatch(self, given: str, name: str) -> Fault:
        good = 0
        partial = ""
        for parameter in self.parameters:
            partial += parameter.pattern
            match = re.match(partial, given)
            if match is None:
                break
            good = match.end()
        return Fault("T0410", f'Argument {good + 1} of function "{name}" does not match function signature')


def read_signature(text: str) -> Signature:
    return Signature(ParsedSignature(text, ""))
