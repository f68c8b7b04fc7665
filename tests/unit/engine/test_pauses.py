"""Pausing blueprints and groups: what runs goes on, nothing new begins, nothing is lost, and all of it goes out again
at a rate."""

import json
from itertools import pairwise
from typing import Any

import pytest

from sfc.asl.expression import Failure
from sfc.engine.records import ExecutionRecord
from sfc.errors import BlueprintPaused, InvalidRequest, NotFound
from sfc.limits import PAUSES_KEPT, STOP_PAGE
from tests.unit.engine.conftest import TASK, House, until

TWO = {
    "StartAt": "Charge",
    "States": {
        "Charge": {"Type": "Task", "Resource": "task:charge", "Next": "Ship"},
        "Ship": {"Type": "Task", "Resource": "task:ship", "End": True},
    },
}
SHORT = {"StartAt": "Later", "States": {"Later": {"Type": "Wait", "Seconds": 5, "End": True}}}
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:"


async def make(house: House, name: str, definition: Any, **settings: Any) -> None:
    await house.engine.blueprints.create(name, json.dumps(definition), settings=settings)


async def later(house: House, seconds: float) -> None:
    """Time goes by, second by second at most."""
    left = int(seconds * 1000)
    while left > 0:
        house.now += min(left, 1000)
        left -= 1000
        await house.engine.advance()
        await house.engine.advance()


async def status(house: House, record: ExecutionRecord) -> str:
    return (await house.engine.describe(record.arn)).status


def charge(house: House) -> None:
    for job in list(house.workers.out.values()):
        house.workers.answer(job, "[1]")


class TestPaused:
    async def test_a_start_is_refused_and_told_when_to_come_again(self, house: House) -> None:
        await house.engine.pauses.pause("blueprint", "task")
        with pytest.raises(BlueprintPaused) as found:
            await house.engine.start("task")
        assert (found.value.code, found.value.status, found.value.name) == ("BlueprintPaused", 503, "task")
        assert found.value.retry_after_s > 0
        assert (await house.engine.start("pass")).status == "RUNNING"

    async def test_a_synchronous_start_is_refused(self, house: House) -> None:
        await house.engine.pauses.pause("blueprint", "express-pass")
        with pytest.raises(BlueprintPaused):
            await house.engine.start_sync("express-pass")

    async def test_what_runs_goes_on_and_the_next_job_waits(self, house: House) -> None:
        await make(house, "two", TWO)
        record = await house.engine.start("two")
        await house.engine.pauses.pause("blueprint", "two")
        house.workers.answer(house.workers.only(), "[1]")
        await house.engine.advance()
        assert house.workers.out == {}
        assert len(house.store.journal(record.id)) == 2, "the result is journalled"
        await house.engine.pauses.resume("blueprint", "two")
        assert house.workers.only().state == "Ship"
        house.workers.answer(house.workers.only(), "[2]")
        assert (await house.engine.wait(record.arn, 5)).output == "[2]"

    async def test_others_are_not_touched(self, house: House) -> None:
        await make(house, "two", TWO)
        await house.engine.pauses.pause("blueprint", "task")
        record = await house.engine.start("two")
        charge(house)
        await house.engine.advance()
        charge(house)
        assert (await house.engine.wait(record.arn, 5)).status == "SUCCEEDED"

    async def test_a_wait_that_is_over_ends_after_the_pause(self, house: House) -> None:
        await make(house, "short", SHORT)
        record = await house.engine.start("short")
        await house.engine.pauses.pause("blueprint", "short")
        await later(house, 30)
        assert await status(house, record) == "RUNNING"
        await house.engine.pauses.resume("blueprint", "short")
        await later(house, 1)
        found = await house.engine.describe(record.arn)
        assert (found.status, found.stopped_at) == ("SUCCEEDED", house.now - 1000)

    async def test_executions_that_wait_stay_out_of_memory(self, house: House) -> None:
        record = await house.engine.start("wait")
        await house.engine.pauses.pause("blueprint", "wait")
        await later(house, 3700)
        assert house.engine.stats()["resident"] == 0
        row = house.store.get(record.id)
        assert row is not None
        assert row.wake_at is not None
        assert row.wake_at < 0, "parked: no window reads it again"
        await house.engine.pauses.resume("blueprint", "wait")
        await until(lambda: house.store.count_by_status("wait").get("SUCCEEDED") == 1)

    async def test_a_wait_that_ends_after_the_pause_ends_in_time(self, house: House) -> None:
        record = await house.engine.start("wait")
        await house.engine.pauses.pause("blueprint", "wait")
        await later(house, 60)
        await house.engine.pauses.resume("blueprint", "wait")
        await later(house, 3539)
        assert await status(house, record) == "RUNNING"
        await later(house, 2)
        assert await status(house, record) == "SUCCEEDED"

    async def test_a_retry_waits(self, house: House) -> None:
        state = {**TASK["States"]["Charge"], "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3}]}  # type: ignore[index]
        await make(house, "again", {"StartAt": "Charge", "States": {"Charge": state}})
        await house.engine.start("again")
        await house.engine.pauses.pause("blueprint", "again")
        house.workers.answer(house.workers.only(), error="Busy")
        await later(house, 60)
        assert house.workers.out == {}
        await house.engine.pauses.resume("blueprint", "again")
        await later(house, 1)
        assert house.workers.only().retry_count == 1

    async def test_pausing_twice_is_one_pause(self, house: House) -> None:
        first = await house.engine.pauses.pause("blueprint", "task")
        house.now += 10
        assert await house.engine.pauses.pause("blueprint", "task") == first
        assert house.engine.pauses.current() == [first]

    async def test_what_does_not_exist_cannot_be_paused_or_resumed(self, house: House) -> None:
        with pytest.raises(NotFound) as found:
            await house.engine.pauses.pause("blueprint", "nothing")
        assert found.value.code == "StateMachineDoesNotExist"
        with pytest.raises(NotFound) as found:
            await house.engine.pauses.pause("group", "nobody")
        assert found.value.code == "GroupDoesNotExist"
        with pytest.raises(NotFound) as found:
            await house.engine.pauses.resume("blueprint", "task")
        assert found.value.code == "NotPaused"

    @pytest.mark.parametrize("rate", [0, -1, 100_001, float("nan")])
    async def test_a_rate_out_of_range_names_itself(self, house: House, rate: float) -> None:
        await house.engine.pauses.pause("blueprint", "task")
        with pytest.raises(InvalidRequest) as found:
            await house.engine.pauses.resume("blueprint", "task", rate)
        assert found.value.field == "rate"


class TestGroups:
    async def test_all_of_a_group_is_paused_at_once(self, house: House) -> None:
        await make(house, "a", TWO, group="shop")
        await make(house, "b", TWO, group="shop")
        await make(house, "c", TWO, group="other")
        for name in "abc":
            await house.engine.start(name)
        assert await house.engine.pauses.groups() == {"other": ["c"], "shop": ["a", "b"]}
        await house.engine.pauses.pause("group", "shop")
        charge(house)
        await house.engine.advance()
        assert [job.machine for job in house.workers.out.values()] == ["c"]
        with pytest.raises(BlueprintPaused) as found:
            await house.engine.start("a")
        assert (found.value.kind, found.value.name) == ("group", "shop")
        await house.engine.pauses.resume("group", "shop")
        await later(house, 1)
        assert sorted(job.machine for job in house.workers.out.values()) == ["a", "b", "c"]

    async def test_what_two_pauses_hold_goes_on_after_both(self, house: House) -> None:
        await make(house, "a", TWO, group="shop")
        await make(house, "short", SHORT, group="shop")
        await house.engine.start("a")
        waiting = await house.engine.start("short")
        await house.engine.pauses.pause("group", "shop")
        for name in ("a", "short"):
            await house.engine.pauses.pause("blueprint", name)
        charge(house)
        await later(house, 10)
        await house.engine.pauses.resume("group", "shop")
        await later(house, 2)
        assert house.workers.out == {}
        assert await status(house, waiting) == "RUNNING"
        for name in ("a", "short"):
            await house.engine.pauses.resume("blueprint", name)
        await later(house, 2)
        assert house.workers.only().state == "Ship"
        assert await status(house, waiting) == "SUCCEEDED"
        assert house.engine.pauses.current() == []

    async def test_an_execution_obeys_the_group_of_its_own_version(self, house: House) -> None:
        await make(house, "a", TWO)
        await house.engine.start("a")
        await house.engine.blueprints.update("a", settings={"group": "shop"})
        await house.engine.start("a")
        await house.engine.pauses.pause("group", "shop")
        charge(house)
        await house.engine.advance()
        assert len(house.workers.out) == 1

    @pytest.mark.parametrize("group", [5, "", "a b", "x" * 81])
    async def test_a_group_must_be_a_name(self, house: House, group: Any) -> None:
        with pytest.raises(InvalidRequest) as found:
            await make(house, "a", TWO, group=group)
        assert found.value.field == "group"


class TestTimeouts:
    async def test_the_time_out_of_an_execution_stands_still(self, house: House) -> None:
        await make(house, "limited", {**TWO, "TimeoutSeconds": 60})
        record = await house.engine.start("limited")
        await later(house, 50)
        await house.engine.pauses.pause("blueprint", "limited")
        await later(house, 500)
        assert await status(house, record) == "RUNNING"
        await house.engine.pauses.resume("blueprint", "limited")
        await later(house, 9)
        assert await status(house, record) == "RUNNING"
        await later(house, 2)
        assert await status(house, record) == "TIMED_OUT"

    async def test_pauses_before_it_began_do_not_put_it_off(self, house: House) -> None:
        await make(house, "limited", {**TWO, "TimeoutSeconds": 60})
        await house.engine.pauses.pause("blueprint", "limited")
        await later(house, 100)
        await house.engine.pauses.resume("blueprint", "limited")
        record = await house.engine.start("limited")
        await later(house, 61)
        assert await status(house, record) == "TIMED_OUT"

    async def test_two_pauses_at_once_count_once(self, house: House) -> None:
        await make(house, "limited", {**TWO, "TimeoutSeconds": 60}, group="shop")
        record = await house.engine.start("limited")
        await house.engine.pauses.pause("blueprint", "limited")
        await later(house, 20)
        await house.engine.pauses.pause("group", "shop")
        await later(house, 20)
        await house.engine.pauses.resume("blueprint", "limited")
        await later(house, 20)
        await house.engine.pauses.resume("group", "shop")
        await later(house, 58)
        assert await status(house, record) == "RUNNING"
        await later(house, 3)
        assert await status(house, record) == "TIMED_OUT"

    async def test_the_time_out_of_a_task_that_runs_goes_on(self, house: House) -> None:
        record = await self.ask(house)
        house.workers.answer(house.workers.only())  # the service has the token
        await later(house, 20)
        await house.engine.pauses.pause("blueprint", "ask")
        await later(house, 42)
        found = await house.engine.history(record.arn)
        assert [event["type"] for event in found.items][-2:] == ["TaskTimedOut", "ExecutionFailed"]

    async def test_it_goes_on_too_when_the_execution_has_left_memory(self, house: House) -> None:
        record = await self.ask(house, seconds=600)
        house.workers.answer(house.workers.only())
        await later(house, 20)
        await house.engine.pauses.pause("blueprint", "ask")
        await house.engine.pauses.pause("blueprint", "task")
        assert house.engine.stats()["resident"] == 0
        await later(house, 590)
        assert await status(house, record) == "FAILED"

    async def test_the_time_of_a_task_that_was_held_begins_after_the_pause(self, house: House) -> None:
        record = await self.ask(house, before=True)
        await house.engine.pauses.pause("blueprint", "ask")
        charge(house)
        await later(house, 500)
        await house.engine.pauses.resume("blueprint", "ask")
        await later(house, 1)
        house.workers.answer(house.workers.only())
        await later(house, 50)
        assert await status(house, record) == "RUNNING"
        await later(house, 15)
        assert await status(house, record) == "FAILED"

    async def ask(self, house: House, *, seconds: int = 60, before: bool = False) -> ExecutionRecord:
        asking = {
            "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True,
            "TimeoutSeconds": seconds, "Parameters": {"Token.$": "$$.Task.Token"},
        }  # fmt: skip
        first = {**TWO["States"]["Charge"], "Next": "Ask"}  # type: ignore[index]
        states = {"Charge": first, "Ask": asking} if before else {"Ask": asking}
        await make(house, "ask", {"StartAt": next(iter(states)), "States": states})
        return await house.engine.start("ask")


class TestResume:
    async def test_what_was_held_goes_out_in_order_at_the_rate(self, house: House) -> None:
        await make(house, "two", TWO)
        names = [(await house.engine.start("two", name=f"n-{number}")).arn for number in range(25)]
        await house.engine.pauses.pause("blueprint", "two")
        charge(house)
        await later(house, 60)
        before = len(house.workers.sent)
        await house.engine.pauses.resume("blueprint", "two", 5)
        sent = []
        for _ in range(4):
            sent.append(len(house.workers.sent) - before)
            await later(house, 1)
        assert sent == [1, 6, 11, 16]
        await later(house, 3)
        assert [job.execution for job in house.workers.out.values()] == names
        assert house.engine.pauses.current() == []

    async def test_timers_go_out_in_the_order_of_their_times(self, house: House) -> None:
        await make(house, "until", {"StartAt": "W", "States": {"W": {"Type": "Wait", "SecondsPath": "$", "End": True}}})
        records = [await house.engine.start("until", str(seconds)) for seconds in (40, 3, 500, 20, 8)]
        await house.engine.pauses.pause("blueprint", "until")
        await later(house, 600)
        await house.engine.pauses.resume("blueprint", "until", 1)
        await later(house, 7)
        ended = [(await house.engine.describe(record.arn)).stopped_at for record in records]
        assert all(ended)
        assert sorted(range(5), key=lambda index: ended[index] or 0) == [1, 4, 3, 0, 2]
        stops = sorted(each or 0 for each in ended)
        assert all(late - soon >= 1000 for soon, late in pairwise(stops))

    async def test_many_timers_of_one_execution_go_out_one_by_one(self, house: House) -> None:
        item = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "End": True}}}
        await make(
            house, "each", {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": item, "End": True}}}
        )
        record = await house.engine.start("each", "[1, 2, 3, 4]")
        await house.engine.pauses.pause("blueprint", "each")
        await later(house, 10)
        await house.engine.pauses.resume("blueprint", "each", 1)
        fired = []
        for _ in range(4):
            await house.engine.advance()
            fired.append(len(house.store.journal(record.id)) - 1)
            await later(house, 1)
        assert fired == [1, 2, 3, 4]
        assert await status(house, record) == "SUCCEEDED"

    async def test_pausing_again_holds_the_rest(self, house: House) -> None:
        await make(house, "two", TWO)
        for number in range(10):
            await house.engine.start("two", name=f"n-{number}")
        await house.engine.pauses.pause("blueprint", "two")
        charge(house)
        await house.engine.advance()
        await house.engine.pauses.resume("blueprint", "two", 1)
        await later(house, 3)
        out = len(house.workers.out)
        await house.engine.pauses.pause("blueprint", "two")
        await later(house, 30)
        assert len(house.workers.out) == out < 10
        await house.engine.pauses.resume("blueprint", "two")
        await later(house, 1)
        assert len(house.workers.out) == 10

    async def test_the_rate_may_change_while_it_drains(self, house: House) -> None:
        await make(house, "two", TWO)
        for number in range(10):
            await house.engine.start("two", name=f"n-{number}")
        await house.engine.pauses.pause("blueprint", "two")
        charge(house)
        await house.engine.advance()
        await house.engine.pauses.resume("blueprint", "two", 0.001)
        await later(house, 5)
        assert len(house.workers.out) == 1
        await house.engine.pauses.resume("blueprint", "two", 1000)
        await later(house, 1)
        assert len(house.workers.out) == 10

    async def test_a_stopped_execution_takes_no_turn(self, house: House) -> None:
        await make(house, "two", TWO)
        records = [await house.engine.start("two", name=f"n-{number}") for number in range(3)]
        await house.engine.pauses.pause("blueprint", "two")
        charge(house)
        await house.engine.advance()
        await house.engine.stop(records[0].arn)
        await house.engine.pauses.resume("blueprint", "two", 1)
        assert house.workers.only().execution == records[1].arn


class TestTogether:
    async def test_a_child_of_something_paused_begins_when_it_may(self, house: House) -> None:
        parameters = {"StateMachineArn": MACHINE + "task"}
        state = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync", "End": True}
        await make(house, "parent", {"StartAt": "S", "States": {"S": {**state, "Parameters": parameters}}})
        await house.engine.pauses.pause("blueprint", "task")
        parent = await house.engine.start("parent")
        await later(house, 60)
        assert (await house.engine.list("task")).items == []
        await house.engine.pauses.resume("blueprint", "task")
        await later(house, 1)
        house.workers.answer(house.workers.only())
        assert (await house.engine.wait(parent.arn, 5)).status == "SUCCEEDED"

    @pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
    async def test_a_map_run_starts_no_more_children(self, house: House, kind: str) -> None:
        processor = {**TASK, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}}
        state = {"Type": "Map", "ItemProcessor": processor, "MaxConcurrency": 2, "End": True}
        await make(house, "many", {"StartAt": "Many", "States": {"Many": state}})
        record = await house.engine.start("many", "[1, 2, 3, 4, 5]")
        await until(lambda: len(house.workers.out) == 2)
        await house.engine.pauses.pause("blueprint", "many")
        charge(house)
        await later(house, 5)
        assert house.workers.out == {}
        await house.engine.pauses.resume("blueprint", "many")
        for _ in range(2):
            await until(lambda: bool(house.workers.out))
            await house.engine.advance()
            charge(house)
            await house.engine.advance()
        assert (await house.engine.wait(record.arn, 5)).status == "SUCCEEDED"
        assert len(house.workers.sent) == 5

    async def test_a_worker_of_an_activity_gets_no_task_of_it(self, house: House) -> None:
        await house.engine.consult(lambda catalog: catalog.activities.create("pack"))
        resource = "arn:aws:states:us-east-1:123456789012:activity:pack"
        for name in ("one", "other"):
            await make(
                house, name, {"StartAt": "P", "States": {"P": {"Type": "Task", "Resource": resource, "End": True}}}
            )
        await house.engine.start("one", '"held"')
        await until(lambda: len(house.store.queue("pack", 9)) == 1)
        await house.engine.start("other", '"free"')
        await until(lambda: len(house.store.queue("pack", 9)) == 2)
        await house.engine.pauses.pause("blueprint", "one")
        task = await house.engine.get_activity_task("pack")
        assert task is not None
        assert task.input == '"free"'
        assert await house.engine.get_activity_task("pack") is None
        await house.engine.pauses.resume("blueprint", "one")
        task = await house.engine.get_activity_task("pack")
        assert task is not None
        assert task.input == '"held"'


class TestLater:
    async def test_a_new_engine_holds_the_same(self, house: House) -> None:
        await make(house, "two", TWO)
        await make(house, "short", SHORT)
        await house.engine.start("two")
        waiting = await house.engine.start("short")
        for name in ("two", "short"):
            await house.engine.pauses.pause("blueprint", name)
        charge(house)
        await later(house, 30)
        await house.reopen()
        await later(house, 30)
        assert house.workers.out == {}
        with pytest.raises(BlueprintPaused):
            await house.engine.start("two")
        for name in ("two", "short"):
            await house.engine.pauses.resume("blueprint", name)
        await later(house, 1)
        assert house.workers.only().state == "Ship"
        assert await status(house, waiting) == "SUCCEEDED"

    async def test_a_new_engine_goes_on_letting_out_at_the_rate(self, house: House) -> None:
        await make(house, "short", SHORT)
        for number in range(20):
            await house.engine.start("short", name=f"n-{number}")
        await house.engine.pauses.pause("blueprint", "short")
        await later(house, 30)
        await house.engine.pauses.resume("blueprint", "short", 2)
        await later(house, 2)
        await house.reopen()
        before = house.store.count_by_status("short").get("SUCCEEDED", 0)
        await later(house, 3)
        assert before < house.store.count_by_status("short")["SUCCEEDED"] <= before + 7
        await later(house, 10)
        assert house.store.count_by_status("short") == {"SUCCEEDED": 20}
        assert house.engine.pauses.current() == []

    async def test_pauses_put_time_outs_off_in_a_later_life_too(self, house: House) -> None:
        await make(house, "limited", {**TWO, "TimeoutSeconds": 60})
        record = await house.engine.start("limited")
        await house.engine.pauses.pause("blueprint", "limited")
        await later(house, 300)
        await house.engine.pauses.resume("blueprint", "limited")
        await later(house, 1)
        await house.reopen()
        await later(house, 50)
        assert await status(house, record) == "RUNNING"
        await later(house, 12)
        assert await status(house, record) == "TIMED_OUT"

    async def test_what_was_parked_when_its_pause_ended_goes_on(self, house: House) -> None:
        """The row that tells of the pause went with a deleted blueprint's, or its writing came too late."""
        record = await house.engine.start("wait")
        await house.engine.pauses.pause("blueprint", "wait")
        await later(house, 3700)
        house.store.forget_pauses("blueprint", "wait", house.now + 1)
        await house.reopen()
        await until(lambda: house.store.count_by_status("wait").get("SUCCEEDED") == 1)
        assert await status(house, record) == "SUCCEEDED"

    async def test_a_blueprint_of_the_name_of_a_deleted_one_is_not_paused(self, house: House) -> None:
        await house.engine.pauses.pause("blueprint", "task")
        await house.engine.blueprints.delete("task")
        await until(lambda: house.store.pauses() == [])
        await until(lambda: not house.catalog.deleting())
        await make(house, "task", TASK)
        assert (await house.engine.start("task")).status == "RUNNING"

    async def test_only_so_many_pauses_are_kept(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sfc.engine.pauses.PAUSES_KEPT", 5)
        for _ in range(12):
            await house.engine.pauses.pause("blueprint", "task")
            house.now += 5
            await house.engine.pauses.resume("blueprint", "task")
            await house.engine.advance()
        await until(lambda: len(house.store.pauses()) == 5)
        assert PAUSES_KEPT == 1_000


class TestStop:
    async def test_all_that_runs_is_stopped_and_it_stays_paused(self, house: House) -> None:
        records = [await house.engine.start(name) for name in ("task", "task", "wait")]
        stopped, more = await house.engine.pauses.stop("blueprint", "task", Failure("Recalled", "a bad batch"))
        assert (stopped, more) == (2, False)
        assert [await status(house, record) for record in records] == ["ABORTED", "ABORTED", "RUNNING"]
        assert (await house.engine.describe(records[0].arn)).error == "Recalled"
        assert len(house.workers.cancelled) == 2
        with pytest.raises(BlueprintPaused):
            await house.engine.start("task")

    async def test_it_is_done_piece_by_piece(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sfc.engine.pauses.STOP_PAGE", 2)
        for number in range(5):
            await house.engine.start("task", name=f"n-{number}")
        told = [await house.engine.pauses.stop("blueprint", "task", Failure(None)) for _ in range(3)]
        assert told == [(2, True), (2, True), (1, False)]
        assert house.store.count_by_status("task") == {"ABORTED": 5}
        assert STOP_PAGE == 1_000

    async def test_a_group_is_stopped_with_all_its_blueprints(self, house: House) -> None:
        await make(house, "a", TWO, group="shop")
        await make(house, "b", TWO, group="shop")
        for name in ("a", "b", "task"):
            await house.engine.start(name)
        await house.engine.blueprints.update("b", settings={})
        await house.engine.start("b")
        assert await house.engine.pauses.stop("group", "shop", Failure(None)) == (2, False)
        assert await house.engine.counts() == {"ABORTED": 2, "RUNNING": 2}
