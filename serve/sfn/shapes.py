"""Checks of Step Functions requests, worded as AWS words them.

Source: the shapes of the published API model (2016-11-23) and the answers of the service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sfc.errors import InvalidRequest
from sfc.limits import ARN_CHARS, CAUSE_CHARS, DEFINITION_CHARS, ERROR_CHARS, NAME_CHARS, PAGE_SIZE, PAYLOAD_BYTES

_SENSITIVE: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What one member of a request must be. `low` and `high` bound a text's characters or a number's value."""

    type: type = str
    required: bool = False
    low: int | None = None
    high: int | None = None
    members: tuple[str, ...] = ()
    """Of an enumeration."""
    sensitive: bool = False
    """The value is not repeated in messages."""

    def problem(self, name: str, value: Any) -> str | None:
        """The constraint that the value breaks, or None."""
        if self.members:
            if value in self.members:
                return None
            return _constraint(name, value, f"Member must satisfy enum value set: [{', '.join(self.members)}]")
        if self.low is None and self.high is None:
            return None
        size = value if self.type is int else len(value)
        measure = "value" if self.type is int else "length"
        shown = _SENSITIVE if self.sensitive else value
        if self.low is not None and size < self.low:
            return _constraint(name, shown, f"Member must have {measure} greater than or equal to {self.low}")
        if self.high is not None and size > self.high:
            return _constraint(name, shown, f"Member must have {measure} less than or equal to {self.high}")
        return None


def _constraint(name: str, value: object, rule: str) -> str:
    shown = "Value" if value is _SENSITIVE else "Value null" if value is None else f"Value '{value}'"
    return f"{shown} at '{name}' failed to satisfy constraint: {rule}"


Shape = Mapping[str, Field]

_JSON_TYPES: Final = {
    str: "STRING_VALUE",
    bool: "TRUE_VALUE",
    int: "NUMBER_VALUE",
    float: "NUMBER_VALUE",
    dict: "START_OBJECT",
    list: "START_ARRAY",
}
_JAVA_TYPES: Final = {str: "String", int: "Integer", bool: "Boolean", dict: "Structure", list: "Collection"}


def check(shape: Shape, body: Mapping[str, Any]) -> None:
    """Raises InvalidRequest: it names every broken constraint at once, or the first value of another type."""
    problems = None
    for name, field in shape.items():
        value = body.get(name)
        if value is None:
            if field.required:
                problems = [*(problems or ()), _constraint(name, None, "Member must not be null")]
            continue
        if type(value) is not field.type:
            found, wanted = _JSON_TYPES[type(value)], _JAVA_TYPES[field.type]
            raise InvalidRequest(
                f"{found} can not be converted to a {wanted}", code="SerializationException", field=name
            )
        problem = field.problem(name, value)
        if problem is not None:
            problems = [*(problems or ()), problem]
    if problems:
        raise InvalidRequest(_sum_up(problems))


def _sum_up(problems: Sequence[str]) -> str:
    count = f"{len(problems)} validation error{'' if len(problems) == 1 else 's'} detected: "
    return count + "; ".join(problems)


ARN: Final = Field(required=True, low=1, high=ARN_CHARS)
NAME: Final = Field(low=1, high=NAME_CHARS)
PAYLOAD: Final = Field(high=PAYLOAD_BYTES, sensitive=True)
DEFINITION: Final = Field(low=1, high=DEFINITION_CHARS, sensitive=True)
KIND: Final = Field(members=("STANDARD", "EXPRESS"))
MAX_RESULTS: Final = Field(type=int, low=0, high=PAGE_SIZE)
TOKEN: Final = Field(low=1, high=1024)
LIST_TOKEN: Final = Field(low=1, high=3096)
FLAG: Final = Field(type=bool)
OBJECT: Final = Field(type=dict)
LIST: Final = Field(type=list)
ERROR: Final = Field(high=ERROR_CHARS, sensitive=True)
CAUSE: Final = Field(high=CAUSE_CHARS, sensitive=True)
STATUS: Final = Field(members=("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"))
DATA: Final = Field(members=("ALL_DATA", "METADATA_ONLY"))
TRACE: Final = Field(high=256)
REDRIVEN: Final = Field(members=("REDRIVEN", "NOT_REDRIVEN"))


def required(field: Field) -> Field:
    """The same constraint for a member that must be there."""
    return Field(
        type=field.type, required=True, low=field.low, high=field.high, members=field.members, sensitive=field.sensitive
    )
