"""What a test of a state is asked for, and what AWS refuses about it."""

from dataclasses import dataclass, field
from typing import Final, Literal

from sfc import jsonvalue
from sfc.asl.expression import Failure
from sfc.asl.model import Map, Parallel, State, Task
from sfc.errors import InvalidDefinition, InvalidInput, InvalidRequest
from sfc.jsonvalue import Json, NotJson

_TEXT: Final = "string"
_CONTEXT: Final[dict[str, dict[str, str]]] = {
    "Execution": {
        "Id": _TEXT,
        "Input": "",
        "Name": _TEXT,
        "RoleArn": _TEXT,
        "StartTime": _TEXT,
        "RedriveCount": "integer",
        "RedriveTime": _TEXT,
    },
    "State": {"EnteredTime": _TEXT, "Name": _TEXT, "RetryCount": "integer"},
    "StateMachine": {"Id": _TEXT, "Name": _TEXT},
    "Task": {"Token": _TEXT},
}
"""Members of a context object, and the type of each; "" takes any value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mock:
    """What is said to have come of the state's work: a result (JSON text) or a failure."""

    result: str | None = None
    failure: Failure | None = None
    validation: Literal["STRICT", "PRESENT", "NONE"] = "STRICT"
    """How closely a result must follow the API that the state calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateConfiguration:
    """How far things have come when the state is tested."""

    retry_count: int = 0
    """How often the retrier that matches was used already."""
    error_caused_by: str | None = None
    """The state inside a Map or Parallel whose failure the mocked one is."""
    failed_iterations: int | None = None
    item_reader_data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRequest:
    """Texts are JSON; None where nothing was given."""

    __test__ = False  # no test, whatever the name says to pytest

    definition: str
    """Of one state, or of a machine with `state_name` in it."""
    state_name: str | None = None
    input: str = "{}"
    variables: str | None = None
    context: str | None = None
    role_arn: str | None = None
    reveal_secrets: bool = False
    mock: Mock | None = None
    configuration: StateConfiguration = field(default_factory=StateConfiguration)


def check(request: TestRequest, state: State) -> None:
    """Raises InvalidRequest or InvalidDefinition, in AWS's words, for what does not go together."""
    mocked = request.mock is not None or request.context is not None  # a context object is a mock too
    if mocked and not isinstance(state, Task | Map | Parallel):
        raise InvalidRequest(f"State type '{type(state).__name__}' is not supported when a mock is specified")
    if request.mock is None:
        _check_unmocked(request, state)
    else:
        _check_mock(request, request.mock, state)


def _check_unmocked(request: TestRequest, state: State) -> None:
    if request.configuration.failed_iterations is not None:
        raise InvalidRequest("TestState does not support MapIterationFailureCount when a mock is not specified.")
    if isinstance(state, Map | Parallel):
        raise InvalidDefinition(
            "TestState API does not support Map or Parallel states. "
            "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"
        )
    if isinstance(state, Task):
        if request.role_arn is None:
            raise InvalidRequest("RoleArn must be specified when testing a Task state")
        if state.resource.kind == "activity" or state.resource.pattern:
            raise InvalidDefinition(
                "TestState API does not support activities and the integration patterns '.sync' and "
                "'.waitForTaskToken' when a mock is not specified"
            )


def _check_mock(request: TestRequest, mock: Mock, state: State) -> None:
    if request.reveal_secrets:
        raise InvalidRequest("TestState does not support RevealSecrets when a mock is specified.")
    if mock.result is not None and mock.failure is not None:
        raise InvalidRequest("A test mock should have only one of the following fields: [result, errorOutput].")
    if mock.result is None:
        return
    result = mocked_result(mock.result)
    if isinstance(state, Map):
        _check_map(request, result, state)
    elif isinstance(state, Parallel):
        if not isinstance(result, list):
            raise InvalidRequest("Mocked result must be an array.")
        if len(result) != len(state.branches):
            raise InvalidRequest("Mocked result must contain the same number of items as number of Parallel branches.")


def _check_map(request: TestRequest, result: Json, state: Map) -> None:
    if writes_results(state):
        if not isinstance(result, dict):
            raise InvalidRequest("Mocked result must be a JSON object.")
    elif not isinstance(result, list):
        raise InvalidRequest("Mocked result must be an array.")
    elif (request.configuration.failed_iterations or 0) > len(result):
        raise InvalidRequest("Map iteration failure count must be less than or equal to the number of Map iterations")


def writes_results(state: Map) -> bool:
    """Whether the result is not the array of what the iterations gave, but where that was written to."""
    return state.distributed is not None and state.distributed.writer.arguments is not None


def mocked_result(text: str) -> Json:
    try:
        return jsonvalue.loads(text)
    except NotJson:
        raise InvalidRequest("Mocked result must be valid JSON") from None


def input_of(request: TestRequest) -> Json:
    """Raises InvalidInput."""
    try:
        return jsonvalue.loads(request.input)
    except NotJson as error:
        raise InvalidInput(f"Invalid State Machine Execution Input: '{error}'", field="input") from None


def variables_of(request: TestRequest) -> dict[str, Json]:
    return _object(request.variables, "variables", "Invalid variables provided")


def context_of(request: TestRequest) -> dict[str, Json] | None:
    """The context object that is to be shown; None: one is made up."""
    if request.context is None:
        return None
    context = _object(request.context, "context", "Invalid Context object provided")
    for part, value in context.items():
        if part == "Map":
            raise _context_error("'Map' field is not supported when mocking a Context object")
        if part not in _CONTEXT:
            raise _context_error(f"Field '{part}' is not allowed")
        if not isinstance(value, dict):
            raise _context_error(f"{part} must be an object")
        for member, found in value.items():
            kind = _CONTEXT[part].get(member)
            if kind is None:
                raise _context_error(f"Field '{member}' is not allowed")
            right = {"": True, _TEXT: isinstance(found, str), "integer": type(found) is int}[kind]
            if not right:
                raise _context_error(f"{part}.{member} must be {'an' if kind == 'integer' else 'a'} {kind}")
    return context


def _context_error(what: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid Context object provided: {what}", field="context")


def _object(text: str | None, name: str, problem: str) -> dict[str, Json]:
    if text is None:
        return {}
    try:
        value = jsonvalue.loads(text)
    except NotJson as error:
        raise InvalidRequest(f"{problem}: {error}", field=name) from None
    if not isinstance(value, dict):
        raise InvalidRequest(f"{problem}: it must be a JSON object", field=name)
    return value
