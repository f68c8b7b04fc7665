"""`.sync` of a service: its job is begun once, then watched, whatever happens to the engine meanwhile."""

import json
from typing import Any

from sfc.tasks.job import JobResult
from tests.unit.engine.conftest import House, until

GLUE: dict[str, Any] = {
    "StartAt": "Run",
    "States": {
        "Run": {
            "Type": "Task",
            "Resource": "arn:aws:states:::glue:startJobRun.sync",
            "Parameters": {"JobName": "j"},
            "TimeoutSeconds": 100,
            "Retry": [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}],
            "End": True,
        }
    },
}


async def begun(house: House) -> str:
    """An execution whose job the service has begun; its ARN."""
    await house.engine.blueprints.create("glue", json.dumps(GLUE))
    started = await house.engine.start("glue", "{}")
    await until(lambda: bool(house.workers.out))
    job = house.workers.only()
    assert (job.begun, job.input) == (b"", b'{"JobName":"j"}')
    house.workers.out.clear()
    house.workers.hold([JobResult(job.key, b'{"JobRunId":"r"}', None, None, 0, submitted=True)])
    await until(lambda: bool(house.workers.out))
    return started.arn


async def test_what_was_begun_is_watched_by_a_second_job(house: House) -> None:
    arn = await begun(house)
    job = house.workers.only()
    assert (job.begun, job.input, job.timeout_s) == (b'{"JobRunId":"r"}', b'{"JobName":"j"}', None)
    house.workers.answer(job, '{"JobRunState":"SUCCEEDED"}')
    assert (await house.engine.wait(arn, 5)).output == '{"JobRunState":"SUCCEEDED"}'
    types = [event["type"] for event in (await house.engine.history(arn)).items]
    assert types[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


async def test_an_engine_that_comes_back_watches_and_does_not_begin_again(house: House) -> None:
    arn = await begun(house)
    await house.reopen()
    await until(lambda: bool(house.workers.out))
    job = house.workers.only()
    assert job.begun == b'{"JobRunId":"r"}'
    house.workers.answer(job, "{}")
    assert (await house.engine.wait(arn, 5)).status == "SUCCEEDED"


async def test_a_job_that_failed_is_begun_again_by_a_retry(house: House) -> None:
    arn = await begun(house)
    house.workers.answer(house.workers.only(), None, "States.TaskFailed")
    house.now += 1_000
    await until(lambda: not house.workers.out)
    await house.engine.advance()
    await until(lambda: bool(house.workers.out))
    assert house.workers.only().begun == b""
    assert (await house.engine.describe(arn)).status == "RUNNING"


async def test_the_time_of_the_task_runs_from_its_beginning(house: House) -> None:
    arn = await begun(house)
    watched = house.workers.only().key
    house.now += 100_000
    await house.engine.advance()
    assert (await house.engine.wait(arn, 5)).error == "States.Timeout"
    assert watched in house.workers.cancelled
