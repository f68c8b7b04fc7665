"""Executions from start to end, as callers see them."""

import asyncio
import json

import pytest

from sfc.engine.engine import StartRequest
from sfc.errors import (
    Conflict,
    InvalidArn,
    InvalidInput,
    InvalidName,
    InvalidToken,
    NotFound,
    NotSupported,
    Overloaded,
    SfcError,
)
from sfc.limits import EXPRESS_DURATION_MS, PAYLOAD_BYTES
from tests.unit.engine.conftest import House, until


async def test_an_execution_runs_its_task_and_ends_with_the_result(house: House) -> None:
    started = await house.engine.start("task", '{"order": 1}', "n")
    assert started.arn == "arn:aws:states:us-east-1:123456789012:execution:task:n"
    assert (started.status, started.states) == ("RUNNING", ["Charge"])
    job = house.workers.only()
    assert (job.key, job.machine, job.state, job.resource) == (f"{started.id:x}:1:1", "task", "Charge", "task:charge")
    assert json.loads(job.input) == {"order": 1}
    house.now += 5
    house.workers.answer(job, '{"paid": true}')
    ended = await house.engine.wait(started.arn, 5)
    assert (ended.status, ended.output, ended.stopped_at) == ("SUCCEEDED", '{"paid":true}', house.now)
    assert await house.engine.describe(started.arn) == ended


async def test_a_machine_may_be_named_by_its_arn(house: House) -> None:
    assert (await house.engine.start("arn:aws:states:us-east-1:123456789012:stateMachine:pass")).machine == "pass"


async def test_an_execution_without_a_name_gets_one(house: House) -> None:
    one, two = await house.engine.start("wait"), await house.engine.start("wait")
    assert one.name < two.name
    assert (await house.engine.describe(one.arn)).id == one.id


async def test_a_wait_returns_the_execution_as_it_stands_when_the_time_is_over(house: House) -> None:
    record = await house.engine.start("task")
    assert (await house.engine.wait(record.arn, 0)).status == "RUNNING"
    assert house.engine.stats()["waiters"] == 0


@pytest.mark.parametrize(
    ("input", "words"),
    [
        ("{", "Invalid State Machine Execution Input"),
        ("[" * 1000 + "]" * 1000, "Invalid State Machine Execution Input"),
        (json.dumps("x" * PAYLOAD_BYTES), "exceeds the maximum"),
    ],
    ids=["malformed", "too deep", "too large"],
)
async def test_an_input_that_cannot_be_taken_is_refused(house: House, input: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        await house.engine.start("pass", input)
    assert await house.engine.counts() == {}


async def test_unknown_machines_and_bad_names_are_refused(house: House) -> None:
    with pytest.raises(NotFound, match="State Machine Does Not Exist"):
        await house.engine.start("nobody")
    with pytest.raises(InvalidName):
        await house.engine.start("pass", "{}", "a b")


async def test_unknown_executions_are_not_found(house: House) -> None:
    unknown = "arn:aws:states:us-east-1:123456789012:execution:pass:nobody"
    for ask in (house.engine.describe, house.engine.history, house.engine.stop, house.engine.version_of):
        with pytest.raises(NotFound, match="Execution Does Not Exist") as refused:
            await ask(unknown)
        assert refused.value.code == "ExecutionDoesNotExist"
    with pytest.raises(InvalidArn):
        await house.engine.describe("nonsense")


class TestNames:
    @pytest.mark.parametrize("machine", ["task", "wait"], ids=["in memory", "waiting in the store"])
    async def test_the_same_name_and_input_give_the_running_execution(self, house: House, machine: str) -> None:
        first = await house.engine.start(machine, '{"a": 1}', "n")
        again = await house.engine.start(machine, '{"a": 1}', "n")
        assert (again.arn, again.id, again.started_at) == (first.arn, first.id, first.started_at)

    @pytest.mark.parametrize("machine", ["task", "wait"])
    async def test_another_input_is_a_conflict(self, house: House, machine: str) -> None:
        first = await house.engine.start(machine, '{"a": 1}', "n")
        with pytest.raises(Conflict) as refused:
            await house.engine.start(machine, '{"a": 2}', "n")
        assert (refused.value.code, refused.value.message) == (
            "ExecutionAlreadyExists",
            f"Execution Already Exists: '{first.arn}'",
        )

    async def test_the_name_of_an_ended_execution_is_a_conflict_with_any_input(self, house: House) -> None:
        await house.engine.start("pass", "{}", "n")
        with pytest.raises(Conflict):
            await house.engine.start("pass", "{}", "n")

    async def test_two_starts_of_one_name_at_once_give_one_execution(self, house: House) -> None:
        one, two = await asyncio.gather(house.engine.start("task", "{}", "n"), house.engine.start("task", "{}", "n"))
        assert one.id == two.id
        assert len(house.workers.sent) == 1


class TestManyStarts:
    async def test_all_start_in_one_commit_and_errors_stay_at_their_place(self, house: House) -> None:
        before = len(house.store.commits)
        wanted = [StartRequest("task"), StartRequest("nobody"), StartRequest("pass", "{"), StartRequest("wait")]
        results = await house.engine.start_many(wanted)
        assert [result.code if isinstance(result, SfcError) else result.machine for result in results] == [
            "task", "StateMachineDoesNotExist", "InvalidExecutionInput", "wait",
        ]  # fmt: skip
        assert len(house.store.commits) == before + 1

    async def test_of_two_with_one_name_both_get_the_same_or_a_conflict(self, house: House) -> None:
        same = await house.engine.start_many([StartRequest("task", "{}", "n"), StartRequest("task", "{}", "n")])
        assert len({result.id for result in same if not isinstance(result, SfcError)}) == 1
        other = await house.engine.start_many([StartRequest("task", "{}", "m"), StartRequest("task", "[]", "m")])
        assert [getattr(result, "code", None) for result in other] == [None, "ExecutionAlreadyExists"]

    async def test_none_is_no_work(self, house: House) -> None:
        assert await house.engine.start_many([]) == []


async def test_more_executions_than_fit_are_refused(house: House) -> None:
    engine = await house.reopen(max_resident=1)
    await engine.start("task")
    with pytest.raises(Overloaded):
        await engine.start("task")


class TestStop:
    async def test_a_stopped_execution_is_aborted_and_its_job_called_back(self, house: House) -> None:
        record = await house.engine.start("task")
        job = house.workers.only()
        house.now += 3
        assert await house.engine.stop(record.arn, "Err", "why") == house.now
        ended = await house.engine.describe(record.arn)
        assert (ended.status, ended.error, ended.cause, ended.stopped_at) == ("ABORTED", "Err", "why", house.now)
        assert house.workers.cancelled == [job.key]

    async def test_stopping_again_tells_the_first_time(self, house: House) -> None:
        record = await house.engine.start("task")
        stopped = await house.engine.stop(record.arn)
        house.now += 100
        assert await house.engine.stop(record.arn, "Other") == stopped

    async def test_an_execution_that_waits_in_the_store_can_be_stopped(self, house: House) -> None:
        record = await house.engine.start("wait")
        assert house.engine.stats()["resident"] == 0
        await house.engine.stop(record.arn)
        assert (await house.engine.describe(record.arn)).status == "ABORTED"

    async def test_a_late_answer_changes_nothing(self, house: House) -> None:
        record = await house.engine.start("task")
        job = house.workers.only()
        await house.engine.stop(record.arn)
        house.workers.answer(job)
        assert (await house.engine.describe(record.arn)).status == "ABORTED"


class TestExpress:
    async def test_a_synchronous_one_answers_with_its_end_and_writes_nothing(self, house: House) -> None:
        before = len(house.store.commits)
        running = asyncio.create_task(house.engine.start_sync("express-task", '{"a":1}', "n"))
        await asyncio.sleep(0)
        house.workers.answer(house.workers.only(), "[1]")
        record = await running
        assert (record.status, record.output, record.kind) == ("SUCCEEDED", "[1]", "EXPRESS")
        assert record.arn.startswith("arn:aws:states:us-east-1:123456789012:express:express-task:n:")
        assert len(house.store.commits) == before
        assert house.engine.stats()["resident"] == 0

    async def test_a_caller_that_goes_away_calls_the_jobs_back(self, house: House) -> None:
        running = asyncio.create_task(house.engine.start_sync("express-task"))
        await asyncio.sleep(0)
        job = house.workers.only()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert house.workers.cancelled == [job.key]

    async def test_a_standard_machine_has_no_synchronous_start(self, house: House) -> None:
        with pytest.raises(NotSupported):
            await house.engine.start_sync("task")

    async def test_an_asynchronous_one_writes_its_start_and_its_end(self, house: House) -> None:
        record = await house.engine.start("express-task")
        house.workers.answer(house.workers.only(), "[1]")
        ended = await house.engine.wait(record.arn, 5)
        assert (ended.status, ended.output) == ("SUCCEEDED", "[1]")
        assert len(house.store.journal(record.id)) == 1

    async def test_after_a_crash_it_begins_anew_under_the_same_keys(self, house: House) -> None:
        await house.engine.start("express-task")
        key = house.workers.only().key
        await house.reopen()
        assert house.workers.only().key == key

    async def test_it_has_five_minutes(self, house: House) -> None:
        record = await house.engine.start("express-wait")
        house.now += EXPRESS_DURATION_MS
        await house.engine.advance()
        assert (await house.engine.wait(record.arn, 5)).status == "TIMED_OUT"

    async def test_describing_listing_and_history_are_not_supported(self, house: House) -> None:
        record = await house.engine.start("express-task")
        for ask in (house.engine.describe, house.engine.stop, house.engine.history):
            with pytest.raises(NotSupported, match="This operation is not supported by this type of state machine"):
                await ask(record.arn)
        with pytest.raises(NotSupported):
            await house.engine.list("express-task")


class TestListsAndHistories:
    async def test_executions_are_listed_newest_first_by_page(self, house: House) -> None:
        for number in range(5):
            await house.engine.start("pass" if number % 2 else "task", "{}", f"n{number}")
        first = await house.engine.list(limit=2)
        rest = await house.engine.list(limit=9, token=first.next_token)
        assert [record.name for record in (*first.items, *rest.items)] == ["n4", "n3", "n2", "n1", "n0"]
        assert rest.next_token is None
        assert [record.name for record in (await house.engine.list("task", "RUNNING")).items] == ["n4", "n2", "n0"]
        assert await house.engine.counts("pass") == {"SUCCEEDED": 2}

    @pytest.mark.parametrize("token", ["", "nonsense", "W10=", "é"])
    async def test_a_token_that_was_not_given_here_is_refused(self, house: House, token: str) -> None:
        with pytest.raises(InvalidToken):
            await house.engine.list(token=token)

    async def test_a_token_serves_only_its_own_question(self, house: House) -> None:
        for _ in range(2):
            await house.engine.start("task")
        token = (await house.engine.list(limit=1)).next_token
        with pytest.raises(InvalidToken):
            await house.engine.list("task", limit=1, token=token)

    async def test_a_history_reads_the_same_forwards_backwards_and_in_pages(self, house: House) -> None:
        arn = (await house.engine.start("pass", '{"a": 1}')).arn
        whole = (await house.engine.history(arn)).items
        assert [event["type"] for event in whole] == [
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded",
        ]  # fmt: skip
        assert (await house.engine.history(arn, reverse=True)).items == whole[::-1]
        first = await house.engine.history(arn, limit=3)
        second = await house.engine.history(arn, limit=3, token=first.next_token)
        assert [*first.items, *second.items] == whole
        assert second.next_token is None

    async def test_a_history_can_leave_the_data_out(self, house: House) -> None:
        arn = (await house.engine.start("pass", '{"secret": 1}')).arn
        assert "secret" not in json.dumps((await house.engine.history(arn, include_data=False)).items)

    async def test_a_watch_tells_events_as_they_come_and_ends_with_the_execution(self, house: House) -> None:
        record = await house.engine.start("task")
        seen: list[str] = []

        async def watch() -> None:
            async for event in house.engine.watch(record.arn):
                seen.append(event["type"])
                if event["type"] == "TaskStarted":
                    house.workers.answer(house.workers.only())

        await asyncio.wait_for(watch(), 5)
        assert seen == [event["type"] for event in (await house.engine.history(record.arn)).items]
        assert seen[-1] == "ExecutionSucceeded"


class TestBlueprints:
    async def test_a_running_execution_keeps_its_version(self, house: House) -> None:
        record = await house.engine.start("task")
        await house.engine.blueprints.update("task", json.dumps({"StartAt": "P", "States": {"P": {"Type": "Succeed"}}}))
        assert (await house.engine.version_of(record.arn)).number == 1
        await house.reopen()
        house.workers.answer(house.workers.only(), "[1]")
        assert (await house.engine.wait(record.arn, 5)).output == "[1]"
        assert (await house.engine.start("task")).version != record.version

    async def test_deleting_one_stops_and_forgets_its_executions(self, house: House) -> None:
        running, waiting = await house.engine.start("task"), await house.engine.start("wait")
        await house.engine.blueprints.delete("task")
        with pytest.raises(NotFound):
            await house.engine.start("task")
        await until(lambda: not house.store.count_by_status("task"))
        with pytest.raises(NotFound):
            await house.engine.describe(running.arn)
        assert (await house.engine.describe(waiting.arn)).status == "RUNNING"
        assert len(house.workers.cancelled) == 1

    async def test_a_start_on_its_way_when_its_machine_is_deleted_ends_with_it(self, house: House) -> None:
        starting = asyncio.gather(*(house.engine.start("task") for _ in range(3)), return_exceptions=True)
        await asyncio.sleep(0)  # the starts are gathered for a commit, and not written yet
        await house.engine.blueprints.delete("task")
        started = await starting
        assert all(isinstance(each, SfcError) or each.status == "RUNNING" for each in started)
        await until(lambda: not house.store.count_by_status("task"))
        await until(lambda: house.engine.stats()["resident"] == 0)
        with pytest.raises(NotFound):
            await house.engine.start("task")

    async def test_a_deletion_goes_on_after_a_crash(self, house: House) -> None:
        await house.engine.start("task")
        house.catalog.delete("task")
        await house.reopen()
        await until(lambda: not house.catalog.deleting())
        assert await house.engine.counts("task") == {}

    async def test_they_are_listed_by_page(self, house: House) -> None:
        first = await house.engine.blueprints.list(4)
        second = await house.engine.blueprints.list(4, first.next_token)
        names = [version.name for version in (*first.items, *second.items)]
        assert names == ["express-pass", "express-task", "express-wait", "pass", "task", "wait"]
        assert second.next_token is None
