"""Activities: tasks that workers somewhere else ask for."""

import asyncio
import json
from typing import Any

import pytest

from sfc.engine.activities import ActivityTask
from sfc.engine.records import ExecutionRecord
from sfc.errors import Conflict, NotFound, QuotaExceeded, Unavailable
from tests.unit.engine.conftest import House, until

ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:pack"


@pytest.fixture
async def packing(house: House) -> House:
    """With an activity and a machine that waits for it."""
    await house.engine.consult(lambda catalog: catalog.activities.create("pack"))
    await blueprint(house, "packing")
    return house


async def blueprint(house: House, name: str, **more: Any) -> None:
    state = {"Type": "Task", "Resource": ACTIVITY, "End": True, **more}
    await house.engine.blueprints.create(name, json.dumps({"StartAt": "Pack", "States": {"Pack": state}}))


async def order(house: House, number: int = 1, machine: str = "packing") -> ExecutionRecord:
    record = await house.engine.start(machine, json.dumps(number), f"n-{number}")
    await until(lambda: any(each.waiting.execution == record.id for each in house.store.queue("pack", 100)))
    return record


async def take(house: House, worker: str | None = "w", timeout_s: float = 0) -> ActivityTask:
    task = await house.engine.get_activity_task("pack", worker, timeout_s)
    assert task is not None
    return task


async def ended(house: House, record: ExecutionRecord) -> ExecutionRecord:
    found = await house.engine.wait(record.arn, 5)
    assert found.status != "RUNNING"
    return found


async def events(house: House, record: ExecutionRecord) -> list[dict[str, Any]]:
    return [dict(event) for event in (await house.engine.history(record.arn)).items]


async def test_a_worker_gets_the_task_and_answers(packing: House) -> None:
    record = await order(packing)
    task = await take(packing)
    assert task.input == "1"
    await packing.engine.send_task_success(task.token, '"packed"')
    assert (await ended(packing, record)).output == '"packed"'
    told = await events(packing, record)
    assert [event["type"] for event in told][2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert told[2]["activityScheduledEventDetails"]["resource"] == ACTIVITY
    assert told[3]["activityStartedEventDetails"] == {"workerName": "w"}
    assert packing.store.queue("pack", 10) == []


async def test_a_worker_may_fail_the_task(packing: House) -> None:
    record = await order(packing)
    await packing.engine.send_task_failure((await take(packing, None)).token, "Torn", "the box")
    found = await ended(packing, record)
    assert (found.error, found.cause) == ("Torn", "the box")
    told = await events(packing, record)
    assert told[3]["activityStartedEventDetails"] == {}
    assert told[4]["activityFailedEventDetails"] == {"error": "Torn", "cause": "the box"}


async def test_tasks_are_given_in_order_each_to_one_worker(packing: House) -> None:
    for number in range(1, 6):
        packing.now += 1
        await order(packing, number)
    tasks = await asyncio.gather(*(take(packing) for _ in range(5)))
    assert sorted(task.input for task in tasks) == ["1", "2", "3", "4", "5"]
    assert await packing.engine.get_activity_task("pack") is None


async def test_the_queue_outlives_the_engine(packing: House) -> None:
    records = [await order(packing, number) for number in (1, 2)]
    first = await take(packing)
    await packing.reopen()
    second = await take(packing)
    assert (first.input, second.input) == ("1", "2")
    for task in (first, second):
        await packing.engine.send_task_success(task.token, "1")
    assert [(await ended(packing, record)).status for record in records] == ["SUCCEEDED", "SUCCEEDED"]


async def test_a_worker_that_waits_gets_the_next_task(packing: House) -> None:
    waiting = [asyncio.create_task(packing.engine.get_activity_task("pack", "w", 60)) for _ in range(2)]
    await asyncio.sleep(0)
    await order(packing, 1)
    await order(packing, 2)
    found = [await each for each in waiting]
    assert sorted(task.input for task in found if task is not None) == ["1", "2"]


async def test_a_worker_that_goes_away_takes_no_task_with_it(packing: House) -> None:
    gone = asyncio.create_task(packing.engine.get_activity_task("pack", "gone", 60))
    stays = asyncio.create_task(packing.engine.get_activity_task("pack", "stays", 60))
    await asyncio.sleep(0)
    gone.cancel()
    await order(packing)
    task = await stays
    assert task is not None
    assert task.input == "1"


async def test_nobody_waits_for_a_server_that_stops(packing: House) -> None:
    waiting = asyncio.create_task(packing.engine.get_activity_task("pack", "w", 60))
    await asyncio.sleep(0)
    packing.engine.close_polls()
    assert await waiting is None
    await order(packing)
    assert await packing.engine.get_activity_task("pack", "w", 60) is None


async def test_there_is_a_limit_to_those_who_wait(packing: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfc.engine.activities.ACTIVITY_POLLERS", 1)
    waiting = asyncio.create_task(packing.engine.get_activity_task("pack", "w", 60))
    await asyncio.sleep(0)
    with pytest.raises(QuotaExceeded) as refused:
        await packing.engine.get_activity_task("pack", "w", 60)
    assert refused.value.code == "ActivityWorkerLimitExceeded"
    packing.engine.close_polls()
    assert await waiting is None


async def test_a_task_whose_start_is_not_written_stays_in_the_queue(packing: House) -> None:
    record = await order(packing)

    def away(_batch: Any) -> None:
        raise Unavailable("away")

    packing.store.fail = away
    with pytest.raises(Unavailable):
        await packing.engine.get_activity_task("pack")
    packing.store.fail = lambda _batch: None
    await packing.engine.send_task_success((await take(packing)).token, "1")
    assert (await ended(packing, record)).status == "SUCCEEDED"


async def test_the_time_of_a_task_runs_from_its_worker_on(packing: House) -> None:
    await blueprint(packing, "timed", TimeoutSeconds=60, HeartbeatSeconds=20)
    record = await order(packing, machine="timed")
    packing.now += 1_000_000
    await packing.engine.advance()
    task = await take(packing)
    packing.now += 19_000
    await packing.engine.send_task_heartbeat(task.token)
    packing.now += 19_000
    await packing.engine.advance()
    assert (await packing.engine.describe(record.arn)).status == "RUNNING"
    packing.now += 1_000
    await packing.engine.advance()
    assert (await ended(packing, record)).error == "States.Timeout"
    assert (await events(packing, record))[-2]["type"] == "ActivityTimedOut"
    with pytest.raises(Conflict, match="Task Timed Out"):
        await packing.engine.send_task_success(task.token, "1")


async def test_a_task_of_an_execution_that_was_stopped_is_given_to_nobody(packing: House) -> None:
    record = await order(packing)
    await packing.engine.stop(record.arn)
    assert packing.store.queue("pack", 10) == []
    assert await packing.engine.get_activity_task("pack") is None


async def test_an_activity_that_does_not_exist_fails_the_execution(house: House) -> None:
    await blueprint(house, "packing")
    found = await ended(house, await house.engine.start("packing"))
    where = "An error occurred while executing the state 'Pack' (entered at the event id #2)."
    assert (found.error, found.cause) == ("States.Runtime", f"{where} The activity {ACTIVITY} does not exist.")
    assert len(await events(house, found)) == 3
    with pytest.raises(NotFound, match=f"Activity Does Not Exist: '{ACTIVITY}'"):
        await house.engine.get_activity_task("pack")


async def test_a_schedule_that_was_not_written_is_made_again(packing: House) -> None:
    refused: list[int] = []

    def once(batch: Any) -> None:
        if not refused and any(part.kept is not None for part in batch.parts):
            refused.append(1)
            raise Unavailable("for a moment")

    packing.store.fail = once
    record = await order(packing)
    assert refused
    assert len(packing.store.queue("pack", 10)) == 1
    await packing.engine.send_task_success((await take(packing)).token, "1")
    assert (await ended(packing, record)).status == "SUCCEEDED"
