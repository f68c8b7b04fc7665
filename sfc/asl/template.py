"""Payload templates: JSON in which members whose name ends in `.$` are computed.

    {"id.$": "$.order.id", "at.$": "$$.State.EnteredTime", "note": "$.stays.as.it.is"}

Source: https://states-language.net/#payload-template
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from sfc.asl.expression import Expression, PathError, Scope, runtime_error
from sfc.asl.intrinsics import IntrinsicSyntaxError, compile_intrinsic, is_intrinsic
from sfc.asl.paths import PathSyntaxError, compile_path
from sfc.jsonvalue import Json, text

Make: TypeAlias = Callable[[Json, Scope], Json]

SUFFIX: Final = ".$"


class TemplateError(ValueError):
    """`problems`: every mistake as (pointer inside the template, sentence)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{pointer}: {message}" for pointer, message in problems))
        self.problems = problems


class Template:
    """A compiled template; implements `Expression`. Without references it gives the very object it was made of."""

    __slots__ = ("evaluate", "references", "source")

    def __init__(self, value: Json, references: int, make: Make) -> None:
        self.source = text(value)
        self.references = references
        """How many values it reads: one for each path, more for a wide path or a function of several arguments."""
        self.evaluate: Make = make


def compile_template(value: Json) -> Template:
    """Raises TemplateError with all problems."""
    compiler = _Compiler()
    make = compiler.value(value, "")
    if compiler.problems:
        raise TemplateError(compiler.problems)
    return Template(value, compiler.references, make or (lambda data, scope: value))


def compile_reference_text(source: str) -> Expression:
    """What a `.$` member may hold: a path or an intrinsic function. Raises PathSyntaxError or IntrinsicSyntaxError."""
    return compile_intrinsic(source) if is_intrinsic(source) else compile_path(source)


class _Compiler:
    """Makes a closure for each part that is computed; None stands for a part that is constant."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []
        self.references = 0

    def value(self, value: Json, pointer: str) -> Make | None:
        if isinstance(value, dict):
            return self._object(value, pointer)
        if isinstance(value, list):
            return self._array(value, pointer)
        return None

    def _object(self, value: dict[str, Json], pointer: str) -> Make | None:
        parts: list[tuple[str, Make]] = []
        frame: dict[str, Json] = {}
        for key, member in value.items():
            place = f"{pointer}/{key}"
            name = key.removesuffix(SUFFIX)
            if name == key:
                made = self.value(member, place)
            else:
                made = self._reference(key, member, place)
                if name in value:
                    self.problems.append((place, f"'{name}' and '{key}' stand for the same member; keep one of them"))
            frame[name] = member
            if made is not None:
                parts.append((name, made))
        return _filled_object(frame, parts) if parts else None

    def _array(self, value: list[Json], pointer: str) -> Make | None:
        parts: list[tuple[int, Make]] = []
        for index, element in enumerate(value):
            made = self.value(element, f"{pointer}[{index}]")
            if made is not None:
                parts.append((index, made))
        return _filled_array(value, parts) if parts else None

    def _reference(self, key: str, source: Json, place: str) -> Make | None:
        if not isinstance(source, str):
            self.problems.append((place, f"'{key}' must be a string: a JSONPath or an intrinsic function"))
            return None
        try:
            expression = compile_reference_text(source)
        except (PathSyntaxError, IntrinsicSyntaxError) as error:
            self.problems.append((place, str(error)))
            return None
        self.references += max(1, getattr(expression, "references", 1))
        return _worded(key, expression)


def _filled_object(frame: dict[str, Json], parts: list[tuple[str, Make]]) -> Make:
    def make(data: Json, scope: Scope) -> Json:
        made = frame.copy()  # keeps the order of the template's members
        for name, part in parts:
            made[name] = part(data, scope)
        return made

    return make


def _filled_array(frame: list[Json], parts: list[tuple[int, Make]]) -> Make:
    def make(data: Json, scope: Scope) -> Json:
        made = frame.copy()
        for index, part in parts:
            made[index] = part(data, scope)
        return made

    return make


def _worded(key: str, expression: Expression) -> Make:
    evaluate = expression.evaluate

    def make(data: Json, scope: Scope) -> Json:
        try:
            return evaluate(data, scope)
        except PathError as error:
            raise runtime_error(missing(error, key)) from None

    return make


def missing(error: PathError, field: str) -> str:
    """AWS's sentence for a path in `field` that finds nothing."""
    found = f"could not be found in the input '{text(error.data)}'"
    return f"The JSONPath '{error.path}' specified for the field '{field}' {found}"
