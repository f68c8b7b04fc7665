"""Choice rules of JSONPath mode: a Variable and one of 39 operators, or And, Or, Not of further rules.

Source: https://states-language.net/#choice-state
"""

import operator
from collections.abc import Callable
from typing import Final, TypeAlias

from sfc.asl.diagnostics import Diagnostic
from sfc.asl.expression import Expression, PathError, Scope
from sfc.asl.functions import is_number
from sfc.asl.intrinsics import IntrinsicSyntaxError, compile_intrinsic, is_intrinsic
from sfc.asl.model import Condition
from sfc.asl.paths import PathSyntaxError, compile_path
from sfc.asl.patterns import compile_pattern
from sfc.asl.timestamps import parse_rfc3339
from sfc.jsonvalue import Json

Code: Final = "SCHEMA_VALIDATION_FAILED"
Predicate: TypeAlias = Callable[[Json], bool]
Read: TypeAlias = Callable[[Json], Json]
"""A value as an operator compares it; None when it is of another type."""


def _string(value: Json) -> Json:
    return value if isinstance(value, str) else None


def _number(value: Json) -> Json:
    return value if is_number(value) else None


def _boolean(value: Json) -> Json:
    return value if isinstance(value, bool) else None


def _timestamp(value: Json) -> Json:
    return parse_rfc3339(value) if isinstance(value, str) else None


_READS: Final[dict[str, tuple[Read, str]]] = {
    "String": (_string, "a string"),
    "Numeric": (_number, "a number"),
    "Boolean": (_boolean, "true or false"),
    "Timestamp": (_timestamp, "an RFC 3339 timestamp such as 2026-01-02T03:04:05Z"),
}
_ORDERS: Final[dict[str, Callable[[Json, Json], bool]]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
COMPARISONS: Final = {
    kind + order: (kind, order) for kind in _READS for order in _ORDERS if kind != "Boolean" or order == "Equals"
}
TYPE_TESTS: Final[dict[str, Predicate]] = {
    "IsNull": lambda value: value is None,
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNumeric": is_number,
    "IsString": lambda value: isinstance(value, str),
    "IsTimestamp": lambda value: _timestamp(value) is not None,
}
OPERATORS: Final = frozenset(
    [*COMPARISONS, *(name + "Path" for name in COMPARISONS), *TYPE_TESTS, "IsPresent", "StringMatches"]
)
_NOT_OPERATORS: Final = frozenset(["Variable", "Next", "Comment", "Assign"])
_COMBINERS: Final = ("And", "Or", "Not")


class Compare:
    """Variable against a constant: `StringEquals`, `NumericLessThan` …"""

    __slots__ = ("constant", "order", "read", "variable")

    def __init__(self, variable: Expression, kind: str, order: str, constant: Json) -> None:
        self.variable = variable
        self.read = _READS[kind][0]
        self.order = _ORDERS[order]
        self.constant = self.read(constant)

    def test(self, data: Json, scope: Scope) -> bool:
        value = self.read(self.variable.evaluate(data, scope))
        return value is not None and self.order(value, self.constant)


class ComparePath:
    """Variable against the value at another path: `StringEqualsPath` …"""

    __slots__ = ("order", "other", "read", "variable")

    def __init__(self, variable: Expression, kind: str, order: str, other: Expression) -> None:
        self.variable = variable
        self.other = other
        self.read = _READS[kind][0]
        self.order = _ORDERS[order]

    def test(self, data: Json, scope: Scope) -> bool:
        value = self.read(self.variable.evaluate(data, scope))
        other = self.read(self.other.evaluate(data, scope))
        return value is not None and other is not None and self.order(value, other)


class Check:
    """Variable against a predicate: the type tests and StringMatches."""

    __slots__ = ("predicate", "variable", "wanted")

    def __init__(self, variable: Expression, predicate: Predicate, wanted: bool) -> None:
        self.variable = variable
        self.predicate = predicate
        self.wanted = wanted

    def test(self, data: Json, scope: Scope) -> bool:
        return self.predicate(self.variable.evaluate(data, scope)) is self.wanted


class Present:
    """`IsPresent`: the one operator for which a missing Variable is an answer."""

    __slots__ = ("variable", "wanted")

    def __init__(self, variable: Expression, wanted: bool) -> None:
        self.variable = variable
        self.wanted = wanted

    def test(self, data: Json, scope: Scope) -> bool:
        try:
            self.variable.evaluate(data, scope)
        except PathError:
            return not self.wanted
        return self.wanted


class Combined:
    """And, Or: from left to right, no further than needed, so that IsPresent can guard what follows."""

    __slots__ = ("parts", "stop")

    def __init__(self, parts: tuple[Condition, ...], stop: bool) -> None:
        self.parts = parts
        self.stop = stop
        """The outcome of a part that decides: false in And, true in Or."""

    def test(self, data: Json, scope: Scope) -> bool:
        for part in self.parts:
            if part.test(data, scope) is self.stop:
                return self.stop
        return not self.stop


class Negated:
    __slots__ = ("part",)

    def __init__(self, part: Condition) -> None:
        self.part = part

    def test(self, data: Json, scope: Scope) -> bool:
        return not self.part.test(data, scope)


def compile_condition(rule: dict[str, Json], pointer: str) -> tuple[Condition | None, list[Diagnostic]]:
    """The condition of a choice rule at `pointer`, or None and everything that is wrong with it. `Next`, `Assign` and
    `Comment` of the rule are the caller's.
    """
    compiler = _Compiler()
    condition = compiler.rule(rule, pointer, 0)
    return (None if compiler.found else condition), compiler.found


class _Compiler:
    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def problem(self, pointer: str, message: str) -> None:
        self.found.append(Diagnostic(pointer, Code, message))

    def rule(self, rule: Json, pointer: str, depth: int) -> Condition | None:
        if not isinstance(rule, dict):
            self.problem(pointer, "a choice rule must be an object")
            return None
        if depth and "Next" in rule:
            self.problem(f"{pointer}/Next", "only a top-level choice rule has a Next")
        names = [name for name in rule if name not in _NOT_OPERATORS]
        for name in names:
            if name not in OPERATORS and name not in _COMBINERS:
                self.problem(f"{pointer}/{name}", f"'{name}' is no comparison operator")
        known = [name for name in names if name in OPERATORS or name in _COMBINERS]
        if len(known) != 1:
            if known or len(names) == 0:
                had = ", ".join(known) or "none"
                self.problem(pointer, f"a choice rule needs exactly one operator, And, Or or Not; found {had}")
            return None
        name = known[0]
        place = f"{pointer}/{name}"
        if name not in _COMBINERS:
            return self.comparison(rule, name, pointer)
        if "Variable" in rule:
            self.problem(f"{pointer}/Variable", f"'{name}' takes no Variable")
        if name == "Not":
            part = self.rule(rule[name], place, depth + 1)
            return None if part is None else Negated(part)
        return self.combined(rule[name], place, name == "Or", depth)

    def combined(self, parts: Json, place: str, stop: bool, depth: int) -> Condition | None:
        if not isinstance(parts, list) or not parts:
            self.problem(place, "must be an array of at least one choice rule")
            return None
        made = [self.rule(part, f"{place}[{index}]", depth + 1) for index, part in enumerate(parts)]
        whole = tuple(part for part in made if part is not None)
        return Combined(whole, stop) if len(whole) == len(made) else None

    def comparison(self, rule: dict[str, Json], name: str, pointer: str) -> Condition | None:
        if "Variable" not in rule:
            self.problem(pointer, "a comparison needs a Variable")
            variable = None
        else:
            variable = self.path(rule["Variable"], f"{pointer}/Variable")
        value, place = rule[name], f"{pointer}/{name}"
        if name == "StringMatches":
            if not isinstance(value, str):
                self.problem(place, "StringMatches must be a string")
                return None
            return None if variable is None else Check(variable, compile_pattern(value), True)
        if name in TYPE_TESTS or name == "IsPresent":
            if not isinstance(value, bool):
                self.problem(place, f"{name} must be true or false")
                return None
            if variable is None:
                return None
            return Present(variable, value) if name == "IsPresent" else Check(variable, TYPE_TESTS[name], value)
        kind, order = COMPARISONS[name.removesuffix("Path")]
        if name.endswith("Path"):
            other = self.path(value, place)
            return None if variable is None or other is None else ComparePath(variable, kind, order, other)
        read, wanted = _READS[kind]
        if read(value) is None:
            self.problem(place, f"{name} must be {wanted}")
            return None
        return None if variable is None else Compare(variable, kind, order, value)

    def path(self, text: Json, place: str) -> Expression | None:
        if not isinstance(text, str):
            self.problem(place, "must be a string that holds a JSONPath")
            return None
        try:
            return compile_intrinsic(text) if is_intrinsic(text) else compile_path(text)
        except (PathSyntaxError, IntrinsicSyntaxError) as error:
            self.problem(place, str(error))
            return None
