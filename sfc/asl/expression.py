"""What every compiled expression looks like, whatever language it was written in.

An expression is compiled once, when the blueprint is parsed, and evaluated many times. JSONPath paths, payload
templates and intrinsic functions implement it, and so do fields in JSONata.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sfc.jsonvalue import Json


@dataclass(frozen=True, slots=True)
class Failure:
    """What a flow does wrong: data that Retry and Catch match on. None: AWS shows no such member."""

    error: str | None
    cause: str | None = None


class FlowError(Exception):
    """Carries a Failure from the depth of an expression to the state that evaluates it; never leaves the
    interpreter.
    """

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.failure = Failure(error, cause)


def runtime_error(cause: str) -> FlowError:
    """States.Runtime: the flow asked for something its data cannot give. Neither retried nor caught."""
    return FlowError("States.Runtime", cause)


class PathError(FlowError):
    """A path found nothing. States word it differently by field, so the parts are kept.

    `path` is the source text; `detail` is Jayway's sentence, e.g. "No results for path: $['a']" or
    "Missing property in path $['a']"; `data` is the value that was searched.
    """

    def __init__(self, path: str, detail: str, data: Json) -> None:
        super().__init__("States.Runtime", f"Invalid path '{path}' : {detail}")
        self.path = path
        self.detail = detail
        self.data = data


class EvaluationError(FlowError):
    """A field in JSONata cannot be evaluated: States.QueryEvaluationError, which Retry and Catch may name.

    `location` is the field, as in "Arguments/FunctionName" or "Choices[0]/Condition"; "" for none.
    """

    def __init__(self, cause: str, location: str = "") -> None:
        super().__init__("States.QueryEvaluationError", cause)
        self.location = location


class Entropy(Protocol):
    """Chance that replays the same: seeded by the execution, advanced by use."""

    def uuid(self) -> str: ...
    def random(self) -> float: ...


@dataclass(slots=True)
class Scope:
    """What an expression may see besides its input."""

    context: Callable[[], Json]
    """Builds the context object (`$$`); called only when a path asks for it."""
    entropy: Entropy
    variables: Mapping[str, Json] = field(default_factory=dict)
    """Visible variables by name. Never changed: an assignment makes a new mapping."""
    now_ms: int = 0
    """The time of the entry that is being worked on, UTC."""


class Expression(Protocol):
    """A compiled expression. Pure: the same input and scope give the same value."""

    @property
    def source(self) -> str: ...

    def evaluate(self, data: Json, scope: Scope) -> Json:
        """The value for `data`. Raises FlowError (PathError when a path finds nothing)."""
        ...
