"""One state of a definition is tested without its surroundings."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.arn import Partition
from sfc.asl.expression import Failure
from sfc.errors import InvalidDefinition, InvalidInput, InvalidRequest, SfcError
from sfc.interpreter import Run, step
from sfc.interpreter.entries import Started, TaskSucceeded
from sfc.teststate import Mock, Outcome, StateConfiguration, TestRequest, test_state
from sfc.teststate.inspection import answer, inspection_data

LAMBDA = "arn:aws:states:::lambda:invoke"
TASK = {"Type": "Task", "Resource": LAMBDA, "Next": "After"}
PROCESSOR = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
DISTRIBUTED = {**PROCESSOR, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}}
MAP = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": DISTRIBUTED, "End": True}
PARALLEL = {
    "Type": "Parallel",
    "Branches": [PROCESSOR, {"StartAt": "J", "States": {"J": {"Type": "Succeed"}}}],
    "End": True,
}
RETRY = [{"ErrorEquals": ["Other"]}, {"ErrorEquals": ["No"], "MaxAttempts": 2, "IntervalSeconds": 3}]
CATCH = [{"ErrorEquals": ["Other"], "Next": "X"}, {"ErrorEquals": ["No"], "Next": "Y", "ResultPath": "$.error"}]
FAILED = Mock(failure=Failure("No", "never"))
NOW = 1_790_000_000_000


async def outcome_of(definition: dict[str, Any], value: Any = None, *, answer: bytes = b"{}", **more: Any) -> Outcome:
    """What comes of the state; a real Task is answered with `answer`."""

    async def perform(run: Run, started: Started) -> None:
        step(run, started)
        (job,) = run.jobs.values()
        step(run, TaskSucceeded(at=started.at, task=job.task, attempt=job.attempt, output=answer))

    request = TestRequest(definition=json.dumps(definition), input=json.dumps({} if value is None else value), **more)
    return await test_state(request, Partition(), machine="machine", name="name", now=NOW, seed=7, perform=perform)


def output(outcome: Outcome) -> Any:
    assert outcome.output is not None
    return json.loads(outcome.output)


def inspected(outcome: Outcome) -> dict[str, Any]:
    """What DEBUG shows, with its JSON texts read."""
    return {
        name: json.loads(value) if isinstance(value, str) else value for name, value in inspection_data(outcome).items()
    }


class TestWhatComesOfAState:
    async def test_a_pass_hands_on_its_input_to_the_next_state(self) -> None:
        outcome = await outcome_of({"Type": "Pass", "Next": "B"}, {"a": 1})
        assert (outcome.status, output(outcome), outcome.next_state) == ("SUCCEEDED", {"a": 1}, "B")

    async def test_a_state_at_the_end_has_none_after_it(self) -> None:
        assert (await outcome_of({"Type": "Succeed"})).next_state is None

    async def test_a_fail_fails(self) -> None:
        outcome = await outcome_of({"Type": "Fail", "Error": "No", "Cause": "never"})
        assert (outcome.status, outcome.failure) == ("FAILED", Failure("No", "never"))

    async def test_a_choice_says_which_way(self) -> None:
        choice = {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "B"}], "Default": "C"}
        assert [(await outcome_of(choice, {"a": value})).next_state for value in (1, 2)] == ["B", "C"]

    async def test_a_wait_takes_no_time_but_not_longer_than_a_test_may(self) -> None:
        assert (await outcome_of({"Type": "Wait", "Seconds": 299, "End": True})).status == "SUCCEEDED"
        outcome = await outcome_of({"Type": "Wait", "Seconds": 301, "End": True})
        assert (outcome.status, outcome.failure) == ("FAILED", Failure("States.Timeout"))

    async def test_a_task_without_a_mock_is_really_done(self) -> None:
        outcome = await outcome_of(TASK, answer=b'{"done":1}', role_arn="arn:role")
        assert (outcome.status, output(outcome), outcome.next_state) == ("SUCCEEDED", {"done": 1}, "After")

    async def test_a_mocked_result_goes_through_the_data_flow(self) -> None:
        task = {**TASK, "ResultSelector": {"b.$": "$.Payload"}, "ResultPath": "$.r"}
        outcome = await outcome_of(task, {"a": 1}, mock=Mock(result='{"Payload": 2}'))
        assert output(outcome) == {"a": 1, "r": {"b": 2}}

    async def test_jsonata_sees_result_variables_and_context(self) -> None:
        task = {
            "Type": "Task", "QueryLanguage": "JSONata", "Resource": LAMBDA, "End": True,
            "Output": "{% [$states.result.Payload, $x, $states.context.State.Name] %}",
        }  # fmt: skip
        outcome = await outcome_of(task, mock=Mock(result='{"Payload": 2}'), variables='{"x": 3}')
        assert output(outcome) == [2, 3, "StateName"]

    async def test_a_state_of_a_machine_is_found_by_name_also_inside_a_map(self) -> None:
        machine = {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": PROCESSOR, "End": True}}}
        assert output(await outcome_of(machine, 5, state_name="I")) == 5

    async def test_an_expression_that_fails_says_so_without_a_place(self) -> None:
        outcome = await outcome_of({"Type": "Pass", "InputPath": "$.none", "End": True})
        assert outcome.failure is not None
        assert (outcome.status, outcome.failure.error) == ("FAILED", "States.Runtime")
        assert (outcome.failure.cause or "").startswith("Invalid path '$.none'")


class TestFailures:
    @pytest.mark.parametrize(
        ("count", "status", "backoff"), [(0, "RETRIABLE", 3), (1, "RETRIABLE", 6), (2, "FAILED", None)]
    )
    async def test_a_retrier_has_so_many_attempts(self, count: int, status: str, backoff: int | None) -> None:
        outcome = await outcome_of(
            {**TASK, "Retry": RETRY}, mock=FAILED, configuration=StateConfiguration(retry_count=count)
        )
        assert (outcome.status, outcome.backoff_s, outcome.retrier) == (status, backoff, 1)
        assert outcome.failure == FAILED.failure

    async def test_a_catcher_takes_what_no_retrier_does(self) -> None:
        outcome = await outcome_of({**TASK, "Catch": CATCH}, {"a": 1}, mock=FAILED)
        assert (outcome.status, outcome.next_state, outcome.catcher) == ("CAUGHT_ERROR", "Y", 1)
        assert output(outcome) == {"a": 1, "error": {"Error": "No", "Cause": "never"}}

    async def test_what_nothing_takes_fails(self) -> None:
        assert (await outcome_of(TASK, mock=FAILED)).status == "FAILED"

    @pytest.mark.parametrize(
        ("tolerated", "failed", "status"),
        [
            ({}, 3, "SUCCEEDED"),
            ({"ToleratedFailureCount": 1}, 1, "SUCCEEDED"),
            ({"ToleratedFailureCount": 1}, 2, "FAILED"),
            ({"ToleratedFailurePercentage": 50}, 2, "FAILED"),
            ({"ToleratedFailurePercentage": 67}, 2, "SUCCEEDED"),
        ],
    )
    async def test_failed_iterations_count_against_a_threshold(
        self, tolerated: dict[str, Any], failed: int, status: str
    ) -> None:
        outcome = await outcome_of(
            {**MAP, **tolerated},
            {"items": [1, 2, 3]},
            mock=Mock(result="[1,2,3]"),
            configuration=StateConfiguration(failed_iterations=failed),
        )
        assert outcome.status == status
        if status == "FAILED":
            assert outcome.failure is not None
            assert outcome.failure.error == "States.ExceedToleratedFailureThreshold"

    async def test_items_that_are_no_array_fail_the_map(self) -> None:
        outcome = await outcome_of({**MAP, "ItemProcessor": PROCESSOR}, {"items": 1}, mock=Mock(result="[]"))
        assert outcome.failure == Failure("States.Runtime", 'Reference path "$.items" must point to array.')


class TestInspection:
    async def test_each_step_of_the_data_flow_is_shown(self) -> None:
        task = {
            **TASK, "InputPath": "$.a", "Parameters": {"p.$": "$.b"}, "ResultSelector": {"s.$": "$.Payload"},
            "ResultPath": "$.r", "OutputPath": "$.r",
        }  # fmt: skip
        value = {"a": {"b": 1}}
        assert inspected(await outcome_of(task, value, mock=Mock(result='{"Payload": 2}'))) == {
            "input": value,
            "afterInputPath": {"b": 1},
            "afterParameters": {"p": 1},
            "result": {"Payload": 2},
            "afterResultSelector": {"s": 2},
            "afterResultPath": {"a": {"b": 1}, "r": {"s": 2}},
        }

    async def test_of_a_failure_the_way_to_it_is_shown(self) -> None:
        found = inspected(await outcome_of({**TASK, "Retry": RETRY, "Catch": CATCH}, mock=FAILED))
        assert found["errorDetails"] == {"retryIndex": 1, "retryBackoffIntervalSeconds": 3}
        assert "result" not in found

    async def test_a_map_shows_its_items_batches_and_limits(self) -> None:
        definition = {
            **MAP, "ItemSelector": {"n.$": "$$.Map.Item.Value"}, "ItemBatcher": {"MaxItemsPerBatch": 2},
            "MaxConcurrency": 4, "ToleratedFailurePercentage": 5,
        }  # fmt: skip
        found = inspected(await outcome_of(definition, {"items": [1, 2, 3]}, mock=Mock(result="[]")))
        items = [{"n": 1}, {"n": 2}, {"n": 3}]
        assert (found["afterItemsPath"], found["afterItemSelector"]) == ([1, 2, 3], items)
        assert found["afterItemBatcher"] == [{"Items": items[:2]}, {"Items": items[2:]}]
        assert (found["maxConcurrency"], found["toleratedFailurePercentage"]) == (4, 5.0)

    @pytest.mark.parametrize(
        ("config", "data", "items"),
        [
            ({"InputType": "JSON"}, "[1, 2]", 2),
            ({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, "a,b\n1,2\n", 1),
        ],
    )
    async def test_an_item_reader_is_given_its_data(self, config: dict[str, Any], data: str, items: int) -> None:
        reader = {
            "Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config,
            "Parameters": {"Bucket": "b", "Key": "k"},
        }  # fmt: skip
        definition = {key: value for key, value in MAP.items() if key != "ItemsPath"} | {"ItemReader": reader}
        outcome = await outcome_of(
            definition, mock=Mock(result="[]"), configuration=StateConfiguration(item_reader_data=data)
        )
        assert (outcome.status, len(outcome.notes.items)) == ("SUCCEEDED", items)

    async def test_variables_are_shown_as_the_state_leaves_them(self) -> None:
        state = {"Type": "Pass", "Assign": {"x": 2}, "Next": "B"}
        assert inspected(await outcome_of(state, variables='{"x": 1, "y": 1}'))["variables"] == {"x": 2, "y": 1}

    async def test_a_context_object_can_be_given(self) -> None:
        state = {**TASK, "Parameters": {"token.$": "$$.Task.Token"}}
        outcome = await outcome_of(state, mock=Mock(result="{}"), context='{"Task": {"Token": "abc"}}')
        assert inspected(outcome)["afterParameters"] == {"token": "abc"}


WHOLE = Mock(result="{}")
REFUSED = [
    pytest.param(
        {"Type": "Pass", "End": True},
        {"mock": WHOLE},
        "State type 'Pass' is not supported when a mock is specified",
        id="a mock of a Pass",
    ),
    pytest.param(
        MAP,
        {"role_arn": "arn:r"},
        (
            "TestState API does not support Map or Parallel states. Supported state types include: "
            "[Task, Wait, Pass, Succeed, Fail, Choice]"
        ),
        id="a Map without a mock",
    ),
    pytest.param(
        TASK, {}, "RoleArn must be specified when testing a Task state", id="a Task without a mock and a role"
    ),
    pytest.param(
        TASK,
        {"mock": WHOLE, "reveal_secrets": True},
        "TestState does not support RevealSecrets when a mock is specified.",
        id="secrets of a mock",
    ),
    pytest.param(
        TASK,
        {"mock": Mock(result="{}", failure=Failure("E"))},
        ("A test mock should have only one of the following fields: [result, errorOutput]."),
        id="a result and a failure",
    ),
    pytest.param(TASK, {"mock": Mock(result="{")}, "Mocked result must be valid JSON", id="a result that is no JSON"),
    pytest.param(MAP, {"mock": WHOLE}, "Mocked result must be an array.", id="no array of a Map"),
    pytest.param(PARALLEL, {"mock": WHOLE}, "Mocked result must be an array.", id="no array of a Parallel"),
    pytest.param(
        PARALLEL,
        {"mock": Mock(result="[1]")},
        ("Mocked result must contain the same number of items as number of Parallel branches."),
        id="too few results",
    ),
    pytest.param(
        {**MAP, "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}}},
        {"mock": Mock(result="[]")},
        "Mocked result must be a JSON object.",
        id="an array of a Map that writes its results",
    ),
    pytest.param(
        MAP,
        {"mock": Mock(result="[1]"), "configuration": StateConfiguration(failed_iterations=2)},
        ("Map iteration failure count must be less than or equal to the number of Map iterations"),
        id="more failures than iterations",
    ),
    pytest.param(
        MAP,
        {"configuration": StateConfiguration(failed_iterations=0)},
        ("TestState does not support MapIterationFailureCount when a mock is not specified."),
        id="failures without a mock",
    ),
    pytest.param(
        {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}},
        {"state_name": "B"},
        "State not found in definition",
        id="no such state",
    ),
    pytest.param(
        TASK,
        {"mock": WHOLE, "context": '{"Map": {}}'},
        ("Invalid Context object provided: 'Map' field is not supported when mocking a Context object"),
        id="an item in the context",
    ),
    pytest.param(
        TASK,
        {"mock": WHOLE, "context": '{"State": {"Label": ""}}'},
        "Invalid Context object provided: Field 'Label' is not allowed",
        id="an unknown member of the context",
    ),
    pytest.param(
        TASK,
        {"mock": WHOLE, "context": '{"Execution": {"Id": 1}}'},
        "Invalid Context object provided: Execution.Id must be a string",
        id="a wrong type in the context",
    ),
    pytest.param(
        TASK,
        {"mock": WHOLE, "context": '{"State": 1}'},
        "Invalid Context object provided: State must be an object",
        id="no object in the context",
    ),
    pytest.param(
        TASK,
        {"mock": WHOLE, "variables": "[]"},
        "Invalid variables provided: it must be a JSON object",
        id="variables that are no object",
    ),
    pytest.param(
        {"Type": "Parallel", "Branches": [], "End": True},
        {"mock": WHOLE},
        (
            "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Value cannot be empty at "
            "/States/StateName/Branches'"
        ),
        id="a state with a mistake",
    ),
    pytest.param(
        {**TASK, "Resource": f"{LAMBDA}.waitForTaskToken"},
        {"role_arn": "arn:r"},
        (
            "TestState API does not support activities and the integration patterns '.sync' and "
            "'.waitForTaskToken' when a mock is not specified"
        ),
        id="waiting for a token",
    ),
]


@pytest.mark.parametrize(("definition", "more", "message"), REFUSED)
async def test_what_does_not_go_together_is_refused(
    definition: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    with pytest.raises((InvalidRequest, InvalidDefinition)) as refused:
        await outcome_of(definition, **more)
    assert refused.value.message == message


async def test_an_input_that_is_no_json_is_refused() -> None:
    request = TestRequest(definition=json.dumps({"Type": "Succeed"}), input="{")
    with pytest.raises(InvalidInput):
        await test_state(request, Partition(), "m", "n", NOW, 7, _never)


async def _never(run: Run, started: Started) -> None:
    raise AssertionError("nothing is to be called")


FIELDS = (
    "Type", "Next", "End", "Choices", "Default", "Catch", "Retry", "Branches", "Parameters", "Items", "ErrorEquals",
    "Seconds", "Resource", "ItemProcessor", "States", "StartAt", "QueryLanguage",
)  # fmt: skip
STATES = st.recursive(
    st.sampled_from([None, 0, 1.5, "$", "$.a", "{% 1 %}", "No", "Task", "Map", "Pass", "Wait", True]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(FIELDS), inner, max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@given(STATES, st.sampled_from([None, "A"]), st.sampled_from([None, WHOLE, FAILED, Mock(result="[]")]))
async def test_whatever_is_asked_for_has_an_answer_or_is_refused(
    definition: Any, name: str | None, mock: Mock | None
) -> None:
    request = TestRequest(definition=json.dumps(definition), state_name=name, mock=mock)
    try:
        outcome = await test_state(request, Partition(), "m", "n", NOW, 7, _never)
    except SfcError:
        return
    assert inspection_data(outcome)["input"] == "{}"


async def test_a_handler_that_stands_in_for_the_http_service_shows_no_request() -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Parameters": {"a": 1}, "End": True}
    outcome = await outcome_of(task, answer=b'{"Headers": 1}', role_arn="arn:role")
    assert answer(outcome, "TRACE")["inspectionData"] == inspection_data(outcome)


async def test_in_jsonata_the_request_is_that_of_the_arguments() -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::http:invoke",
        "QueryLanguage": "JSONata",
        "Arguments": {"ApiEndpoint": "{% $states.input.at %}", "Method": "GET"},
        "End": True,
    }
    said = {"Headers": {"x": ["1", "2"]}, "ResponseBody": {"a": 1}, "StatusCode": 200, "StatusText": "OK"}
    outcome = await outcome_of(
        task, {"at": "https://example.com/one"}, answer=json.dumps(said).encode(), role_arn="arn:role"
    )
    data: Any = answer(outcome, "TRACE")["inspectionData"]
    assert data["request"] == {
        "protocol": "https",
        "method": "GET",
        "url": "https://example.com/one",
        "headers": "[Host: example.com]",
    }
    assert data["response"] == {
        "protocol": "https",
        "statusCode": "200",
        "statusMessage": "OK",
        "headers": "[x: 1, x: 2]",
        "body": '{"a":1}',
    }
