"""Reads one state: its fields against the table of its type and query language, then its compiled form.

Sources: https://states-language.net and, for JSONata, the Step Functions developer guide.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from sfc.asl import assign
from sfc.asl.choice import compile_condition
from sfc.asl.dataflow import IDENTITY_FLOW, JsonPathFlow
from sfc.asl.expression import Expression
from sfc.asl.fields import Fields
from sfc.asl.graph import targets_of
from sfc.asl.intrinsics import is_intrinsic
from sfc.asl.jsonata.condition import read_condition
from sfc.asl.jsonata.fields import RESULT, STATE, read_integer, read_text, read_typed, read_value
from sfc.asl.jsonata.flow import PLAIN_FLOW, JsonataFlow
from sfc.asl.jsonata.template import is_expression
from sfc.asl.model import (
    UNSET,
    Choice,
    ChoiceRule,
    DataFlow,
    Fail,
    Join,
    Parallel,
    Pass,
    Resource,
    State,
    SubMachine,
    Succeed,
    Task,
    Wait,
)  # fmt: skip
from sfc.asl.report import Report
from sfc.asl.resources import is_foreign, parse_resource
from sfc.asl.retry import read_catch, read_retry
from sfc.asl.timestamps import parse_rfc3339
from sfc.limits import MAX_SECONDS

Language = Literal["JSONPath", "JSONata"]
Kind = Literal["STANDARD", "EXPRESS"]

TYPES: Final = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")
_COMMON: Final = ("Type", "Comment", "QueryLanguage")
_NEXT: Final = ("Next", "End")
_IO: Final = ("InputPath", "OutputPath")
_ERRORS: Final = ("Retry", "Catch")
_TOLERATED: Final = ("MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage")
_MAP: Final = ("ItemProcessor", "Iterator", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter", "Label")
JSONPATH_FIELDS: Final = {
    "Pass": (*_COMMON, *_NEXT, *_IO, "Parameters", "Result", "ResultPath", "Assign"),
    "Task": (*_COMMON, *_NEXT, *_IO, *_ERRORS, "Resource", "Parameters", "ResultSelector", "ResultPath", "Credentials",
             "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Assign"),
    "Choice": (*_COMMON, *_IO, "Choices", "Default", "Assign"),
    "Wait": (*_COMMON, *_NEXT, *_IO, "Seconds", "SecondsPath", "Timestamp", "TimestampPath", "Assign"),
    "Succeed": (*_COMMON, *_IO),
    "Fail": (*_COMMON, "Error", "ErrorPath", "Cause", "CausePath"),
    "Parallel": (*_COMMON, *_NEXT, *_IO, *_ERRORS, "Branches", "Parameters", "ResultSelector", "ResultPath", "Assign"),
    "Map": (*_COMMON, *_NEXT, *_IO, *_ERRORS, *_MAP, *_TOLERATED, *(f"{each}Path" for each in _TOLERATED), "ItemsPath",
            "Parameters", "ResultSelector", "ResultPath", "Assign"),
    "Join": (*_COMMON, *_NEXT, *_IO, "Require", "Others", "Parameters", "ResultPath", "Catch"),
}  # fmt: skip
JSONATA_FIELDS: Final = {
    "Pass": (*_COMMON, *_NEXT, "Output", "Assign"),
    "Task": (*_COMMON, *_NEXT, *_ERRORS, "Resource", "Arguments", "Output", "Credentials", "TimeoutSeconds",
             "HeartbeatSeconds", "Assign"),
    "Choice": (*_COMMON, "Choices", "Default", "Output", "Assign"),
    "Wait": (*_COMMON, *_NEXT, "Seconds", "Timestamp", "Output", "Assign"),
    "Succeed": (*_COMMON, "Output"),
    "Fail": (*_COMMON, "Error", "Cause"),
    "Parallel": (*_COMMON, *_NEXT, *_ERRORS, "Branches", "Arguments", "Output", "Assign"),
    "Map": (*_COMMON, *_NEXT, *_ERRORS, *_MAP, *_TOLERATED, "Items", "Output", "Assign"),
}  # fmt: skip
_OUTSIDE_CONDITION: Final = frozenset({"Next", "Assign", "Comment"})
_WAIT_FORMS: Final[tuple[Literal["Seconds", "Timestamp", "SecondsPath", "TimestampPath"], ...]] = (
    "Seconds", "Timestamp", "SecondsPath", "TimestampPath",
)  # fmt: skip
_TEXT_INTRINSICS: Final = tuple(
    f"States.{name}"
    for name in ("Format", "JsonToString", "ArrayGetItem", "Base64Encode", "Base64Decode", "Hash", "UUID")
)


@dataclass(slots=True)
class Context:
    """What all states of one definition share."""

    report: Report
    kind: Kind
    language: Language
    machine: "Callable[[Fields, Context, int], SubMachine | None]"
    """Reads a sub-machine at a depth of nesting."""
    map_state: "Callable[[Fields, str, Language, Context, int], State | None]"
    names: dict[str, str] = field(default_factory=dict)
    """Every state's name, with the place of the first state that has it."""
    labels: set[str] = field(default_factory=set)


def read_state(state: Fields, name: str, context: Context, depth: int) -> State | None:
    """The compiled state, or None when it has mistakes or cannot be run."""
    if not state.require("Type"):
        return None
    kind = state.raw["Type"]
    if kind not in TYPES and kind != "Join":
        state.error("Type", f"The field 'Type' should have one of these values: [{', '.join(TYPES)}]")
        return None
    language = _language(state, context)
    table = JSONATA_FIELDS if language == "JSONata" else JSONPATH_FIELDS
    if kind not in table:
        state.error("QueryLanguage", f"A {kind} state is written in JSONPath")
        return None
    other = (JSONATA_FIELDS if language == "JSONPath" else JSONPATH_FIELDS).get(kind, ())
    for name_of_field in state.raw:
        if name_of_field in other and name_of_field not in table[kind]:
            _wrong_language(state, name_of_field, language)
    state.only((*table[kind], *other), f"a {kind} state in {language}")
    state.text("Comment")
    if "Next" in table[kind]:
        _check_next_or_end(state)
    if kind == "Map":
        return context.map_state(state, name, language, context, depth)
    return _READERS[kind](state, name, language, context, depth)


def _wrong_language(state: Fields, field: str, language: Language) -> None:
    right = "JSONata" if language == "JSONPath" else "JSONPath"
    state.report.error(
        state.at,
        f"The QueryLanguage is set to '{language}', but field '{field}' is only supported for the '{right}' "
        "QueryLanguage",
    )


def _language(state: Fields, context: Context) -> Language:
    own = state.one_of("QueryLanguage", ("JSONPath", "JSONata"))
    if own == "JSONPath" and context.language == "JSONata":
        state.report.error(
            state.at, "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        )
        return "JSONPath"
    if own is None:
        return context.language
    return "JSONata" if own == "JSONata" else "JSONPath"


def _check_next_or_end(state: Fields) -> None:
    end = state.raw.get("End")
    if state.has("End") and not isinstance(end, bool):
        state.error("End", "Expected value of type Boolean")
    elif state.has("Next") and end is True:
        state.error("End", "You cannot set both 'Next' and 'End' at the same time")
    elif not state.has("Next") and end is not True:
        state.report.error(state.at, "One of 'Next' and 'End': true is required")


def next_of(state: Fields) -> tuple[str, ...]:
    return targets_of(state.raw.get("Next")) or ()


def flow_of(state: Fields, language: Language, *fields: str) -> DataFlow:
    """The data flow of a state. `fields`: what its type has of those in JSONPath besides Assign."""
    kind = state.raw["Type"]
    if language == "JSONata":
        return _jsonata_flow(state, kind in ("Task", "Parallel", "Map"))
    variables = assign.read_template(state) if "Assign" in JSONPATH_FIELDS[kind] else None
    present = [name for name in fields if state.has(name)]
    if not present and variables is None:
        return IDENTITY_FLOW
    return JsonPathFlow(
        input_path=state.io_path("InputPath"),
        parameters=state.template("Parameters") if "Parameters" in present else None,
        result_selector=state.template("ResultSelector") if "ResultSelector" in present else None,
        result_path=state.result_path(),
        output_path=state.io_path("OutputPath"),
        assign=variables,
    )


def _jsonata_flow(state: Fields, has_result: bool) -> DataFlow:
    parts = RESULT if has_result else STATE
    fields = JSONATA_FIELDS[state.raw["Type"]]
    argument = read_value(state, "Arguments") if "Arguments" in fields else None
    made = read_value(state, "Output", parts) if "Output" in fields else None
    variables = assign.read_jsonata(state, parts) if "Assign" in fields else None
    if argument is made is variables is None:
        return PLAIN_FLOW
    return JsonataFlow(argument=argument, made=made, assign=variables, result_name="result" if has_result else "")


def comment_of(state: Fields) -> str:
    comment = state.raw.get("Comment")
    return comment if isinstance(comment, str) else ""


def _pass(state: Fields, name: str, language: Language, context: Context, depth: int) -> State | None:
    return Pass(
        name=name,
        comment=comment_of(state),
        flow=flow_of(state, language, *_IO, "Parameters", "ResultPath"),
        next=next_of(state),
        result=state.raw.get("Result", UNSET),
    )


def _task(state: Fields, name: str, language: Language, context: Context, depth: int) -> State | None:
    state.require("Resource")
    resource = _resource(state, context)
    retry, catch = read_retry(state), read_catch(state, language)
    _check_credentials(state)
    timeout, heartbeat = _limit_s(state, "TimeoutSeconds", language), _limit_s(state, "HeartbeatSeconds", language)
    _check_heartbeat(state, timeout, heartbeat)
    flow = flow_of(state, language, *_IO, "Parameters", "ResultSelector", "ResultPath")
    credentials = state.template("Credentials") if language == "JSONPath" else read_value(state, "Credentials")
    if resource is None:
        return None
    return Task(
        name=name,
        comment=comment_of(state),
        flow=flow,
        next=next_of(state),
        resource=resource,
        timeout_s=timeout,
        heartbeat_s=heartbeat,
        credentials=credentials,
        retry=retry,
        catch=catch,
    )


def _limit_s(state: Fields, name: str, language: Language) -> int | Expression | None:
    return state.seconds_or_path(name) if language == "JSONPath" else read_integer(state, name, 1, MAX_SECONDS)


def _check_heartbeat(state: Fields, timeout: object, heartbeat: object) -> None:
    """Equal numbers are published and do no harm: the heartbeat then has no say."""
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        tell = state.report.warn if heartbeat == timeout else state.report.error
        tell(state.place("HeartbeatSeconds"), "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'")


def _resource(state: Fields, context: Context) -> Resource | None:
    text = state.text("Resource")
    if text is None:
        return None
    resource = parse_resource(text)
    if isinstance(resource, str):
        state.error("Resource", resource)
        return None
    if context.kind == "EXPRESS":
        if resource.kind == "activity":
            state.error("Resource", "Express state machine does not support Activity ARN")
        elif resource.pattern:
            gap = " " if resource.pattern == "waitForTaskToken" else ""  # the space is AWS's own
            pattern = resource.pattern.removesuffix(":2")
            state.error("Resource", f"Express state machine does not support '.{pattern}' service integration{gap}")
    if is_foreign(resource):
        state.report.later(state.place("Resource"), f"Nothing here calls resources of '{resource.service}'")
    return resource


def _check_credentials(state: Fields) -> None:
    credentials = state.object("Credentials")
    if credentials is not None and not (credentials.has("RoleArn") or credentials.has("RoleArn.$")):
        credentials.require("RoleArn")


def _choice(state: Fields, name: str, language: Language, context: Context, depth: int) -> State | None:
    state.require("Choices")
    rules = [_rule(state, entry, number, language) for number, entry in enumerate(state.objects("Choices"))]
    return Choice(
        name=name,
        comment=comment_of(state),
        flow=flow_of(state, language, *_IO),
        rules=tuple(rule for rule in rules if rule is not None),
        default=targets_of(state.raw.get("Default")),
    )


def _rule(state: Fields, entry: Fields, number: int, language: Language) -> ChoiceRule | None:
    entry.require("Next")
    targets = targets_of(entry.raw.get("Next"))
    prefix = f"Choices[{number}]/"
    if language == "JSONata":
        entry.only(("Condition", "Next", "Output", "Assign", "Comment"), "a Choice rule in JSONata")
        condition = read_condition(entry, prefix)
        made, variables = read_value(entry, "Output", prefix=prefix), assign.read_jsonata(entry, prefix=prefix)
        if condition is None or targets is None:
            return None
        return ChoiceRule(condition=condition, next=targets, flow=JsonataFlow(made=made, assign=variables))
    rule = {key: value for key, value in entry.raw.items() if key not in _OUTSIDE_CONDITION}
    compiled, findings = compile_condition(rule, entry.at)
    for finding in findings:
        entry.report.add(finding)
    if compiled is None or targets is None:
        return None
    flow = JsonPathFlow(output_path=state.io_path("OutputPath"), assign=assign.read_template(entry))
    return ChoiceRule(condition=compiled, next=targets, flow=flow)


def _wait(state: Fields, name: str, language: Language, context: Context, depth: int) -> State | None:
    forms = _WAIT_FORMS if language == "JSONPath" else _WAIT_FORMS[:2]
    present = [form for form in forms if state.has(form)]
    if len(present) != 1:
        state.report.error(state.at, f"A Wait state must have exactly one of {', '.join(forms)}")
    seconds: int | Expression | None
    timestamp: str | Expression | None
    paths: list[Expression | None] = []
    if language == "JSONata":
        seconds = read_integer(state, "Seconds", 0, MAX_SECONDS)
        bounded = is_expression(state.raw.get("Timestamp"))
        timestamp = read_typed(state, "Timestamp", "timestamp") if bounded else _check_timestamp(state)
    else:
        seconds = state.seconds("Seconds", 0)
        timestamp = _check_timestamp(state)
        paths = [state.path(form) for form in _WAIT_FORMS[2:]]
    flow = flow_of(state, language, *_IO)
    value = next((each for each in (seconds, timestamp, *paths) if each is not None), None)
    if value is None or len(present) != 1:
        return None
    return Wait(name=name, comment=comment_of(state), flow=flow, next=next_of(state), kind=present[0], value=value)


def _check_timestamp(state: Fields) -> str | None:
    value = state.text("Timestamp")
    if value is not None and parse_rfc3339(value) is None:
        state.error("Timestamp", "String does not match RFC3339 timestamp")
    return value


def _succeed(state: Fields, name: str, language: Language, context: Context, depth: int) -> State | None:
    return Succeed(name=name, comment=comment_of(state), flow=flow_of(state, language, *_IO))


def _fail(state: Fields, name: str, language: Language, context: Context, depth: int) -> State | None:
    if language == "JSONata":
        return Fail(
            name=name, comment=comment_of(state), error=read_text(state, "Error"), cause=read_text(state, "Cause")
        )
    found = {}
    for part in ("Error", "Cause"):
        state.exclude(part, f"{part}Path")
        path = state.raw.get(f"{part}Path")
        if isinstance(path, str) and is_intrinsic(path) and not path.startswith(_TEXT_INTRINSICS):
            state.error(f"{part}Path", "Expected an intrinsic function that returns a string")
        text = state.text(part)
        found[part] = text if text is not None else state.path(f"{part}Path", intrinsic=True)
    return Fail(name=name, comment=comment_of(state), error=found["Error"], cause=found["Cause"])


def _parallel(state: Fields, name: str, language: Language, context: Context, depth: int) -> State | None:
    state.require("Branches")
    branches = [context.machine(branch, context, depth + 1) for branch in state.objects("Branches")]
    retry, catch = read_retry(state), read_catch(state, language)
    return Parallel(
        name=name,
        comment=comment_of(state),
        flow=flow_of(state, language, *_IO, "Parameters", "ResultSelector", "ResultPath"),
        next=next_of(state),
        branches=tuple(branch for branch in branches if branch is not None),
        retry=retry,
        catch=catch,
    )


def _join(state: Fields, name: str, language: Language, context: Context, depth: int) -> State | None:
    require = state.raw.get("Require", "All")
    number = isinstance(require, int) and not isinstance(require, bool) and require >= 1
    if not number and require not in ("All", "Any"):
        state.error("Require", '\'Require\' is "All", "Any" or a number of tokens from 1')
    others = state.one_of("Others", ("Cancel", "Continue"))
    return Join(
        name=name,
        comment=comment_of(state),
        flow=flow_of(state, language, *_IO, "Parameters", "ResultPath"),
        next=next_of(state),
        require=require,
        others="Cancel" if others == "Cancel" else "Continue",
        catch=read_catch(state, language),
    )


_READERS: Final[dict[str, Callable[[Fields, str, Language, Context, int], State | None]]] = {
    "Pass": _pass,
    "Task": _task,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Join": _join,
}
