"""Executions that ended badly are redriven."""

import asyncio
import json

import pytest

from sfc.engine.records import MapRunRecord
from sfc.errors import Conflict, NotSupported, Unavailable
from sfc.limits import REDRIVABLE_MS
from sfc.store.journal import Batch
from sfc.tasks.job import Job
from tests.unit.engine.conftest import TASK, House, until


async def failed(house: House) -> str:
    """The ARN of a failed execution of `task`."""
    record = await house.engine.start("task", '{"order": 1}', "n")
    house.workers.answer(house.workers.only(), error="No")
    assert (await house.engine.wait(record.arn, 5)).status == "FAILED"
    return record.arn


async def test_a_redriven_execution_runs_again_and_keeps_its_arn(house: House) -> None:
    arn = await failed(house)
    house.now += 1_000
    assert await house.engine.redrive(arn) == house.now
    running = await house.engine.describe(arn)
    assert (running.status, running.redrives, running.redriven_at) == ("RUNNING", 1, house.now)
    assert (running.stopped_at, running.error) == (None, None)
    house.workers.answer(house.workers.only(), '"paid"')
    ended = await house.engine.wait(arn, 5)
    assert (ended.status, ended.output, ended.redrives) == ("SUCCEEDED", '"paid"', 1)
    assert [record.arn for record in (await house.engine.list("task", redriven=True)).items] == [arn]
    assert (await house.engine.list("task", redriven=False)).items == []
    types = [event["type"] for event in (await house.engine.history(arn)).items]
    assert types[-7:] == [
        "ExecutionFailed", "ExecutionRedriven", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited",
        "ExecutionSucceeded",
    ]  # fmt: skip


async def test_a_redriven_execution_survives_its_engine(house: House) -> None:
    arn = await failed(house)
    await house.engine.redrive(arn)
    engine = await house.reopen()
    house.workers.answer(house.workers.only(), error="Still not")
    assert (await engine.wait(arn, 5)).error == "Still not"
    await engine.redrive(arn)
    assert (await engine.describe(arn)).redrives == 2


@pytest.mark.parametrize("how", ["running", "succeeded", "too old"])
async def test_what_cannot_be_redriven_says_why(house: House, how: str) -> None:
    if how == "too old":
        arn = await failed(house)
        house.now += REDRIVABLE_MS + 1
    else:
        arn = (await house.engine.start("task" if how == "running" else "pass")).arn
    why = house.engine.why_not_redrivable(await house.engine.describe(arn))
    with pytest.raises(Conflict) as refused:
        await house.engine.redrive(arn)
    assert (refused.value.code, refused.value.message) == ("ExecutionNotRedrivable", why)


async def test_an_express_execution_is_not_redriven(house: House) -> None:
    record = await house.engine.start("express-pass")
    with pytest.raises(NotSupported):
        await house.engine.redrive(record.arn)


async def test_a_repeated_request_redrives_once(house: House) -> None:
    arn = await failed(house)
    at = await asyncio.gather(*(house.engine.redrive(arn) for _ in range(3)))
    assert len(set(at)) == 1
    assert (await house.engine.describe(arn)).redrives == 1
    house.workers.answer(house.workers.only(), error="No")
    await house.engine.wait(arn, 5)
    house.now += 1
    again = await house.engine.redrive(arn, "token")
    house.now += 1
    assert await house.engine.redrive(arn, "token") == again
    with pytest.raises(Conflict):
        await house.engine.redrive(arn, "another token")


async def test_a_redrive_that_could_not_be_written_has_not_happened(house: House) -> None:
    arn = await failed(house)

    def refuse(batch: Batch) -> None:
        raise Unavailable("no disk")

    house.store.fail = refuse
    with pytest.raises(Unavailable):
        await house.engine.redrive(arn)
    house.store.fail = lambda _batch: None
    assert (await house.engine.describe(arn)).status == "FAILED"
    await house.engine.redrive(arn)
    assert json.loads(house.workers.only().input) == {"order": 1}


class TestMapRuns:
    """Three items, one child each, and none of them may fail."""

    @staticmethod
    async def began(house: House, kind: str) -> str:
        """The ARN of an execution whose three children each wait for their task."""
        processor = {**TASK, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}}
        each = {"Type": "Map", "ItemProcessor": processor, "Label": "Each", "End": True}
        await house.engine.blueprints.create("fan", json.dumps({"StartAt": "M", "States": {"M": each}}))
        record = await house.engine.start("fan", "[1, 2, 3]", "n")
        await until(lambda: len(house.workers.out) == 3)
        return record.arn

    @staticmethod
    def jobs(house: House) -> dict[int, Job]:
        return {json.loads(job.input): job for job in house.workers.out.values()}

    @staticmethod
    async def map_run(house: House, arn: str) -> MapRunRecord:
        (found,) = (await house.engine.list_map_runs(arn)).items
        return await house.engine.describe_map_run(found.arn)

    async def failed(self, house: House, kind: str) -> str:
        """Of three children one succeeded, one failed, and one was given up."""
        arn = await self.began(house, kind)
        jobs = self.jobs(house)
        house.workers.answer(jobs[1], '"one"')
        house.workers.answer(jobs[2], error="No")
        assert (await house.engine.wait(arn, 5)).error == "States.ExceedToleratedFailureThreshold"
        house.workers.out.clear()
        return arn

    @pytest.mark.parametrize("kind", ["EXPRESS", "STANDARD"])
    @pytest.mark.parametrize("crash", [False, True])
    async def test_it_goes_on_with_the_children_that_did_not_succeed(
        self, house: House, kind: str, crash: bool
    ) -> None:
        arn = await self.failed(house, kind)
        before = await self.map_run(house, arn)
        house.now += 1_000
        engine = house.engine
        await engine.redrive(arn)
        await until(lambda: len(house.workers.out) == 2)
        if crash:
            engine = await house.reopen()
            await until(lambda: len(house.workers.out) == 2)
        jobs = self.jobs(house)
        assert sorted(jobs) == [2, 3]
        for item, output in ((2, '"two"'), (3, '"three"')):
            house.workers.answer(jobs[item], output)
        ended = await engine.wait(arn, 5)
        assert (ended.status, ended.output) == ("SUCCEEDED", '["one","two","three"]')
        after = await self.map_run(house, arn)
        assert (after.arn, after.status, after.redrives) == (before.arn, "SUCCEEDED", 1)
        assert (after.children.succeeded, after.children.failed) == (3, 0)
        events = (await engine.history(arn)).items
        redriven = next(event for event in events if event["type"] == "MapRunRedriven")
        assert redriven["mapRunRedrivenEventDetails"] == {"mapRunArn": after.arn, "redriveCount": 1}

    async def test_a_child_is_redriven_by_its_map_run_alone(self, house: House) -> None:
        arn = await self.failed(house, "STANDARD")
        run = await self.map_run(house, arn)
        children = (await house.engine.list_children(run.arn, "FAILED")).items
        with pytest.raises(Conflict, match="is a child of a Map Run"):
            await house.engine.redrive(children[0].arn)

    async def test_it_can_fail_again(self, house: House) -> None:
        arn = await self.failed(house, "STANDARD")
        await house.engine.redrive(arn)
        await until(lambda: len(house.workers.out) == 2)
        house.workers.answer(self.jobs(house)[3], error="No")
        assert (await house.engine.wait(arn, 5)).status == "FAILED"
        assert (await self.map_run(house, arn)).children.succeeded == 1
