"""From raw input to arguments, from result to output; and timestamps."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl import parse
from sfc.asl.dataflow import IDENTITY_FLOW, JsonPathFlow
from sfc.asl.expression import FlowError, PathError, Scope
from sfc.asl.model import Task
from sfc.asl.paths import compile_path, compile_reference
from sfc.asl.template import compile_template
from sfc.asl.timestamps import format_ms, parse_rfc3339
from sfc.interpreter.entropy import SeededEntropy

SCOPE = Scope(lambda: {"Execution": {"Id": "e1"}}, SeededEntropy(1), {"v": 1})


def test_with_all_defaults_the_very_objects_are_handed_on() -> None:
    raw, result = {"a": 1}, [1]
    spelled = JsonPathFlow(compile_path("$"), None, None, compile_reference("$"), compile_path("$"))
    for flow in (IDENTITY_FLOW, spelled):
        assert flow.arguments(raw, SCOPE) is raw
        assert flow.output(raw, result, SCOPE) is result
        assert flow.growth == 0


def test_each_field_does_its_step() -> None:
    flow = JsonPathFlow(
        input_path=compile_path("$.in"),
        parameters=compile_template({"p.$": "$.x"}),
        result_selector=compile_template({"r.$": "$.y"}),
        result_path=compile_reference("$.res"),
        output_path=compile_path("$.res.r"),
    )
    raw = {"in": {"x": 1}}
    assert flow.arguments(raw, SCOPE) == {"p": 1}
    assert flow.output(raw, {"y": 2, "z": 3}, SCOPE) == 2
    assert raw == {"in": {"x": 1}}


def test_null_fields_drop_what_they_stand_for() -> None:
    flow = JsonPathFlow(input_path=None, parameters=compile_template({"p.$": "$"}), result_path=None)
    assert flow.arguments({"a": 1}, SCOPE) == {"p": {}}
    assert flow.output({"a": 1}, "result", SCOPE) == {"a": 1}
    assert JsonPathFlow(input_path=None).arguments(1, SCOPE) == {}
    assert JsonPathFlow(output_path=None).output(1, 2, SCOPE) == {}


@pytest.mark.parametrize(
    ("flow", "growth"),
    [
        (JsonPathFlow(input_path=compile_path("$.a.b")), 0),
        (JsonPathFlow(result_path=None, output_path=None, input_path=None), 0),
        (JsonPathFlow(result_path=compile_reference("$.a")), 1),
        (JsonPathFlow(parameters=compile_template({"a.$": "$", "b.$": "$"})), 2),
        (JsonPathFlow(output_path=compile_path("$$")), 1),
        (JsonPathFlow(input_path=compile_path("$v.x")), 1),
        (JsonPathFlow(input_path=compile_path("$..*")), 1000),
        (JsonPathFlow(parameters=compile_template({"a.$": "$..*"})), 1000),
        (JsonPathFlow(result_selector=compile_template({"a.$": "States.Array($, $, $)"})), 3),
        (JsonPathFlow(parameters=compile_template({"constant": 1})), 1),
    ],
)
def test_growth_tells_how_many_copies_can_arise(flow: JsonPathFlow, growth: int) -> None:
    assert flow.growth == growth


@pytest.mark.parametrize(
    "flow", [JsonPathFlow(input_path=compile_path("$.no.x")), JsonPathFlow(output_path=compile_path("$.no.x"))]
)
def test_a_path_that_finds_nothing_fails_the_state(flow: JsonPathFlow) -> None:
    with pytest.raises(PathError) as caught:
        flow.output({}, flow.arguments({}, SCOPE), SCOPE)
    assert caught.value.failure.cause == "Invalid path '$.no.x' : Missing property in path $['no']"


def test_a_result_that_has_no_place_fails_the_state() -> None:
    with pytest.raises(FlowError) as caught:
        JsonPathFlow(result_path=compile_reference("$.a")).output("text", 1, SCOPE)
    assert caught.value.failure.error == "States.ResultPathMatchFailure"
    assert caught.value.failure.cause == 'Unable to apply ReferencePath $.a to input "text"'


@pytest.mark.parametrize(
    ("result_path", "want"), [("$", {"Error": "E"}), ("$.e", {"a": 1, "e": {"Error": "E"}}), (None, {"a": 1})]
)
def test_a_caught_error_is_placed_by_the_catcher_and_not_filtered(result_path: str | None, want: Any) -> None:
    catcher = {"ErrorEquals": ["States.ALL"], "Next": "S", "ResultPath": result_path}
    state = {"Type": "Task", "Resource": "task:t", "OutputPath": "$.no.such.path", "Catch": [catcher], "End": True}
    machine = parse({"StartAt": "S", "States": {"S": state}}).machine
    assert machine is not None
    task = machine.states["S"]
    assert isinstance(task, Task)
    assert task.catch[0].flow.output({"a": 1}, {"Error": "E"}, SCOPE) == want


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1970-01-01T00:00:00.123456789Z", 123),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T22:30:00.250-01:30", 250),
        ("2012-10-09T19:00:55Z", 1_349_809_255_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
    ],
)
def test_a_timestamp_is_read_to_the_millisecond(text: str, ms: int) -> None:
    assert parse_rfc3339(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "", "2023-02-24", "2012-10-09T19:00:55", "2012-10-09 19:00:55Z", "2012-10-09t19:00:55Z", "2012-10-09T19:00:55z",
        "2012-13-09T19:00:55Z", "2023-02-29T00:00:00Z", "2012-10-09T24:00:00Z", "2012-10-09T19:00:55.Z",
        "2012-10-09T19:00:55+24:00", "2012-10-09T19:00:55+01:60", "2012-10-09T19:00:55+0100", "0000-01-01T00:00:00Z",
        "\uff12\uff1012-10-09T19:00:55Z", "2012-10-09T19:00:55Z\n",
    ],
)  # fmt: skip
def test_what_is_no_timestamp_is_none(text: str) -> None:
    assert parse_rfc3339(text) is None


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_a_formatted_time_reads_back_the_same(ms: int) -> None:
    assert parse_rfc3339(format_ms(ms)) == ms


def test_times_are_shown_with_three_digits_of_milliseconds() -> None:
    assert format_ms(1_767_323_045_006) == "2026-01-02T03:04:05.006Z"
