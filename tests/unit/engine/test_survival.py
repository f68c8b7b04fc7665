"""What an engine does when its store fails, its lease is gone, its journal is not its own, or it begins again."""

import asyncio
import logging

import pytest

from sfc.errors import OutcomeUnknown, SfcError, Unavailable
from sfc.store.journal import Batch
from tests.unit.engine.conftest import House, until

HOUR_MS = 3_600_000


def unavailable(_batch: Batch) -> None:
    raise Unavailable("no disk")


class TestCommits:
    async def test_nothing_leaves_before_its_commit(self, house: House) -> None:
        sent_at_commit: list[int] = []
        house.store.fail = lambda _batch: sent_at_commit.append(len(house.workers.sent))
        await house.engine.start("task")
        assert sent_at_commit == [0]
        assert len(house.workers.sent) == 1

    async def test_results_of_one_turn_are_one_commit(self, house: House) -> None:
        arns = [(await house.engine.start("task")).arn for _ in range(10)]
        before = len(house.store.commits)
        for job in list(house.workers.out.values()):
            house.workers.answer(job)
        for arn in arns:
            await house.engine.wait(arn, 5)
        assert len(house.store.commits) == before + 1

    async def test_a_start_that_was_not_written_is_unavailable_and_leaves_no_trace(self, house: House) -> None:
        house.store.fail = unavailable
        with pytest.raises(Unavailable):
            await house.engine.start("task", "{}", "n")
        house.store.fail = lambda _batch: None
        assert house.workers.sent == []
        assert (await house.engine.start("task", "[]", "n")).status == "RUNNING"

    async def test_a_result_that_was_not_written_is_not_lost(self, house: House) -> None:
        record = await house.engine.start("task")
        house.store.fail = unavailable
        house.workers.answer(house.workers.only(), "[1]")
        await until(lambda: house.store.refusals >= 3)  # also what was read again fails, and is read again
        assert (await house.engine.describe(record.arn)).status == "RUNNING"
        house.store.fail = lambda _batch: None
        assert (await house.engine.wait(record.arn, 5)).output == "[1]"

    async def test_the_end_of_an_express_execution_is_written_later(self, house: House) -> None:
        record = await house.engine.start("express-task")
        house.store.fail = unavailable
        house.workers.answer(house.workers.only(), "[1]")
        await until(lambda: house.store.refusals >= 2)
        house.store.fail = lambda _batch: None
        assert (await house.engine.wait(record.arn, 5)).output == "[1]"

    @pytest.mark.parametrize("written", [True, False])
    async def test_a_lost_answer_is_settled(self, house: House, written: bool) -> None:
        def lose(batch: Batch) -> None:
            house.store.fail = lambda _batch: None
            if written:
                house.store.commit(batch)
            raise OutcomeUnknown("no answer")

        house.store.fail = lose
        if written:
            assert (await house.engine.start("task")).status == "RUNNING"
            assert len(house.workers.sent) == 1
        else:
            with pytest.raises(Unavailable):
                await house.engine.start("task")
            assert house.workers.sent == []

    async def test_an_unforeseen_error_of_the_store_is_answered_too(self, house: House) -> None:
        def broken(_batch: Batch) -> None:
            raise RuntimeError("a bug")

        house.store.fail = broken
        with pytest.raises(Unavailable, match="a bug"):
            await house.engine.start("task")


class TestLeases:
    async def test_a_second_engine_does_not_open(self, house: House) -> None:
        other = house.make(owner="two")
        with pytest.raises(Unavailable, match="another engine holds the store"):
            await other.open()
        await other.close()

    async def test_an_engine_that_lost_its_shard_stops_acting(self, house: House) -> None:
        record = await house.engine.start("task")
        job = house.workers.only()
        assert house.store.acquire(0, "one") is not None  # another life of the same owner takes over
        house.workers.answer(job, "[1]")
        assert (await house.engine.wait(record.arn, 1)).status == "RUNNING"
        assert house.engine.stats()["resident"] == 0
        assert len(house.store.journal(record.id)) == 1
        with pytest.raises(Unavailable):
            await house.engine.start("task")
        with pytest.raises(Unavailable):
            await house.engine.stop(record.arn)

    async def test_a_watch_ends_when_the_shard_is_gone(self, house: House) -> None:
        record = await house.engine.start("task")

        async def watch() -> list[str]:
            return [event["type"] async for event in house.engine.watch(record.arn)]

        watching = asyncio.create_task(watch())
        await until(lambda: bool(house.engine._host.listeners.watchers))
        house.store.acquire(0, "one")
        house.workers.answer(house.workers.only())
        assert "ExecutionSucceeded" not in await asyncio.wait_for(watching, 5)


class TestRecovery:
    async def test_outstanding_jobs_go_out_again_under_the_same_keys(self, house: House) -> None:
        record = await house.engine.start("task", '{"a": 1}')
        job = house.workers.only()
        await house.reopen()
        assert house.workers.only() == job
        house.workers.answer(job, "[1]")
        assert (await house.engine.wait(record.arn, 5)).output == "[1]"

    async def test_what_only_waits_stays_in_the_store(self, house: House) -> None:
        await house.engine.start("wait")
        await house.reopen()
        assert house.engine.stats()["resident"] == 0

    async def test_who_waits_for_an_execution_is_told_when_the_engine_closes(self, house: House) -> None:
        record = await house.engine.start("task")
        waiting = asyncio.create_task(house.engine.wait(record.arn, 60))
        await asyncio.sleep(0)
        await house.engine.close()
        assert (await waiting).status == "RUNNING"


class TestWaiting:
    async def test_an_execution_leaves_memory_and_wakes_when_its_time_has_come(self, house: House) -> None:
        record = await house.engine.start("wait", "[7]")
        assert house.engine.stats()["resident"] == 0
        house.now += HOUR_MS - 1
        await house.engine.advance()
        assert (await house.engine.describe(record.arn)).status == "RUNNING"
        house.now += 1
        await house.engine.advance()
        assert (await house.engine.wait(record.arn, 5)).output == "[7]"

    async def test_a_short_wait_stays_and_writes_no_wake_up(self, house: House) -> None:
        engine = await house.reopen(passivate_after_ms=2 * HOUR_MS)
        record = await engine.start("wait")
        assert engine.stats()["resident"] == 1
        house.now += HOUR_MS
        await engine.advance()
        assert (await engine.wait(record.arn, 5)).status == "SUCCEEDED"

    async def test_no_more_are_loaded_than_fit(self, house: House) -> None:
        arns = [(await house.engine.start("wait")).arn for _ in range(5)]
        engine = await house.reopen(max_resident=2, recovery_page=1)
        house.now += HOUR_MS
        for _ in range(5):
            await engine.advance()
        assert {(await engine.wait(arn, 5)).status for arn in arns} == {"SUCCEEDED"}


class TestBrokenExecutions:
    async def test_a_replay_that_differs_is_set_aside_and_told(
        self, house: House, caplog: pytest.LogCaptureFixture
    ) -> None:
        record = await house.engine.start("task")
        rows = house.store._journal[record.id]
        rows[0] = rows[0]._replace(digest=rows[0].digest ^ 1)
        with caplog.at_level(logging.ERROR):
            await house.reopen()
        assert "diverged" in caplog.text
        shown = await house.engine.describe(record.arn)
        assert shown.status == "RUNNING"
        assert shown.diverged is not None
        assert house.workers.out == {}

    async def test_it_can_be_stopped_and_does_not_keep_others_from_running(self, house: House) -> None:
        record, other = await house.engine.start("task"), await house.engine.start("task")
        rows = house.store._journal[record.id]
        rows[0] = rows[0]._replace(digest=rows[0].digest ^ 1)
        await house.reopen()
        await house.engine.stop(record.arn, "Odd")
        assert (await house.engine.describe(record.arn)).status == "ABORTED"
        house.workers.answer(house.workers.only())
        assert (await house.engine.wait(other.arn, 5)).status == "SUCCEEDED"

    async def test_a_bug_in_a_step_stops_one_execution_only(
        self, house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        record, other = await house.engine.start("task"), await house.engine.start("task")
        one, two = house.workers.out.values()

        def bug(*_: object) -> None:
            raise ZeroDivisionError("a bug")

        with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
            patched.setattr("sfc.engine.host.step", bug)
            house.workers.answer(one)
            with pytest.raises(SfcError, match="a bug of SFC"):
                await house.engine.start("task")
        assert record.arn in caplog.text
        assert (await house.engine.describe(record.arn)).diverged == "a bug of SFC stopped it; see the log"
        house.workers.answer(two)
        assert (await house.engine.wait(other.arn, 5)).status == "SUCCEEDED"
