"""Reads the fields of one JSON object of a definition, and reports each that is wrong at its own place.

Every method gives None both for a field that is absent and for one that is wrong: whoever reads goes on and finds the
other mistakes too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from sfc.asl.dataflow import REPLACE, WHOLE
from sfc.asl.expression import Expression
from sfc.asl.intrinsics import IntrinsicSyntaxError, compile_intrinsic, is_intrinsic
from sfc.asl.paths import PathSyntaxError, ReferencePath, compile_path, compile_reference
from sfc.asl.report import Report
from sfc.asl.template import TemplateError, compile_template
from sfc.jsonvalue import Json
from sfc.limits import MAX_SECONDS

T = TypeVar("T")


@dataclass(slots=True)
class Fields:
    raw: dict[str, Json]
    at: str
    report: Report

    def place(self, name: str) -> str:
        return f"{self.at}/{name}"

    def error(self, name: str, message: str) -> None:
        self.report.error(self.place(name), message)

    def has(self, name: str) -> bool:
        return name in self.raw

    def only(self, allowed: Iterable[str], what: str) -> None:
        """Report every field that is none of `allowed`: in AWS's words at the object, and what it is no field of."""
        known = frozenset(allowed)
        for name in self.raw:
            if name not in known:
                self.report.error(self.at, f"Field '{name}' is not supported")
                self.report.warn(self.place(name), f"Field '{name}' is not supported in {what}")

    def require(self, *names: str) -> bool:
        missing = [name for name in names if name not in self.raw]
        for name in missing:
            self.report.error(self.at, f"The field '{name}' is required but was missing")
        return not missing

    def exclude(self, first: str, second: str) -> None:
        if self.has(first) and self.has(second):
            self.error(second, f"You cannot set both '{first}' and '{second}' at the same time")

    def text(self, name: str, *, empty: bool = True) -> str | None:
        if not self.has(name):
            return None
        value = self.raw[name]
        if not isinstance(value, str):
            self.error(name, "Expected value of type String")
            return None
        if not value and not empty:
            self.error(name, "Value cannot be empty")
            return None
        return value

    def one_of(self, name: str, values: Iterable[str]) -> str | None:
        value = self.text(name)
        allowed = tuple(values)
        if value is not None and value not in allowed:
            self.error(name, f"The field '{name}' should have one of these values: [{', '.join(allowed)}]")
            return None
        return value

    def integer(self, name: str, low: int, high: int) -> int | None:
        if not self.has(name):
            return None
        value = self.raw[name]
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.error(name, "Expected value of type Integer")
            return None
        if not low <= value <= high:
            self.error(name, f"found {value}; '{name}' must be an integer from {low} to {high}")
            return None
        return value

    def seconds(self, name: str, low: int = 1) -> int | None:
        return self.integer(name, low, MAX_SECONDS)

    def number(self, name: str, low: float, high: float = float("inf")) -> float | None:
        if not self.has(name):
            return None
        value = self.raw[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.error(name, "Expected value of type Number")
            return None
        if not low <= value <= high:
            upper = "" if high == float("inf") else f" and at most {high:g}"
            self.error(name, f"found {value}; '{name}' must be at least {low:g}{upper}")
            return None
        return float(value)

    def array(self, name: str) -> list[Json] | None:
        """A non-empty array."""
        if not self.has(name):
            return None
        value = self.raw[name]
        if not isinstance(value, list):
            self.error(name, "Expected value of type Array")
            return None
        if not value:
            self.error(name, "Value cannot be empty")
            return None
        return value

    def object(self, name: str) -> "Fields | None":
        if not self.has(name):
            return None
        return self.child(self.raw[name], self.place(name))

    def child(self, value: Json, at: str) -> "Fields | None":
        if not isinstance(value, dict):
            self.report.error(at, "Expected value of type Object")
            return None
        return Fields(value, at, self.report)

    def objects(self, name: str) -> "list[Fields]":
        """The objects of a non-empty array."""
        found = [
            self.child(value, f"{self.place(name)}[{index}]") for index, value in enumerate(self.array(name) or ())
        ]
        return [each for each in found if each is not None]

    def path(self, name: str, *, intrinsic: bool = False) -> Expression | None:
        """A path (or, where allowed, an intrinsic function call)."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return compile_intrinsic(value) if intrinsic and is_intrinsic(value) else compile_path(value)
        except (PathSyntaxError, IntrinsicSyntaxError) as error:
            what = "a valid JSONPath or a valid intrinsic function call" if intrinsic else "a valid JSONPath"
            self.error(name, f"The value for the field '{name}' must be {what}: {error}")
            return None

    def reference(self, name: str) -> ReferencePath | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return compile_reference(value)
        except PathSyntaxError as error:
            self.error(name, f"The value for the field '{name}' must be a valid reference path: {error}")
            return None

    def io_path(self, name: str) -> Expression | None:
        """InputPath or OutputPath: `$` when the field is absent, None when it is null (or wrong)."""
        if self.raw.get(name, "") is None:
            return None
        return self.path(name) if self.has(name) else WHOLE

    def result_path(self) -> ReferencePath | None:
        """Where the result goes: `$` when the field is absent, None when it is null (or wrong)."""
        if self.raw.get("ResultPath", "") is None:
            return None
        return self.reference("ResultPath") if self.has("ResultPath") else REPLACE

    def template(self, name: str) -> Expression | None:
        """A payload template."""
        if not self.has(name):
            return None
        try:
            return compile_template(self.raw[name])
        except TemplateError as error:
            for pointer, message in error.problems:
                self._template_problem(self.place(name), pointer, message)
            return None

    def _template_problem(self, at: str, pointer: str, message: str) -> None:
        """AWS's own sentence at the object that holds the member; what exactly is wrong as a warning at the member."""
        holder, _, member = pointer.rpartition("/")
        if not member.endswith(".$") or member.removesuffix(".$") in message.split("'")[1::2]:
            self.report.error(at + pointer, message)
            return
        self.report.error(
            at + holder,
            f"The value for the field '{member}' must be a valid JSONPath or a valid intrinsic function call",
        )
        self.report.warn(at + pointer, message)

    def seconds_or_path(self, name: str) -> int | Expression | None:
        """`name` in seconds, or `<name>Path`; never both."""
        self.exclude(name, f"{name}Path")
        value = self.seconds(name)
        return self.path(f"{name}Path") if value is None else value
