"""Checks of Step Functions requests, worded as AWS words them.

Source: the shapes of the published API model (2016-11-23) and the answers of the service.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sfc.errors import InvalidRequest
from sfc.limits import (
    ARN_CHARS,
    CAUSE_CHARS,
    DEFINITION_CHARS,
    ERROR_CHARS,
    NAME_CHARS,
    PAGE_SIZE,
    PAYLOAD_BYTES,
    TAG_KEY_CHARS,
    TAG_VALUE_CHARS,
)

_SENSITIVE: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What one member of a request must be. `low` and `high` bound a text's characters, a list's length or a
    number's value."""

    type: type = str
    required: bool = False
    low: int | None = None
    high: int | None = None
    members: tuple[str, ...] = ()
    """Of an enumeration."""
    pattern: str = ""
    """Of the whole text."""
    sensitive: bool = False
    """The value is not repeated in messages."""
    item: "Field | None" = None
    """Of a list."""
    shape: "Mapping[str, Field] | None" = None
    """Of a structure."""
    structure: str = ""
    """The structure's name in messages."""
    effect: bool = True
    """False: checked and kept, but nothing here does anything with it. The answer's headers say so."""

    def problem(self, name: str, value: Any) -> str | None:
        """The constraint that the value itself breaks, or None."""
        if self.members:
            if value in self.members:
                return None
            return _constraint(name, value, f"Member must satisfy enum value set: [{', '.join(self.members)}]")
        if self.pattern and re.fullmatch(self.pattern, value, re.ASCII) is None:
            rule = f"Member must satisfy regular expression pattern: {self.pattern}"
            return _constraint(name, value, rule)
        if self.low is None and self.high is None:
            return None
        number = self.type in (int, float)
        size = value if number else len(value)
        measure = "value" if number else "length"
        shown = _SENSITIVE if self.sensitive else _shown(self, value)
        if self.low is not None and size < self.low:
            return _constraint(name, shown, f"Member must have {measure} greater than or equal to {self.low}")
        if self.high is not None and size > self.high:
            return _constraint(name, shown, f"Member must have {measure} less than or equal to {self.high}")
        return None


def _shown(field: Field, value: Any) -> object:
    """A value as the service's messages show it: structures and lists as its own language prints them."""
    if value is None:
        return "null"
    if field.item is not None:
        return "[" + ", ".join(str(_shown(field.item, each)) for each in value) + "]"
    if field.shape is not None:
        inside = ", ".join(f"{name}={_shown(member, value.get(name))}" for name, member in field.shape.items())
        return f"{field.structure}({inside})"
    return value


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
_JAVA_TYPES: Final = {
    str: "String",
    int: "Integer",
    float: "Float",
    bool: "Boolean",
    dict: "Structure",
    list: "Collection",
}


def check(shape: Shape, body: Mapping[str, Any]) -> None:
    """Raises InvalidRequest: it names every broken constraint at once, or the first value of another type."""
    problems: list[str] | None = None
    for name, field in shape.items():
        value = body.get(name)
        if value is None:
            if field.required:
                problems = [*(problems or ()), _constraint(name, None, "Member must not be null")]
            continue
        if field.item is None and field.shape is None:  # most members: no generator for them
            _check_type(name, field, value)
            problem = field.problem(name, value)
            found: Sequence[str] = () if problem is None else (problem,)
        else:
            found = tuple(_problems(name, field, value))
        if found:
            problems = [*(problems or ()), *found]
    if problems:
        raise InvalidRequest(_sum_up(problems))


def _problems(name: str, field: Field, value: Any) -> Iterator[str]:
    """Of a value and of everything in it."""
    if value is None:
        if field.required:
            yield _constraint(name, None, "Member must not be null")
        return
    _check_type(name, field, value)
    if field.item is not None:
        for index, each in enumerate(value, 1):
            yield from _problems(f"{name}.{index}.member", field.item, each)
    if field.shape is not None:
        for key, member in field.shape.items():
            yield from _problems(f"{name}.{key}", member, value.get(key))
    problem = field.problem(name, value)
    if problem is not None:
        yield problem


def _check_type(name: str, field: Field, value: Any) -> None:
    if type(value) is not field.type and not (field.type is float and type(value) is int):
        found, wanted = _JSON_TYPES[type(value)], _JAVA_TYPES[field.type]
        raise InvalidRequest(f"{found} can not be converted to a {wanted}", code="SerializationException", field=name)


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
DESCRIPTION: Final = Field(high=256, sensitive=True)
ERROR: Final = Field(high=ERROR_CHARS, sensitive=True)
CAUSE: Final = Field(high=CAUSE_CHARS, sensitive=True)
STATUS: Final = Field(members=("SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING"))
"""In the order in which the service's messages list them."""
DATA: Final = Field(members=("ALL_DATA", "METADATA_ONLY"))
TRACE: Final = Field(high=256, effect=False)
REDRIVEN: Final = Field(members=("REDRIVEN", "NOT_REDRIVEN"))


def required(field: Field) -> Field:
    """The same constraint for a member that must be there."""
    return replace(field, required=True)


def without_effect(field: Field) -> Field:
    return replace(field, effect=False)


def structure(name: str, **members: Field) -> Field:
    return Field(type=dict, shape=members, structure=name)


def list_of(item: Field, low: int | None = None, high: int | None = None) -> Field:
    """None of the items may be null."""
    return Field(type=list, item=required(item), low=low, high=high)


LOGGING: Final = structure(
    "LoggingConfiguration",
    level=Field(members=("ALL", "ERROR", "FATAL", "OFF")),
    includeExecutionData=FLAG,
    destinations=list_of(
        structure(
            "LogDestination",
            cloudWatchLogsLogGroup=structure("CloudWatchLogsLogGroup", logGroupArn=Field(low=1, high=ARN_CHARS)),
        )
    ),
)
TRACING: Final = structure("TracingConfiguration", enabled=FLAG)
ENCRYPTION: Final = structure(
    "EncryptionConfiguration",
    kmsKeyId=Field(low=1, high=2048),
    kmsDataKeyReusePeriodSeconds=Field(type=int, low=60, high=900),
    type=required(Field(members=("AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY"))),
)
TAG: Final = structure("Tag", key=Field(low=1, high=TAG_KEY_CHARS), value=Field(high=TAG_VALUE_CHARS))
