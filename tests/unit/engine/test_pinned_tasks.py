"""Executions keep the versions of tasks that were the latest when they began."""

import json
from dataclasses import replace

import pytest

from sfc.task_meta import TaskMeta
from tests.unit.engine.conftest import House, until

META = TaskMeta(name="charge", version="", kind="rest", settings={"url": "https://pay.example"})
TWICE = {
    "StartAt": "One",
    "States": {
        "One": {"Type": "Task", "Resource": "task:charge", "Next": "Two"},
        "Two": {"Type": "Task", "Resource": "task:charge", "End": True},
    },
}


async def test_an_execution_keeps_its_version_and_a_new_one_has_the_latest(house: House) -> None:
    first = house.catalog.tasks.put(META)
    old = await house.engine.start("task", name="old")
    second = house.catalog.tasks.put(replace(META, description="two"))
    new = await house.engine.start("task", name="new")
    assert {job.execution: job.meta for job in house.workers.out.values()} == {
        old.arn: first.digest, new.arn: second.digest,
    }  # fmt: skip


async def test_it_keeps_it_after_a_restart_and_replays_to_the_same_digests(house: House) -> None:
    """The version's Retry is part of what the interpreter runs: another one would make another history."""
    first = house.catalog.tasks.put(replace(META, retry=[{"ErrorEquals": ["Busy"], "IntervalSeconds": 1}]))
    await house.engine.blueprints.create("twice", json.dumps(TWICE))
    record = await house.engine.start("twice", name="x")
    house.workers.answer(house.workers.only(), error="Busy")
    house.now += 1_000
    await house.engine.advance()
    house.catalog.tasks.put(replace(META, description="two"))
    engine = await house.reopen()
    job = house.workers.only()
    assert (job.meta, job.retry_count) == (first.digest, 1)
    house.workers.answer(job)
    await engine.advance()
    house.catalog.tasks.delete("charge")
    assert house.workers.only().meta == first.digest
    house.workers.answer(house.workers.only(), output='"done"')
    ended = await engine.wait(record.arn, 1)
    assert (ended.status, ended.output, ended.diverged) == ("SUCCEEDED", '"done"', None)
    history = await engine.history(record.arn)
    assert [event["type"] for event in history.items].count("TaskFailed") == 1


async def test_without_a_task_in_the_catalog_nothing_is_pinned(house: House) -> None:
    await house.engine.start("task")
    assert house.workers.only().meta == ""
    deleted = house.catalog.tasks.put(META)
    house.catalog.tasks.delete("charge")
    await house.engine.start("task")
    assert [job.meta for job in house.workers.out.values()] == ["", ""]
    assert deleted.digest


async def test_a_deleted_task_is_kept_as_long_as_an_execution_needs_it(house: House) -> None:
    first = house.catalog.tasks.put(META)
    await house.engine.start("task")
    house.catalog.tasks.delete("charge")
    engine = await house.reopen()
    await until(lambda: not engine._host.errands._tasks or house.store.oldest_pin() == first.id)
    assert house.catalog.tasks.at("charge", "", first.id) == first
    house.workers.answer(house.workers.only())
    await engine.advance()
    await house.reopen()
    await until(lambda: house.catalog.tasks.at("charge", "", first.id) is None)


async def test_a_redriven_execution_keeps_its_version(house: House) -> None:
    first = house.catalog.tasks.put(META)
    record = await house.engine.start("task", name="x")
    house.workers.answer(house.workers.only(), error="Declined")
    assert (await house.engine.wait(record.arn, 5)).status == "FAILED"
    house.catalog.tasks.put(replace(META, description="two"))
    await house.engine.redrive(record.arn)
    assert house.workers.only().meta == first.digest


@pytest.mark.parametrize("kind", ["EXPRESS", "STANDARD"])
async def test_the_children_of_a_map_have_the_versions_of_their_parent(house: House, kind: str) -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
        "StartAt": "T",
        "States": {"T": {"Type": "Task", "Resource": "task:charge", "End": True}},
    }
    each = {"Type": "Map", "ItemProcessor": processor, "MaxConcurrency": 1, "End": True}
    await house.engine.blueprints.create("map", json.dumps({"StartAt": "Each", "States": {"Each": each}}))
    first = house.catalog.tasks.put(META)
    record = await house.engine.start("map", input="[1, 2]")
    await until(lambda: len(house.workers.out) == 1)
    house.catalog.tasks.put(replace(META, description="two"))
    for number in (1, 2):
        await until(lambda: len(house.workers.out) == 1)
        job = house.workers.only()
        assert (job.meta, job.input) == (first.digest, str(number).encode())
        house.workers.answer(job)
    assert (await house.engine.wait(record.arn, 10)).status == "SUCCEEDED"
