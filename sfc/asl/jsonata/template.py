"""Fields in JSONata: JSON in which any string bounded by `{%` and `%}` is an expression.

{"id": "{% $states.input.order.id %}", "note": "stays as it is"}
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sfc.asl.expression import EvaluationError, Scope
from sfc.asl.jsonata.states import States
from sfc.asl.jsonata.syntax import UNSUPPORTED, JsonataSyntaxError
from sfc.asl.jsonata.text import shown
from sfc.asl.jsonata.values import UNDEFINED, Fault
from sfc.asl.paths.plain import kind
from sfc.asl.timestamps import parse_rfc3339
from sfc.jsonvalue import Json
from sfc.limits import CAUSE_CHARS

if TYPE_CHECKING:
    from sfc.asl.jsonata.program import Program

Make: TypeAlias = Callable[[States], Json]
Problem: TypeAlias = tuple[str, str, str]
"""(pointer inside the value, sentence, code)"""
Expected: TypeAlias = Literal["array", "boolean", "integer", "number", "string", "timestamp"]

_MEASURED: Final = 1_000
"""What an expression that computes may grow to be, so that its value is always measured."""


class JsonataValue:
    """A compiled field. Implements `Expression`; `data` is the state's raw input."""

    __slots__ = ("make", "programs", "references", "source")

    def __init__(self, source: str, make: Make, programs: "tuple[Program, ...]") -> None:
        self.source = source
        self.make = make
        self.programs = programs
        self.references = sum(1 if program.picks else _MEASURED for program in programs)

    def evaluate(self, data: Json, scope: Scope) -> Json:
        return self.make(States(data, scope))


def is_expression(value: Json) -> bool:
    return isinstance(value, str) and len(value) >= 4 and value.startswith("{%") and value.endswith("%}")


def compile_value(value: Json, field: str, parts: frozenset[str]) -> tuple[JsonataValue | None, list[Problem]]:
    """The compiled field, or None and everything that is wrong in it. `parts`: of `$states`, what there is in it."""
    compiler = _Compiler(parts)
    make = compiler.value(value, field, "")
    if compiler.problems:
        return None, compiler.problems
    source = value[2:-2].strip() if is_expression(value) else ""
    return JsonataValue(source, make or (lambda states: value), tuple(compiler.programs)), []


class _Compiler:
    """Makes a closure for each part that is computed; None stands for a part that is constant."""

    def __init__(self, parts: frozenset[str]) -> None:
        self.parts = parts
        self.problems: list[Problem] = []
        self.programs: list[Program] = []

    def value(self, value: Json, field: str, pointer: str) -> Make | None:
        if isinstance(value, str):
            return self.text(value, field, pointer)
        if isinstance(value, dict):
            members = {key: self.value(member, f"{field}/{key}", f"{pointer}/{key}") for key, member in value.items()}
            computed = [(key, make) for key, make in members.items() if make is not None]
            return _filled_object(value, computed) if computed else None
        if isinstance(value, list):
            items = [self.value(item, f"{field}[{at}]", f"{pointer}[{at}]") for at, item in enumerate(value)]
            places = [(at, make) for at, make in enumerate(items) if make is not None]
            return _filled_array(value, places) if places else None
        return None

    def text(self, value: str, field: str, pointer: str) -> Make | None:
        if not is_expression(value):
            if value.startswith("{%") or value.endswith("%}"):
                sentence = "A JSONata expression must begin with '{%' and end with '%}'"
                self.problems.append((pointer, sentence, "SCHEMA_VALIDATION_FAILED"))
            return None
        from sfc.asl.jsonata.program import (
            compile_expression,  # a tenth of a cold start, for those who have expressions
        )

        try:
            program = compile_expression(value[2:-2])
        except JsonataSyntaxError as error:
            self.problems.append((pointer, str(error), error.code))
            return None
        if not program.analysis.whole:
            for part in program.analysis.fields:
                if part not in self.parts:
                    self.problems.append((pointer, f"Field '$states.{part}' does not exist.", UNSUPPORTED))
        self.programs.append(program)
        return evaluation(program, field)


def evaluation(program: "Program", field: str) -> Make:
    """Runs a program for a field; what goes wrong becomes an EvaluationError that names both."""
    run = program.run

    def make(states: States) -> Json:
        try:
            value = run(states)
        except Fault as fault:
            raise _thrown(program, field, fault) from None
        if value is UNDEFINED:
            raise EvaluationError(f"{_about(program, field)} returned nothing (undefined).", field)
        return value

    return make


def _about(program: "Program", field: str) -> str:
    return f"The JSONata expression '{program.source}' specified for the field '{field}'"


def _thrown(program: "Program", field: str, fault: Fault) -> EvaluationError:
    tail = f". {fault.code}: {fault.message}" if fault.code else f": {fault.message}"
    return EvaluationError(f"{_about(program, field)} threw an error during evaluation{tail}", field)


def typed(
    value: JsonataValue, field: str, expected: Expected, low: float = 0, high: float = float("inf")
) -> JsonataValue:
    """The same field, held to a type, and numbers to a range. A field that is no expression was checked when it was
    read.
    """
    make = value.make
    if not value.source:
        return value
    program = value.programs[0]

    def checked(states: States) -> Json:
        found = make(states)
        if expected == "timestamp" and isinstance(found, str) and parse_rfc3339(found) is None:
            raise EvaluationError(
                f"The {field} field cannot be parsed as an ISO-8601 extended offset date-time format string: {found}",
                field,
            )
        if expected == "integer" and isinstance(found, float) and found.is_integer():
            found = int(found)
        if not _is(found, expected):
            wanted = "string" if expected == "timestamp" else expected
            raise EvaluationError(
                f"{_about(program, field)} returned an unexpected result type. "
                f"Expected '{wanted}', but was '{kind(found)}' for value: {shown(found, CAUSE_CHARS // 2)}",
                field,
            )
        if expected in ("integer", "number") and not low <= found <= high:
            most = "" if high == float("inf") else f" and at most {high}"
            raise EvaluationError(f"The {field} field must be at least {low}{most} but was: {found}", field)
        return found

    return JsonataValue(value.source, checked, value.programs)


def _is(value: Any, expected: Expected) -> bool:
    if expected == "array":
        return isinstance(value, list)
    if expected == "boolean":
        return isinstance(value, bool)
    if expected in ("string", "timestamp"):
        return isinstance(value, str)
    numbers = (int,) if expected == "integer" else (int, float)
    return isinstance(value, numbers) and not isinstance(value, bool)


def _filled_object(frame: dict[str, Json], parts: list[tuple[str, Make]]) -> Make:
    def make(states: States) -> Json:
        made = frame.copy()  # keeps the order of the members
        for name, part in parts:
            made[name] = part(states)
        return made

    return make


def _filled_array(frame: list[Json], parts: list[tuple[int, Make]]) -> Make:
    def make(states: States) -> Json:
        made = frame.copy()
        for at, part in parts:
            made[at] = part(states)
        return made

    return make
