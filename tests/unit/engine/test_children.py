"""Executions that start executions: how the end of a child reaches its parent, once, whatever dies in between."""

import json
from typing import Any

import pytest

from sfc.engine.records import ExecutionRecord
from sfc.errors import Unavailable
from sfc.store.journal import Child, Waiting
from tests.unit.engine.conftest import House, until

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:"


def starter(pattern: str, machine: str = "task", **more: Any) -> str:
    """A machine whose one state starts `machine`."""
    parameters = {"StateMachineArn": MACHINE + machine, "Input.$": "$"}
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{pattern}", "Parameters": parameters, "End": True}
    return json.dumps({"StartAt": "Start", "States": {"Start": {**state, **more}}})


async def begin(house: House, pattern: str, input: str = '{"order": 1}', **more: Any) -> ExecutionRecord:
    """Start a parent and wait until its child runs."""
    await house.engine.blueprints.create("parent", starter(pattern, **more))
    record = await house.engine.start("parent", input, "p")
    await house.engine.advance()
    return record


async def ended(house: House, record: ExecutionRecord) -> ExecutionRecord:
    found = await house.engine.wait(record.arn, 5)
    assert found.status != "RUNNING"
    return found


async def child_of(house: House) -> ExecutionRecord:
    (record,) = (await house.engine.list("task")).items
    return record


def kept(house: House, record: ExecutionRecord) -> list[Child]:
    return house.store.children(record.id)


async def types(house: House, record: ExecutionRecord) -> list[str]:
    return [str(event["type"]) for event in (await house.engine.history(record.arn)).items]


async def test_a_started_execution_is_not_waited_for(house: House) -> None:
    parent = await ended(house, await begin(house, "states:startExecution"))
    child = await child_of(house)
    answer = json.loads(parent.output or "")
    assert (answer["ExecutionArn"], answer["StartDate"]) == (child.arn, child.started_at)
    assert json.loads(house.workers.only().input) == {"order": 1}
    assert kept(house, parent) == []
    house.workers.answer(house.workers.only())
    assert (await ended(house, child)).status == "SUCCEEDED"


async def test_the_sdk_answers_with_less(house: House) -> None:
    parent = await ended(house, await begin(house, "aws-sdk:sfn:startExecution"))
    assert set(json.loads(parent.output or "")) == {"ExecutionArn", "StartDate"}


@pytest.mark.parametrize(("pattern", "output"), [("sync", '{"paid":true}'), ("sync:2", {"paid": True})])
async def test_a_parent_goes_on_with_what_its_child_gave(house: House, pattern: str, output: Any) -> None:
    parent = await begin(house, f"states:startExecution.{pattern}")
    assert (await house.engine.describe(parent.arn)).status == "RUNNING"
    house.workers.answer(house.workers.only(), '{"paid": true}')
    found = await ended(house, parent)
    answer = json.loads(found.output or "")
    assert (answer["Status"], answer["Output"]) == ("SUCCEEDED", output)
    assert kept(house, parent) == []
    assert (await types(house, parent))[3:6] == ["TaskStarted", "TaskSubmitted", "TaskSucceeded"]


async def test_a_child_that_fails_fails_the_task_with_its_description(house: House) -> None:
    parent = await begin(house, "states:startExecution.sync")
    house.workers.answer(house.workers.only(), error="Declined")
    found = await ended(house, parent)
    assert (found.status, found.error) == ("FAILED", "States.TaskFailed")
    assert json.loads(found.cause or "")["Error"] == "Declined"
    assert kept(house, parent) == []


async def test_a_parent_that_waits_for_a_child_leaves_memory(house: House) -> None:
    parent = await begin(house, "states:startExecution.sync")
    await until(lambda: house.engine.stats()["resident"] == 1)
    house.workers.answer(house.workers.only())
    assert (await ended(house, parent)).status == "SUCCEEDED"


async def test_the_end_of_a_child_finds_a_parent_that_nobody_has_read_since_a_restart(house: House) -> None:
    parent = await begin(house, "states:startExecution.sync")
    await house.reopen()
    house.workers.answer(house.workers.only(), '"late"')
    assert json.loads((await ended(house, parent)).output or "")["Output"] == '"late"'


async def test_a_child_that_ended_just_before_the_engine_died_is_told_of_by_the_next_one(house: House) -> None:
    parent = await begin(house, "states:startExecution.sync")
    child = await child_of(house)

    def die_after_the_child(batch: Any) -> None:
        if any(row.execution == parent.id for part in batch.parts for row in part.rows):
            raise Unavailable("died")

    house.store.fail = die_after_the_child
    house.workers.answer(house.workers.only())
    assert (await ended(house, child)).status == "SUCCEEDED"
    house.store.fail = lambda _batch: None
    await house.reopen()
    assert (await ended(house, parent)).status == "SUCCEEDED"
    assert kept(house, parent) == []


async def test_a_child_that_is_forgotten_before_its_parent_heard_of_its_end_fails_the_task(house: House) -> None:
    parent = await begin(house, "states:startExecution.sync")
    child = await child_of(house)

    def die_after_the_child(batch: Any) -> None:
        if any(row.execution == parent.id for part in batch.parts for row in part.rows):
            raise Unavailable("died")

    house.store.fail = die_after_the_child
    house.workers.answer(house.workers.only())
    await ended(house, child)
    await house.engine.close()
    house.store.forget_machine("task")
    house.store.fail = lambda _batch: None
    await house.reopen()
    found = await ended(house, parent)
    assert (found.error, found.cause) == (
        "States.TaskFailed",
        "The execution was deleted together with its state machine",
    )
    assert kept(house, parent) == []


async def test_a_parent_whose_answer_could_not_be_written_is_told_again(house: House) -> None:
    parent = await begin(house, "states:startExecution.sync")
    refused: list[int] = []

    def refuse_once(batch: Any) -> None:
        if not refused and any(row.execution == parent.id for part in batch.parts for row in part.rows):
            refused.append(parent.id)
            raise Unavailable("for a moment")

    house.store.fail = refuse_once
    house.workers.answer(house.workers.only())
    assert (await ended(house, parent)).status == "SUCCEEDED"
    assert refused


async def test_a_start_whose_answer_was_not_written_finds_its_child_again(house: House) -> None:
    """The commit of TaskSubmitted fails: the parent is read again and must not start a second child."""
    await house.engine.blueprints.create("parent", starter("states:startExecution.sync"))
    parents: list[int] = []

    def refuse_once(batch: Any) -> None:
        rows = [row for part in batch.parts for row in part.rows if row.kind == 6]
        if rows and not parents:
            parents.append(rows[0].execution)
            raise Unavailable("for a moment")

    house.store.fail = refuse_once
    parent = await house.engine.start("parent", "{}", "p")
    await until(lambda: bool(parents) and any(row.kind == 6 for row in house.store.journal(parent.id)))
    assert len((await house.engine.list("task")).items) == 1
    house.workers.answer(house.workers.only())
    assert (await ended(house, parent)).status == "SUCCEEDED"


async def test_stopping_a_parent_stops_the_child_that_it_waits_for(house: House) -> None:
    parent = await begin(house, "states:startExecution.sync")
    child = await child_of(house)
    await house.engine.stop(parent.arn)
    found = await ended(house, child)
    assert (found.status, parent.arn in (found.cause or "")) == ("ABORTED", True)
    await until(lambda: kept(house, parent) == [])


async def test_a_time_out_of_the_task_stops_the_child(house: House) -> None:
    parent = await begin(house, "states:startExecution.sync", TimeoutSeconds=60)
    house.now += 60_000
    await house.engine.advance()
    found = await ended(house, parent)
    assert (found.status, found.error) == ("FAILED", "States.Timeout")
    assert (await types(house, parent))[-2:] == ["TaskTimedOut", "ExecutionFailed"]
    assert (await ended(house, await child_of(house))).status == "ABORTED"


async def test_a_child_whose_parent_was_stopped_by_an_engine_that_died_is_stopped_by_the_next(house: House) -> None:
    parent = await begin(house, "states:startExecution.sync")
    child = await child_of(house)

    def die_with_the_child(batch: Any) -> None:
        if any(row.execution == child.id for part in batch.parts for row in part.rows):
            raise Unavailable("died")

    house.store.fail = die_with_the_child
    await house.engine.stop(parent.arn)
    house.store.fail = lambda _batch: None
    await house.reopen()
    assert (await ended(house, child)).status == "ABORTED"
    await until(lambda: kept(house, parent) == [])


async def test_a_started_execution_that_is_not_waited_for_outlives_its_parent(house: House) -> None:
    await ended(house, await begin(house, "states:startExecution"))
    assert (await child_of(house)).status == "RUNNING"


async def test_an_unknown_machine_fails_the_task_as_the_service_words_it(house: House) -> None:
    await house.engine.blueprints.create("parent", starter("states:startExecution.sync", "nobody"))
    found = await ended(house, await house.engine.start("parent"))
    assert found.error == "StepFunctions.StateMachineDoesNotExistException"
    assert (found.cause or "").startswith(f"State Machine Does Not Exist: '{MACHINE}nobody' (Service: AWSStepFunctions")


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({}, "States.Runtime", "'StateMachineArn'"),
        ({"StateMachineArn": 5}, "States.Runtime", "'StateMachineArn'"),
        ({"StateMachineArn": "no arn"}, "StepFunctions.InvalidArnException", "Invalid Arn"),
        ({"StateMachineArn": MACHINE + "task", "Name": ["a"]}, "States.Runtime", "'Name'"),
        ({"StateMachineArn": MACHINE + "task", "Name": "a b"}, "StepFunctions.InvalidNameException", "Invalid Name"),
        (
            {"StateMachineArn": MACHINE + "task", "Input": "{"},
            "StepFunctions.InvalidExecutionInputException",
            "Invalid State Machine Execution Input",
        ),
    ],
)
async def test_a_request_that_is_none_says_what_is_wrong(
    house: House, parameters: dict[str, Any], error: str, words: str
) -> None:
    await house.engine.blueprints.create("parent", starter("states:startExecution", Parameters=parameters))
    found = await ended(house, await house.engine.start("parent"))
    assert (found.error, words in (found.cause or "")) == (error, True)


NAMED = {"StateMachineArn": MACHINE + "task", "Name": "c", "Input": {"a": 1}}


async def test_the_same_name_with_the_same_input_is_the_execution_that_runs(house: House) -> None:
    child = await house.engine.start("task", '{"a":1}', "c")
    parent = await begin(house, "states:startExecution.sync", Parameters=NAMED)
    assert kept(house, parent) == [Child(child.id, Waiting(parent.id, 1, 1))]
    house.workers.answer(house.workers.only(), '"shared"')
    assert json.loads((await ended(house, parent)).output or "")["Output"] == '"shared"'
    assert kept(house, parent) == []


async def test_the_name_of_another_execution_is_refused(house: House) -> None:
    await house.engine.start("task", '{"a":2}', "c")
    parent = await ended(house, await begin(house, "states:startExecution.sync", Parameters=NAMED))
    assert parent.error == "StepFunctions.ExecutionAlreadyExistsException"


async def test_an_express_parent_starts_children_and_keeps_nothing(house: House) -> None:
    await house.engine.blueprints.create("quick", starter("states:startExecution"), kind="EXPRESS")
    record = await house.engine.start_sync("quick")
    assert record.status == "SUCCEEDED"
    assert (await child_of(house)).status == "RUNNING"


async def test_an_express_child_is_waited_for_too(house: House) -> None:
    await house.engine.blueprints.create("parent", starter("states:startExecution.sync:2", "express-task"))
    parent = await house.engine.start("parent")
    await house.engine.advance()
    house.workers.answer(house.workers.only(), '{"b": 2}')
    assert json.loads((await ended(house, parent)).output or "")["Output"] == {"b": 2}
