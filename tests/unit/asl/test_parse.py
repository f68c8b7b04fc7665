"""From a definition's text to a machine, or to every mistake in it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfc.asl import Diagnostic, invalid_definition_message, parse
from sfc.asl.dataflow import JsonPathFlow
from sfc.asl.model import Map, Parallel, Task, Wait
from sfc.limits import DEFINITION_CHARS

PASS = {"Type": "Pass", "End": True}
TASK = {"Type": "Task", "Resource": "task:t", "End": True}
MACHINE = {"StartAt": "P", "States": {"P": PASS}}


def of(**state: Any) -> dict[str, Any]:
    return {"StartAt": "S", "States": {"S": state}}


def errors(definition: Any, kind: Any = "STANDARD") -> list[str]:
    return [each.location for each in parse(definition, kind=kind).diagnostics if each.severity == "ERROR"]


def test_a_machine_is_compiled() -> None:
    machine = parse(json.dumps({**MACHINE, "Comment": "c", "TimeoutSeconds": 9})).machine
    assert machine is not None
    assert (machine.start_at, machine.comment, machine.timeout_s, list(machine.states)) == ("P", "c", 9, ["P"])


TEXTS = [
    ("", "", "SCHEMA_VALIDATION_FAILED"),
    ("[]", "", "SCHEMA_VALIDATION_FAILED"),
    ("not a definition", '[Source: (String)"not a definition"; line: 1, column: 4]', "INVALID_JSON_DESCRIPTION"),
    ('{\n"a": NaN}', '[Source: (String)"{\n"a": NaN}"; line: 2, column: 9]', "INVALID_JSON_DESCRIPTION"),
    ('{"a": 1e999}', '[Source: (String)"{"a": 1e999}"; line: 1, column: 7]', "INVALID_JSON_DESCRIPTION"),
    (b"\xff{}", "", "INVALID_JSON_DESCRIPTION"),
    ("\ud800", "", "INVALID_JSON_DESCRIPTION"),
    ("[" * 100_000, "", "INVALID_JSON_DESCRIPTION"),
    ("[" * 1_000 + "]" * 1_000, "", "INVALID_JSON_DESCRIPTION"),
    ('{"a":' * 100_000 + "1" + "}" * 100_000, "", "INVALID_JSON_DESCRIPTION"),
    (" " * (DEFINITION_CHARS + 1), "", "SCHEMA_VALIDATION_FAILED"),
    (None, "", "SCHEMA_VALIDATION_FAILED"),
]


@pytest.mark.parametrize(("text", "location", "code"), TEXTS, ids=[str(each[0])[:12] for each in TEXTS])
def test_what_is_no_json_object_is_one_finding(text: Any, location: str, code: str) -> None:
    (found,) = parse(text).diagnostics
    assert (found.location, found.code) == (location, code)


def test_a_key_that_stands_twice_is_found_at_its_place() -> None:
    text = '{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true, "End": true}}}'
    (found,) = parse(text).diagnostics
    assert (found.location, found.code) == ("/States/P/End", "INVALID_JSON_DESCRIPTION")


def test_a_dict_that_json_cannot_hold_is_a_finding() -> None:
    loop: dict[str, Any] = {}
    loop["a"] = loop
    assert not parse(loop).valid
    assert not parse({"a": object()}).valid


MISTAKES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("a missing Type", of(End=True), ["/States/S"]),
    ("an unknown Type", of(Type="Go", End=True), ["/States/S/Type"]),
    ("an unknown field", of(**PASS, Foo=1), ["/States/S"]),
    ("a top-level field", {**MACHINE, "Foo": 1}, ["/"]),
    ("neither Next nor End", of(Type="Pass"), ["/States/S", ""]),
    ("both Next and End", of(Type="Pass", Next="S", End=True), ["/States/S/End"]),
    ("End that is no boolean", of(Type="Pass", End="yes"), ["/States/S/End", ""]),
    ("a Task without Resource", of(Type="Task", End=True), ["/States/S"]),
    ("a bad Resource", of(Type="Task", Resource="foo:bar", End=True), ["/States/S/Resource"]),
    ("TimeoutSeconds twice", of(**TASK, TimeoutSeconds=1, TimeoutSecondsPath="$.t"), ["/States/S/TimeoutSecondsPath"]),
    ("a heartbeat too slow", of(**TASK, TimeoutSeconds=5, HeartbeatSeconds=6), ["/States/S/HeartbeatSeconds"]),
    ("a TimeoutSeconds of 0", of(**TASK, TimeoutSeconds=0), ["/States/S/TimeoutSeconds"]),
    ("Credentials without RoleArn", of(**TASK, Credentials={"x": "y"}), ["/States/S/Credentials"]),
    ("BackoffRate below 1", of(**TASK, Retry=[{"ErrorEquals": ["E"], "BackoffRate": 0.5}]),
     ["/States/S/Retry[0]/BackoffRate"]),
    ("MaxDelaySeconds too small",
     of(**TASK, Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": 5, "MaxDelaySeconds": 5}]),
     ["/States/S/Retry[0]/MaxDelaySeconds"]),
    ("MaxAttempts below 0", of(**TASK, Retry=[{"ErrorEquals": ["E"], "MaxAttempts": -1}]),
     ["/States/S/Retry[0]/MaxAttempts"]),
    ("a JitterStrategy", of(**TASK, Retry=[{"ErrorEquals": ["E"], "JitterStrategy": "HALF"}]),
     ["/States/S/Retry[0]/JitterStrategy"]),
    ("an empty ErrorEquals", of(**TASK, Retry=[{"ErrorEquals": []}]), ["/States/S/Retry[0]/ErrorEquals"]),
    ("States.ALL not alone", of(**TASK, Retry=[{"ErrorEquals": ["States.ALL", "E"]}]),
     ["/States/S/Retry[0]/ErrorEquals"]),
    ("States.ALL not last", of(**TASK, Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]),
     ["/States/S/Retry[0]/ErrorEquals"]),
    ("a catcher without Next", of(**TASK, Catch=[{"ErrorEquals": ["E"]}]), ["/States/S/Catch[0]"]),
    ("Retry on a Pass", of(**PASS, Retry=[{"ErrorEquals": ["E"]}]), ["/States/S"]),
    ("a wide ResultPath", of(**TASK, ResultPath="$.a[*]"), ["/States/S/ResultPath"]),
    ("a ResultPath in the context", of(**TASK, ResultPath="$$.a"), ["/States/S/ResultPath"]),
    ("an InputPath that is none", of(**PASS, InputPath="a"), ["/States/S/InputPath"]),
    ("a Wait without a time", of(Type="Wait", End=True), ["/States/S"]),
    ("a Wait with two times", of(Type="Wait", Seconds=1, SecondsPath="$.s", End=True), ["/States/S"]),
    ("a Timestamp that is none", of(Type="Wait", Timestamp="2016-12-05 21:29:29Z", End=True), ["/States/S/Timestamp"]),
    ("Seconds below 0", of(Type="Wait", Seconds=-1, End=True), ["/States/S/Seconds"]),
    ("Error and ErrorPath", of(Type="Fail", Error="E", ErrorPath="$.e"), ["/States/S/ErrorPath"]),
    ("an ErrorPath that gives no text", of(Type="Fail", ErrorPath="States.MathAdd(1, 2)"), ["/States/S/ErrorPath"]),
    ("no Branches", of(Type="Parallel", Branches=[], End=True), ["/States/S/Branches"]),
    ("a Map without processor", of(Type="Map", End=True), ["/States/S"]),
    ("two processors", of(Type="Map", ItemProcessor=MACHINE, Iterator=MACHINE, End=True), ["/States/S/Iterator"]),
    ("Parameters and ItemSelector", of(Type="Map", ItemProcessor=MACHINE, ItemSelector={}, Parameters={}, End=True),
     ["/States/S/Parameters"]),
    ("an inline Map with a Label", of(Type="Map", ItemProcessor=MACHINE, Label="l", End=True), ["/States/S/Label"]),
    ("a name in two machines", of(Type="Map", ItemProcessor={"StartAt": "S", "States": {"S": PASS}}, End=True),
     ["/States/S/ItemProcessor/States/S"]),
    ("a name too long", {"StartAt": "x" * 81, "States": {"x" * 81: PASS}}, [f"/States/{'x' * 81}"]),
    ("a JSONPath state in JSONata", {**MACHINE, "QueryLanguage": "JSONata",
                                     "States": {"P": {**PASS, "QueryLanguage": "JSONPath"}}}, ["/States/P"]),
    ("a half-open expression", of(**PASS, QueryLanguage="JSONata", Output="{% 1"), ["/States/S/Output"]),
    ("Parameters in JSONata", of(**PASS, QueryLanguage="JSONata", Parameters={}), ["/States/S"]),
    ("Output in JSONPath", of(**PASS, Output=1), ["/States/S"]),
    ("no StartAt", {"States": {"P": PASS}}, ["/"]),
    ("no States", {"StartAt": "P", "States": {}}, ["/States"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "locations"), [each[1:] for each in MISTAKES], ids=[each[0] for each in MISTAKES]
)
def test_a_mistake_is_found_at_its_place(definition: dict[str, Any], locations: list[str]) -> None:
    assert errors(definition) == locations
    assert parse(definition).machine is None


def test_every_mistake_is_found_at_once() -> None:
    states = {"A": {**TASK, "Foo": 1, "TimeoutSeconds": "x"}, "B": {"Type": "Wait", "Next": "C"}}
    found = errors({"StartAt": "A", "States": states})
    assert found == ["/States/A", "/States/A/TimeoutSeconds", "/States/B", "/States/B/Next", "/States/B"]


def test_a_template_mistake_is_in_the_words_of_aws_with_the_reason_beside_it() -> None:
    parsed = parse(of(**PASS, Parameters={"parsed.$": "no path"}))
    first, second = parsed.diagnostics
    assert first == Diagnostic(
        "/States/S/Parameters",
        "SCHEMA_VALIDATION_FAILED",
        "The value for the field 'parsed.$' must be a valid JSONPath or a valid intrinsic function call",
    )
    assert (second.location, second.severity) == ("/States/S/Parameters/parsed.$", "WARNING")


def test_the_message_of_create_state_machine_lists_the_errors() -> None:
    assert invalid_definition_message(parse(of(Type="Pass", Next="X")).diagnostics) == (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/S/Next, "
        "MISSING_END_STATE: Workflow has no terminal state'"
    )


UNSUPPORTED = [
    ("another service", of(**{**TASK, "Resource": "arn:aws:sns:us-east-1:123456789012:topic"}), "/States/S/Resource"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "location"), [each[1:] for each in UNSUPPORTED], ids=[e[0] for e in UNSUPPORTED]
)
def test_what_cannot_be_run_yet_is_valid_and_said_so(definition: dict[str, Any], location: str) -> None:
    parsed = parse(definition)
    assert parsed.valid
    assert parsed.machine is None
    assert (location, "NOT_YET_SUPPORTED") in [(each.location, each.code) for each in parsed.unsupported]


@pytest.mark.parametrize("suffix", [".sync", ".sync:2", ".waitForTaskToken"])
def test_an_express_machine_takes_no_resource_that_waits(suffix: str) -> None:
    definition = of(**{**TASK, "Resource": f"arn:aws:states:::states:startExecution{suffix}"})
    assert errors(definition, "EXPRESS") == ["/States/S/Resource"]
    assert errors(definition) == []


def test_parallel_and_map_deeper_than_the_limit_are_refused() -> None:
    def nested(levels: int) -> dict[str, Any]:
        if not levels:
            return {"StartAt": "last", "States": {"last": PASS}}
        state = {"Type": "Parallel", "Branches": [nested(levels - 1)], "End": True}
        return {"StartAt": f"p{levels}", "States": {f"p{levels}": state}}

    assert parse(nested(31)).valid
    assert any("nest deeper" in each.message for each in parse(nested(32)).diagnostics)


def test_what_is_compiled_holds_what_was_written() -> None:
    retry = [{"ErrorEquals": ["E"], "IntervalSeconds": 2, "MaxAttempts": 0, "JitterStrategy": "FULL"}]
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "W", "ResultPath": None}]
    mapped = {"Type": "Map", "ItemsPath": "$.items", "Parameters": {"a": 1}, "Iterator": MACHINE, "MaxConcurrency": 3,
              "Next": "B"}  # fmt: skip
    branch = {"StartAt": "Q", "States": {"Q": PASS}}
    machine = parse({
        "StartAt": "T",
        "States": {
            "T": {**TASK, "End": False, "Next": "M", "Retry": retry, "Catch": catch},
            "W": {"Type": "Wait", "Seconds": 0, "End": True},
            "M": mapped,
            "B": {"Type": "Parallel", "Branches": [branch], "End": True},
        },
    }).machine  # fmt: skip
    assert machine is not None
    task, wait, items, both = (machine.states[name] for name in "TWMB")
    assert isinstance(task, Task)
    assert isinstance(wait, Wait)
    assert isinstance(items, Map)
    assert isinstance(both, Parallel)
    assert (task.retry[0].interval_s, task.retry[0].max_attempts, task.retry[0].full_jitter) == (2.0, 0, True)
    assert task.catch[0].next == ("W",)
    assert task.catch[0].flow == JsonPathFlow(result_path=None)
    assert (wait.kind, wait.value) == ("Seconds", 0)
    assert (items.max_concurrency, items.processor.start_at, items.item_selector is not None) == (3, "P", True)
    assert both.branches[0].start_at == "Q"


KEYS = ["Type", "Next", "End", "States", "StartAt", "a.$", "S", "Choices"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["S", "$.a", "$$.b", "States.UUID()", "{% x %}", "Pass", "Join", "Map", "task:t"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
SEED: dict[str, Any] = {
    "StartAt": "T",
    "States": {
        "T": {**TASK, "End": False, "Next": ["C", "W"], "Retry": [{"ErrorEquals": ["E"]}],
              "Catch": [{"ErrorEquals": ["E"], "Next": "F"}], "Parameters": {"a.$": "$.a"}},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "J"}], "Default": "F"},
        "W": {"Type": "Wait", "Seconds": 1, "Next": "J"},
        "F": {"Type": "Fail", "Error": "E"},
        "J": {"Type": "Join", "Next": "M"},
        "M": {"Type": "Map", "ItemProcessor": MACHINE, "End": True},
    },
}  # fmt: skip


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(deeper for key, child in items for deeper in _places(child, (*place, key)))]


def _put(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = _put(copy[place[0]], place[1:], new)
    return copy


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.sampled_from(_places(SEED)), JSON), min_size=1, max_size=3),
    st.sampled_from(["STANDARD", "EXPRESS"]),
)
def test_no_mutation_of_a_definition_makes_parse_raise(changes: list[tuple[Any, Any]], kind: Any) -> None:
    definition: Any = SEED
    for place, new in changes:
        if place in _places(definition):
            definition = _put(definition, place, new)
    parsed = parse(json.dumps(definition), kind=kind)
    assert (parsed.machine is None) == (not parsed.valid or bool(parsed.unsupported))


@given(st.text() | st.binary())
def test_no_text_makes_parse_raise(text: str | bytes) -> None:
    assert parse(text).machine is None
