"""Tasks that wait until the holder of their token answers."""

import asyncio
import json
from typing import Any

import pytest

from sfc.engine.records import ExecutionRecord
from sfc.errors import Conflict, InvalidRequest, InvalidToken, NotFound, SfcError, Unavailable
from sfc.interpreter import task_token
from sfc.interpreter.task_token import TokenPlace
from tests.unit.engine.conftest import House, until

HOUR_MS = 3_600_000


async def ask(house: House, *, accept: bool = True, **more: Any) -> tuple[ExecutionRecord, str]:
    """Start an execution that gives its token to a service, which accepts; the execution and the token."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"Token.$": "$$.Task.Token"},
        "End": True,
        **more,
    }
    states: dict[str, Any] = {"Ask": state}
    if "Catch" in more:
        states["Caught"] = {"Type": "Pass", "End": True}
    await house.engine.blueprints.create("ask", json.dumps({"StartAt": "Ask", "States": states}))
    record = await house.engine.start("ask", "{}", "a")
    return record, await accepted(house) if accept else token_of(house)


def token_of(house: House) -> str:
    return str(json.loads(house.workers.only().input)["Token"])


async def accepted(house: House) -> str:
    token = token_of(house)
    house.workers.answer(house.workers.only(), '{"MessageId": "m"}')
    await house.engine.advance()
    return token


async def ended(house: House, record: ExecutionRecord) -> ExecutionRecord:
    found = await house.engine.wait(record.arn, 5)
    assert found.status != "RUNNING"
    return found


async def types(house: House, record: ExecutionRecord) -> list[str]:
    return [str(event["type"]) for event in (await house.engine.history(record.arn)).items]


async def test_the_holder_of_the_token_gives_the_task_its_output(house: House) -> None:
    record, token = await ask(house)
    await house.engine.send_task_success(token, '{"approved": true}')
    found = await ended(house, record)
    assert (found.status, found.output) == ("SUCCEEDED", '{"approved":true}')
    assert (await types(house, record))[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


async def test_an_answer_is_acknowledged_when_it_is_on_disk(house: House) -> None:
    record, token = await ask(house)

    def away(_batch: Any) -> None:
        raise Unavailable("away")

    house.store.fail = away
    with pytest.raises(Unavailable):
        await house.engine.send_task_success(token, "1")
    house.store.fail = lambda _batch: None
    await house.engine.send_task_success(token, "2")
    assert (await ended(house, record)).output == "2"


@pytest.mark.parametrize(
    ("error", "cause", "output"),
    [
        ("Denied", "by hand", {"Error": "Denied", "Cause": "by hand"}),
        ("Denied", None, {"Error": "Denied", "Cause": ""}),
        (None, None, {"Error": None, "Cause": None}),
    ],
)
async def test_the_holder_of_the_token_may_fail_the_task(
    house: House, error: str | None, cause: str | None, output: dict[str, Any]
) -> None:
    record, token = await ask(house, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
    await house.engine.send_task_failure(token, error, cause)
    assert json.loads((await ended(house, record)).output or "") == output


async def test_a_failure_that_nobody_catches_ends_the_execution(house: House) -> None:
    record, token = await ask(house)
    await house.engine.send_task_failure(token, "Denied", "by hand")
    found = await ended(house, record)
    assert (found.status, found.error, found.cause) == ("FAILED", "Denied", "by hand")


async def test_a_service_that_refuses_the_job_fails_the_task(house: House) -> None:
    record, token = await ask(house, accept=False)
    house.workers.answer(house.workers.only(), error="SQS.QueueDoesNotExist")
    assert (await ended(house, record)).error == "SQS.QueueDoesNotExist"
    with pytest.raises(Conflict, match="Task Timed Out: 'Provided task does not exist anymore'"):
        await house.engine.send_task_success(token, "1")


async def test_an_answer_before_the_service_said_anything_counts(house: House) -> None:
    record, token = await ask(house, accept=False)
    await house.engine.send_task_success(token, '"early"')
    assert (await ended(house, record)).output == '"early"'
    house.workers.answer(house.workers.only())
    assert "TaskSubmitted" not in await types(house, record)


async def test_an_answer_waits_a_moment_for_the_service_to_say_that_it_took_the_job(house: House) -> None:
    record, token = await ask(house, accept=False)
    answering = asyncio.create_task(house.engine.send_task_success(token, '"soon"'))
    await asyncio.sleep(0)
    house.workers.answer(house.workers.only())
    await answering
    await ended(house, record)
    assert "TaskSubmitted" in await types(house, record)


async def test_of_two_answers_the_first_counts(house: House) -> None:
    record, token = await ask(house)
    both = await asyncio.gather(
        house.engine.send_task_success(token, "1"),
        house.engine.send_task_failure(token, "Late"),
        return_exceptions=True,
    )
    assert [getattr(error, "code", None) for error in both] == [None, "TaskTimedOut"]
    assert (await ended(house, record)).output == "1"


async def test_an_execution_that_waits_for_a_token_is_only_a_row(house: House) -> None:
    record, token = await ask(house)
    await until(lambda: house.engine.stats()["resident"] == 0)
    house.now += HOUR_MS
    await house.engine.send_task_success(token, "1")
    assert (await ended(house, record)).status == "SUCCEEDED"


async def test_a_token_outlives_the_engine(house: House) -> None:
    record, token = await ask(house)
    await house.reopen()
    await house.engine.send_task_success(token, "1")
    assert (await ended(house, record)).status == "SUCCEEDED"


async def test_a_token_is_of_one_attempt(house: House) -> None:
    record, first = await ask(house, TimeoutSeconds=10, Retry=[{"ErrorEquals": ["States.Timeout"]}])
    house.now += 10_000
    await house.engine.advance()
    house.now += 1_000
    await house.engine.advance()
    second = await accepted(house)
    assert first != second
    with pytest.raises(Conflict, match="Task Timed Out"):
        await house.engine.send_task_success(first, "1")
    await house.engine.send_task_success(second, "2")
    assert (await ended(house, record)).output == "2"


async def test_a_task_times_out_without_any_worker(house: House) -> None:
    record, token = await ask(house, TimeoutSeconds=600)
    await until(lambda: house.engine.stats()["resident"] == 0)
    house.now += 600_000
    await house.engine.advance()
    found = await ended(house, record)
    assert (found.error, (await types(house, record))[-2]) == ("States.Timeout", "TaskTimedOut")
    with pytest.raises(Conflict, match="Task Timed Out"):
        await house.engine.send_task_heartbeat(token)


@pytest.mark.parametrize("name", ["States.HeartbeatTimeout", "States.Timeout", "States.ALL"])
async def test_a_heartbeat_that_does_not_come_is_caught_by_its_name_and_told_as_a_time_out(
    house: House, name: str
) -> None:
    record, _token = await ask(house, HeartbeatSeconds=30, Catch=[{"ErrorEquals": [name], "Next": "Caught"}])
    house.now += 30_000
    await house.engine.advance()
    found = await ended(house, record)
    assert json.loads(found.output or "") == {"Error": "States.Timeout", "Cause": ""}


async def test_heartbeats_keep_a_task_alive_in_memory_or_not(house: House) -> None:
    record, token = await ask(house, HeartbeatSeconds=30, TimeoutSeconds=200)
    for _ in range(5):
        await until(lambda: house.engine.stats()["resident"] == 0)
        house.now += 25_000
        await house.engine.send_task_heartbeat(token)
        for _ in range(2):  # the first one may read it once more, because its row still says that it is due
            await house.engine.advance()
        assert (await house.engine.describe(record.arn)).status == "RUNNING"
    house.now += 30_000
    await house.engine.advance()
    assert (await ended(house, record)).error == "States.Timeout"


async def test_heartbeats_do_not_move_the_time_out(house: House) -> None:
    record, token = await ask(house, HeartbeatSeconds=30, TimeoutSeconds=50)
    house.now += 25_000
    await house.engine.send_task_heartbeat(token)
    house.now += 25_000
    await house.engine.advance()
    assert (await ended(house, record)).error == "States.Timeout"


async def test_a_new_engine_gives_every_task_its_whole_heartbeat_again(house: House) -> None:
    record, _token = await ask(house, HeartbeatSeconds=30)
    house.now += 29_000
    await house.reopen()
    house.now += 29_000
    await house.engine.advance()
    assert (await house.engine.describe(record.arn)).status == "RUNNING"
    house.now += 1_000
    await house.engine.advance()
    assert (await ended(house, record)).error == "States.Timeout"


@pytest.mark.parametrize("token", ["", "nonsense", "A" * 76, "é" * 76, "x" * 2048])
async def test_what_is_no_token_is_said_to_be_none(house: House, token: str) -> None:
    for answer in (house.engine.send_task_success(token, "{"), house.engine.send_task_heartbeat(token)):
        with pytest.raises(InvalidToken, match="Invalid Token: 'Invalid token'"):
            await answer


async def test_a_token_made_with_another_secret_is_none(house: House) -> None:
    record, token = await ask(house)
    forged = task_token.make(bytes(32), TokenPlace(record.id, 1, 1))
    assert len(forged) == len(token)
    with pytest.raises(InvalidToken):
        await house.engine.send_task_success(forged, "1")


async def test_a_token_of_an_execution_that_was_deleted_is_unknown(house: House) -> None:
    place = TokenPlace(12345 << 22, 1, 1)
    with pytest.raises(NotFound, match="Task Does Not Exist") as refused:
        await house.engine.send_task_success(task_token.make(house.store.secret(), place), "1")
    assert refused.value.code == "TaskDoesNotExist"


async def test_an_output_must_be_json(house: House) -> None:
    _record, token = await ask(house)
    with pytest.raises(InvalidRequest, match="Invalid Output") as refused:
        await house.engine.send_task_success(token, "{")
    assert refused.value.code == "InvalidOutput"


async def test_a_job_that_gives_its_token_back_to_nobody_ends_with_its_execution(house: House) -> None:
    record, token = await ask(house)
    await house.engine.stop(record.arn)
    with pytest.raises(SfcError, match="Task Timed Out"):
        await house.engine.send_task_success(token, "1")


async def test_a_child_may_be_answered_for_by_the_token_of_its_parent(house: House) -> None:
    parameters = {
        "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:task",
        "Input": {"Token.$": "$$.Task.Token"},
    }
    state = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync", "Parameters": parameters}
    definition = {"StartAt": "Start", "States": {"Start": {**state, "End": True}}}
    await house.engine.blueprints.create("parent", json.dumps(definition))
    record = await house.engine.start("parent", "{}", "p")
    await house.engine.advance()
    await house.engine.send_task_success(token_of(house), '"by token"')
    assert (await ended(house, record)).output == '"by token"'
    assert house.store.children(record.id) == []


async def test_an_execution_that_waits_for_an_answer_stays_a_while_and_then_is_a_row(house: House) -> None:
    await house.reopen(lingering=1)
    await ask(house)
    assert (house.engine.stats()["jobs"], house.engine.stats()["resident"]) == (0, 1)
    await house.engine.advance()  # the next window is read
    assert (house.engine.stats()["resident"], house.engine.stats()["passivated"]) == (0, 1)


async def test_above_the_limit_what_waits_for_an_answer_leaves_memory_at_once(house: House) -> None:
    await house.reopen(lingering=0)
    await ask(house)
    assert house.engine.stats()["resident"] == 0
