"""Blueprints played with mocked tasks, in virtual time."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfc.errors import InvalidDefinition
from sfc.pytest_plugin import PlayBlueprint
from sfc.tasks.mocks import Expected
from sfc.testing import InvalidMocks, MockConfig, NotMocked, Return, differences, play, read_mocks, throw

CHARGE: dict[str, Any] = {
    "StartAt": "Charge",
    "States": {
        "Charge": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10, "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["Declined"], "Next": "Tell"}],
            "ResultPath": "$.receipt",
            "Next": "Rest",
        },
        "Rest": {"Type": "Wait", "Seconds": 86400, "End": True},
        "Tell": {"Type": "Fail", "Error": "NoSale", "Cause": "declined"},
    },
}
EACH: dict[str, Any] = {
    "StartAt": "All",
    "States": {
        "All": {
            "Type": "Map",
            "ItemProcessor": {
                "StartAt": "One",
                "States": {"One": {"Type": "Task", "Resource": "task:one", "End": True}},
            },
            "End": True,
        }
    },
}


def test_a_task_gives_what_its_mock_says_and_waits_take_no_time() -> None:
    played = play(CHARGE, {"id": 1}, mocks={"Charge": {"number": "r-1"}})
    assert played.status == "SUCCEEDED"
    assert played.output == {"id": 1, "receipt": {"number": "r-1"}}
    assert played.path == ["Charge", "Rest"]
    assert played.seconds == 86400
    assert played.history[-1]["type"] == "ExecutionSucceeded"


def test_each_call_has_its_own_answer_and_the_last_is_for_all_that_follow() -> None:
    played = play(CHARGE, mocks={"Charge": [throw("Busy"), throw("Busy", "later"), "done"]})
    assert played.output == {"receipt": "done"}
    assert [call.retry_count for call in played.calls] == [0, 1, 2]
    assert played.seconds == 10 + 20 + 86400
    assert play(CHARGE, mocks={"Charge": [throw("Busy")]}).error == "Busy"


def test_a_failure_takes_the_path_of_its_catcher() -> None:
    played = play(CHARGE, mocks={"Charge": throw("Declined", "no funds")})
    assert (played.status, played.error, played.cause, played.output) == ("FAILED", "NoSale", "declined", None)
    assert played.path == ["Charge", "Tell"]


def test_a_mock_may_be_a_function_of_the_input_and_calls_are_remembered() -> None:
    played = play(EACH, [1, 2, 3], mocks={"One": lambda value: throw("Odd") if value == 9 else value * 2})
    assert played.output == [2, 4, 6]
    assert played.calls_of("One") == [1, 2, 3]
    assert played.calls_of("None") == []


def test_a_list_as_a_result_is_a_return() -> None:
    assert play(EACH, [1], mocks={"One": Return([1, 2])}).output == [[1, 2]]


def test_every_run_is_the_same() -> None:
    chance = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}, "End": True}}}
    assert play(chance).output == play(chance).output
    assert play(chance).output != play(chance, seed=1).output
    assert play(chance).history == play(chance).history


def test_a_call_that_nobody_answers_says_so() -> None:
    with pytest.raises(NotMocked, match="state 'Charge' called arn:aws:states:::sqs:sendMessage, which is not mocked"):
        play(CHARGE)


def test_a_mock_of_what_is_no_task_is_refused() -> None:
    with pytest.raises(InvalidMocks, match="'Charg' is no Task of this blueprint; its Tasks: Charge"):
        play(CHARGE, mocks={"Charg": 1})
    with pytest.raises(InvalidMocks, match="its Tasks: One"):
        play(EACH, mocks={"All": 1})
    with pytest.raises(InvalidMocks, match="has no answers"):
        play(CHARGE, mocks={"Charge": []})


def test_a_broken_blueprint_is_refused_with_every_finding() -> None:
    with pytest.raises(InvalidDefinition) as found:
        play({"StartAt": "X", "States": {"A": {"Type": "Pass", "Next": "Y"}}})
    assert len(found.value.diagnostics) >= 2


def test_a_blueprint_may_be_text_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "c.asl.json").write_text(json.dumps(CHARGE))
    for definition in (json.dumps(CHARGE), tmp_path / "c.asl.json", str(tmp_path / "c.asl.json")):
        assert play(definition, mocks={"Charge": 1}).status == "SUCCEEDED"


def test_an_endless_loop_ends_by_the_limit_of_its_history() -> None:
    loop = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Task", "Resource": "task:a", "Next": "W"},
            "W": {"Type": "Wait", "Seconds": 1, "Next": "C"},
            "C": {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True, "Next": "E"}], "Default": "A"},
            "E": {"Type": "Succeed"},
        },
    }
    assert play(loop, mocks={"A": 1}).error == "States.Runtime"


def distributed(**fields: Any) -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Pause",
        "States": {
            "Pause": {"Type": "Wait", "Seconds": 60, "Next": "One"},
            "One": {"Type": "Task", "Resource": "task:one", "End": True},
        },
    }
    each = {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}
    return {"StartAt": "Each", "States": {"Each": each}}


READER = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k.json"}}
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}}


def test_a_distributed_map_plays_its_children_beside_each_other() -> None:
    played = play(distributed(), [1, 2, 3], mocks={"One": lambda value: value * 2})
    assert played.output == [2, 4, 6]
    assert played.calls_of("One") == [1, 2, 3]
    assert played.seconds == 60
    assert "MapRunSucceeded" in [event["type"] for event in played.history]


def test_its_items_are_said_where_it_would_read_them() -> None:
    flow = distributed(ItemReader=READER, ItemBatcher={"MaxItemsPerBatch": 2})
    with pytest.raises(NotMocked, match="state 'Each' reads its items from"):
        play(flow, mocks={"One": 1})
    played = play(flow, mocks={"One": lambda value: len(value["Items"])}, items={"Each": ["a", "b", "c"]})
    assert played.output == [2, 1]


def test_its_failures_count_and_a_result_writer_says_where_it_would_write() -> None:
    mocks = {"One": [throw("Odd"), 1]}
    assert play(distributed(), [1, 2], mocks=mocks).error == "States.ExceedToleratedFailureThreshold"
    tolerant = distributed(ToleratedFailureCount=1, ResultWriter=WRITER)
    played = play(tolerant, [1, 2], mocks=mocks)
    assert played.output["ResultWriterDetails"]["Bucket"] == "b"


def test_the_whole_state_may_be_mocked() -> None:
    flow = distributed(ItemReader=READER)
    assert play(flow, mocks={"Each": {"all": "done"}}).output == {"all": "done"}
    assert play(flow, mocks={"Each": throw("States.ItemReaderFailed", "gone")}).error == "States.ItemReaderFailed"


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "arn:aws:states:::states:startExecution.sync:2",
        "arn:aws:states:us-east-1:123456789012:activity:work",
        "arn:aws:states:::ecs:runTask.sync",
    ],
)
def test_a_task_of_any_pattern_may_be_mocked(resource: str) -> None:
    task = {
        "Type": "Task",
        "Resource": resource,
        "Parameters": {"StateMachineArn": "x", "T.$": "$$.Task.Token"},
        "End": True,
    }
    if "ecs" in resource:
        task["Parameters"] = {}
    flow = {"StartAt": "T", "States": {"T": task}}
    assert play(flow, mocks={"T": [1]}).output == 1
    assert play(flow, mocks={"T": throw("No")}).error == "No"


def test_the_fixtures_find_files_beside_the_test(
    play_blueprint: PlayBlueprint, mock_config: Callable[[str], MockConfig]
) -> None:
    case = mock_config("order.mocks.json").case("order", "Declined")
    assert case is not None
    played = play_blueprint("order.asl.json", case.expected.input, mocks=case)
    assert differences(case.expected, played) == []


FILE = read_mocks((Path(__file__).parent / "order.mocks.json").read_text())


@pytest.mark.parametrize("case", FILE.cases("order"), ids=lambda case: case.name)
def test_every_case_of_a_file_is_a_parameter(case: Any, play_blueprint: PlayBlueprint) -> None:
    assert differences(case.expected, play_blueprint("order.asl.json", case.expected.input, mocks=case)) == []


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (Expected(), []),
        (Expected(status="FAILED"), ["Status is SUCCEEDED, not FAILED"]),
        (Expected(looked_at={"Output": {"receipt": 1.0}}), []),
        (Expected(looked_at={"Output": {"receipt": True}}), ['Output is {"receipt":1}, not {"receipt":true}']),
        (Expected(looked_at={"Path": ["Charge"]}), ['Path is ["Charge","Rest"], not ["Charge"]']),
        (Expected(looked_at={"Error": None}), []),
    ],
)
def test_differences_are_sentences(expected: Expected, said: list[str]) -> None:
    assert differences(expected, play(CHARGE, mocks={"Charge": 1})) == said
