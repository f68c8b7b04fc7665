"""States in JSONata: where expressions stand, what they see, and how their errors show."""

import json
from typing import Any

import pytest

from tests.support.play import Play, compiled, states
from tests.unit.asl.recorded import CORPUS

TASK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True}


def jsonata(start_at: str, **named: dict[str, Any]) -> Any:
    return compiled({"QueryLanguage": "JSONata", "StartAt": start_at, "States": named})


def play(value: Any = None, **state: Any) -> Play:
    return Play(jsonata("S", S={"Type": "Pass", "End": True, **state}), value)


def recorded() -> list[Any]:
    """Successful recorded executions of machines that wait for nobody."""
    found = []
    for file in ("assign", "evaluate_jsonata", "intrinsic_functions", "outputdecl", "query_language", "scenarios"):
        path = CORPUS / f"{file}.json"
        for case in json.loads(path.read_text()) if path.exists() else []:
            text = json.dumps(case.get("definition") or {})
            if case["tier"] != "core" or "JSONata" not in text or "DISTRIBUTED" in text or '"Wait"' in text:
                continue
            for number, execution in enumerate(case["executions"]):
                output = execution.get("expect", {}).get("output")
                if output is not None and "Execution" not in json.dumps(output):
                    name = f"{case['id'].split('::')[-1]}-{number}"
                    found.append(pytest.param(case["definition"], json.loads(execution["input"]), output, id=name))
    return found or [pytest.param({}, None, None, marks=pytest.mark.skip(reason="no corpus here"))]


@pytest.mark.parametrize(("definition", "value", "want"), recorded())
def test_a_recorded_execution_ends_as_it_did_at_the_service(definition: dict[str, Any], value: Any, want: Any) -> None:
    played = Play(compiled(definition), value)
    expected = json.loads(want) if isinstance(want, str) else want
    assert json.dumps(played.output) == json.dumps(expected)
    played.replayed(record=False)


@pytest.mark.parametrize(("state", "want"), [
    ({}, {"a": 1}),
    ({"Output": {"x": "{% $states.input.a + 1 %}", "y": "{% as it is"[3:]}}, {"x": 2, "y": "as it is"}),
    ({"Output": None}, None),
    ({"Output": "{% $states.context.State.Name %}"}, "S"),
    ({"Output": "{% $millis() %}"}, 1_000_000),
    ({"Type": "Succeed", "End": None, "Output": "{% $states.input %}"}, {"a": 1}),
    ({"Type": "Wait", "Seconds": "{% $states.input.a - 1 %}"}, {"a": 1}),
    ({"Type": "Wait", "Timestamp": "{% '1970-01-01T00:00:00Z' %}", "Output": 5}, 5),
    ({"Type": "Map", "Items": "{% [1, 2] %}", "ItemSelector": {"v": "{% $states.context.Map.Item.Value * 10 %}"},
      "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "Output": "{% $states.input.v %}",
                                                         "End": True}}}, "Output": "{% $sum($states.result) %}"}, 30),
    ({"Type": "Map", "Items": [1], "ItemSelector": "{% $millis() %}",
      "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}}, [1_000_000]),
    ({"Type": "Parallel", "Arguments": "{% $states.input.a %}",
      "Branches": [{"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}]}, [1]),
], ids=str)  # fmt: skip
def test_a_state_in_jsonata_gives(state: dict[str, Any], want: Any) -> None:
    if state.get("End", True) is None:
        played = Play(jsonata("S", S={key: value for key, value in state.items() if key != "End"}), {"a": 1})
    else:
        played = play({"a": 1}, **state)
    assert played.output == want


def test_a_task_sees_its_result_and_hands_on_what_it_makes_of_it() -> None:
    task = {
        **TASK,
        "Arguments": {"n": "{% $states.input.a %}"},
        "TimeoutSeconds": "{% $states.input.a * 30 %}",
        "Output": "{% [$states.input.a, $states.result.b] %}",
        "Assign": {"v": "{% $states.result.b %}"},
        "Next": "N",
    }
    del task["End"]
    played = Play(jsonata("S", S=task, N={"Type": "Pass", "Output": "{% $v %}", "End": True}), {"a": 1})
    assert json.loads(played.job("S").input) == {"n": 1}
    assert played.job("S").timeout_s == 30
    played.succeed("S", {"b": 2})
    assert played.output == 2


def test_a_catcher_sees_the_error_and_assigns() -> None:
    catch = {
        "ErrorEquals": ["States.ALL"],
        "Next": "N",
        "Output": "{% $states.errorOutput.Error %}",
        "Assign": {"why": "{% $states.errorOutput.Cause %}"},
    }
    end = {"Type": "Pass", "Output": "{% $states.input & ': ' & $why %}", "End": True}
    played = Play(jsonata("S", S={**TASK, "Catch": [catch], "Assign": {"why": "not this"}}, N=end))
    played.fail("S", "Lost", "out of reach")
    assert played.output == "Lost: out of reach"


@pytest.mark.parametrize(("state", "location", "cause"), [
    ({"Output": "{% $nope %}"}, "Output",
     "The JSONata expression '$nope' specified for the field 'Output' returned nothing (undefined)."),
    ({"Output": {"a": [0, "{% $nope %}"]}}, "Output/a[1]",
     "The JSONata expression '$nope' specified for the field 'Output/a[1]' returned nothing (undefined)."),
    ({"Assign": {"v": "{% 1 + 'a' %}"}}, "Assign/v",
     ("The JSONata expression '1 + 'a'' specified for the field 'Assign/v' threw an error during evaluation. "
     'T2002: The right side of the "+" operator must evaluate to a number')),
    ({"Output": "{% $sum([1..900000]) %}"}, "Output",
     ("The JSONata expression '$sum([1..900000])' specified for the field 'Output' threw an error during evaluation: "
     "Expression evaluation memory limit exceeded: Check for excessive memory usage")),
    ({"Type": "Choice", "End": None, "Choices": [{"Condition": "{% 1 %}", "Next": "S"}]}, "Choices[0]/Condition",
     ("The JSONata expression '1' specified for the field 'Choices[0]/Condition' returned an unexpected result type. "
     "Expected 'boolean', but was 'number' for value: 1")),
    ({**TASK, "TimeoutSeconds": "{% 'x' %}"}, "TimeoutSeconds",
     ("The JSONata expression ''x'' specified for the field 'TimeoutSeconds' returned an unexpected result type. "
     "Expected 'integer', but was 'string' for value: \"x\"")),
    ({**TASK, "TimeoutSeconds": "{% 0 %}"}, "TimeoutSeconds",
     "The TimeoutSeconds field must be at least 1 and at most 99999999 but was: 0"),
    ({"Type": "Wait", "Timestamp": "{% 'soon' %}"}, "Timestamp",
     "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: soon"),
    ({"Type": "Fail", "End": None, "Error": "{% 1 %}"}, "Error",
     ("The JSONata expression '1' specified for the field 'Error' returned an unexpected result type. "
     "Expected 'string', but was 'number' for value: 1")),
], ids=str)  # fmt: skip
def test_what_cannot_be_evaluated_fails_the_state_and_shows_in_its_history(
    state: dict[str, Any], location: str, cause: str
) -> None:
    fields = {"Type": "Pass", "End": True, **state}
    if state.get("Type") == "Choice":
        fields["Default"] = "E"
    named = {"S": {key: value for key, value in fields.items() if value is not None}}
    if state.get("Type") == "Choice":
        named["E"] = {"Type": "Succeed"}
    played = Play(jsonata("S", **named), {})
    assert played.run.failure is not None
    where = "An error occurred while executing the state 'S' (entered at the event id #2). "
    assert (played.run.failure.error, played.run.failure.cause) == ("States.QueryEvaluationError", where + cause)
    assert played.run.events is not None
    event = played.run.events[2]
    assert event["type"] == "EvaluationFailed"
    assert event["evaluationFailedEventDetails"] == {
        "state": "S", "error": "States.QueryEvaluationError", "cause": where + cause, "location": location,
    }  # fmt: skip


@pytest.mark.parametrize(("condition", "want"), [(True, "yes"), (False, "no"), ("{% $states.input.a = 1 %}", "yes")])
def test_a_choice_takes_a_boolean_or_an_expression(condition: Any, want: str) -> None:
    choice = {"Type": "Choice", "Choices": [{"Condition": condition, "Next": "Y"}], "Default": "N"}
    ends = {name: {"Type": "Succeed", "Output": output} for name, output in (("Y", "yes"), ("N", "no"))}
    assert Play(jsonata("S", S=choice, **ends), {"a": 1}).output == want


@pytest.mark.parametrize(("items", "cause"), [
    ({"Items": {"a": 1}}, 'Map state input must be an array but was: {"a":1}'),
    ({}, "Map state input must be an array but was: 5"),
], ids=["an object", "the input"])  # fmt: skip
def test_a_map_iterates_over_arrays_alone(items: dict[str, Any], cause: str) -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    played = Play(jsonata("S", S={"Type": "Map", "ItemProcessor": inner, "End": True, **items}), 5)
    assert played.run.failure is not None
    assert cause in (played.run.failure.cause or "")


def test_an_evaluation_that_fails_can_be_caught() -> None:
    catch = [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "N"}]
    played = Play(jsonata("S", S={**TASK, "Arguments": "{% $nope %}", "Catch": catch}, N={"Type": "Pass", "End": True}))
    assert played.output["Error"] == "States.QueryEvaluationError"
    assert played.types()[2:4] == ["EvaluationFailed", "TaskStateExited"]


def test_a_catcher_that_cannot_be_evaluated_fails_the_state() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "N", "Output": "{% $nope %}"}]
    played = Play(jsonata("S", S={**TASK, "Catch": catch}, N={"Type": "Pass", "End": True}))
    played.fail("S", "Lost")
    assert played.run.failure is not None
    assert played.run.failure.error == "States.QueryEvaluationError"
    assert "'Catch[0]/Output'" in (played.run.failure.cause or "")


def test_a_value_that_grows_too_large_is_refused() -> None:
    large = {"Output": {str(number): "{% $pad('x', 200000) %}" for number in range(40)}}
    played = play({}, **large)
    assert played.run.failure is not None
    assert played.run.failure.error == "States.DataLimitExceeded"


def test_both_languages_share_variables() -> None:
    machine = states(
        "A",
        A={"Type": "Pass", "Assign": {"x.$": "$.n", "y": 2}, "Next": "B"},
        B={"Type": "Pass", "QueryLanguage": "JSONata", "Assign": {"z": "{% $x + $y %}"}, "Next": "C"},
        C={"Type": "Pass", "Parameters": {"z.$": "$z"}, "End": True},
    )
    assert Play(machine, {"n": 40}).output == {"z": 42}
