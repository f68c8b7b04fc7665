"""Records become executions exactly once, whatever is told twice, late or from elsewhere."""

import asyncio
import json
from typing import Any

import pytest

from sfc.engine.intake import Asked
from sfc.engine.starts import StartRequest
from sfc.errors import NotFound, OutcomeUnknown, Overloaded, Superseded, Unavailable
from sfc.interpreter.task_token import TokenPlace, make
from sfc.kafka.chunk import Answer, Chunk, Control, Dead, Decision, Start
from sfc.store.feeds import Place
from sfc.store.journal import Batch, Kept
from tests.unit.engine.conftest import House, until

PLACE = Place("7", "mQ", 0)


def start(offset: int, name: str | None = None, input: bytes = b"{}", records: int = 1) -> Start:
    return Start(offset, input, name, f"orders-0-{offset}", records)


def dead(offset: int) -> Dead:
    return Dead(offset, "NotJson", "no JSON", b"raw")


def chunk(first: int, next: int, *decisions: Decision) -> Chunk:
    return Chunk("7", "orders", "mQ", 0, first, next, decisions, next - first, next)


async def reading(house: House) -> House:
    await house.engine.intake.begin({PLACE: 0})
    return house


async def executions(house: House, machine: str = "task") -> list[str]:
    return sorted(record.name for record in (await house.engine.list(machine)).items)


class TestTaking:
    async def test_records_and_their_position_are_one_commit(self, house: House) -> None:
        await reading(house)
        before = len(house.store.commits)
        taken = await house.engine.intake.take(chunk(0, 5, start(0), start(1), dead(2), start(4)), "task")
        assert len(house.store.commits) == before + 1
        assert (taken.next, taken.starts, taken.dead, taken.held) == (5, 3, 1, None)
        assert house.store.positions() == [(PLACE, 5)]
        assert house.engine.intake.positions("7") == {PLACE: 5}
        (kept,) = house.store.dead_letters("7", None, 10)
        assert (kept.letter.offset, kept.letter.reason, kept.letter.record) == (2, "NotJson", b"raw")
        assert await executions(house) == ["orders-0-0", "orders-0-1", "orders-0-4"]

    async def test_an_execution_gets_the_records_input(self, house: House) -> None:
        await reading(house)
        await house.engine.intake.take(chunk(0, 1, start(0, "given", b'{"order": 1}')), "pass")
        record = await house.engine.wait(house.engine.partition.execution("pass", "given"), 5)
        assert record.output == '{"order":1}'

    async def test_the_same_chunk_twice_starts_nothing_twice(self, house: House) -> None:
        await reading(house)
        twice = chunk(0, 2, start(0), start(1))
        both = await asyncio.gather(*[house.engine.intake.take(twice, "task") for _ in range(3)])
        assert sorted(taken.starts for taken in both) == [0, 0, 2]
        assert (await house.engine.intake.take(twice, "task")).next == 2
        assert len(await executions(house)) == 2

    @pytest.mark.parametrize("first", [1, 7])
    async def test_a_chunk_from_elsewhere_is_not_used(self, house: House, first: int) -> None:
        await reading(house)
        taken = await house.engine.intake.take(chunk(first, 9, start(first)), "task")
        assert (taken.next, taken.starts) == (0, 0)
        assert await executions(house) == []

    async def test_a_chunk_of_a_feed_that_is_forgotten_is_refused(self, house: House) -> None:
        await reading(house)
        await house.engine.intake.forget("7")
        assert house.store.positions() == []
        with pytest.raises(NotFound):
            await house.engine.intake.take(chunk(0, 1, start(0)), "task")

    async def test_offsets_without_records_only_move_the_position(self, house: House) -> None:
        await reading(house)
        assert (await house.engine.intake.take(chunk(0, 40), "task")).next == 40
        assert house.store.positions() == [(PLACE, 40)]

    async def test_a_name_that_is_taken_counts_as_done(self, house: House) -> None:
        await reading(house)
        await house.engine.start("task", "{}", "order-1")
        house.workers.answer(house.workers.only())
        await house.engine.wait(house.engine.partition.execution("task", "order-1"), 5)
        taken = await house.engine.intake.take(
            chunk(0, 4, start(0, "order-1"), start(1, "order-2"), start(2, "order-2"), start(3)), "task"
        )
        assert (taken.next, taken.starts, taken.duplicates) == (4, 2, 2)
        assert await executions(house) == ["order-1", "order-2", "orders-0-3"]

    async def test_partitions_that_are_known_keep_their_position(self, house: House) -> None:
        await reading(house)
        await house.engine.intake.take(chunk(0, 3, start(0)), "task")
        await house.engine.intake.begin({PLACE: 0, PLACE._replace(partition=1): 8})
        assert house.engine.intake.positions("7") == {PLACE: 3, PLACE._replace(partition=1): 8}


class TestHolding:
    async def test_an_engine_that_has_enough_takes_what_fits(self, house: House) -> None:
        await reading(house)
        engine, room = house.engine, 2

        def admit(_machine: str) -> None:
            nonlocal room
            if not room:
                raise Overloaded("enough")
            room -= 1

        engine._starts._admit = admit
        given = chunk(0, 4, start(0), start(1), dead(2), start(3))
        taken = await engine.intake.take(given, "task")
        assert (taken.next, taken.starts, taken.dead) == (3, 2, 1)
        assert isinstance(taken.held, Overloaded)
        room = 1
        rest = await engine.intake.take(given.rest(taken.next), "task")
        assert (rest.next, rest.starts) == (4, 1)
        assert len(await executions(house)) == 3
        assert len(house.store.dead_letters("7", None, 10)) == 1

    async def test_nothing_is_written_when_not_even_the_first_fits(self, house: House) -> None:
        await reading(house)
        engine = await house.reopen(max_resident=0)
        before = len(house.store.commits)
        taken = await engine.intake.take(chunk(0, 1, start(0)), "task")
        assert taken.next == 0
        assert isinstance(taken.held, Overloaded)
        assert len(house.store.commits) == before

    async def test_a_blueprint_that_is_gone_holds_the_records(self, house: House) -> None:
        await reading(house)
        taken = await house.engine.intake.take(chunk(0, 2, dead(0), start(1)), "nothing")
        assert taken.next == 1
        assert isinstance(taken.held, NotFound)

    async def test_a_batch_and_the_dead_within_it_wait_together(self, house: House) -> None:
        await reading(house)
        engine = await house.reopen(max_resident=0)
        taken = await engine.intake.take(chunk(0, 6, dead(0), start(1, records=4), dead(3)), "task")
        assert (taken.next, taken.dead) == (1, 1)


class TestFailures:
    async def test_what_was_not_written_is_read_again(self, house: House) -> None:
        await reading(house)
        failures = [Unavailable("no disk")]

        def fail(_batch: Batch) -> None:
            if failures:
                raise failures.pop()

        house.store.fail = fail
        given = chunk(0, 2, start(0), start(1))
        with pytest.raises(Unavailable):
            await house.engine.intake.take(given, "task")
        assert house.engine.intake.positions("7") == {PLACE: 0}
        assert house.workers.sent == []
        assert (await house.engine.intake.take(given, "task")).starts == 2
        assert len(await executions(house)) == 2

    async def test_a_lost_answer_of_the_store_loses_nothing_and_doubles_nothing(self, house: House) -> None:
        await reading(house)
        commit, lost = house.store.commit, [True]

        def forgetful(batch: Batch) -> Any:
            outcome = commit(batch)
            if lost:
                raise lost.clear() or OutcomeUnknown("no answer")
            return outcome

        house.store.commit = forgetful  # type: ignore[method-assign]
        taken = await house.engine.intake.take(chunk(0, 2, start(0), start(1)), "task")
        assert (taken.next, taken.starts) == (2, 2)
        assert len(await executions(house)) == 2

    async def test_a_position_that_is_elsewhere_after_all_refuses_everything(self, house: House) -> None:
        """Memory and row differ only by a bug; even then nothing is started twice."""
        await reading(house)
        await house.engine.intake.take(chunk(0, 2, start(0), start(1)), "task")
        house.engine.intake._next[PLACE] = 0
        renamed = chunk(0, 2, start(0, "other"), start(1, "another"))
        with pytest.raises(Superseded):
            await house.engine.intake.take(renamed, "task")
        assert len(await executions(house)) == 2
        assert (await house.engine.intake.take(chunk(2, 3, start(2)), "task")).next == 3  # it looked again

    async def test_an_engine_that_lost_the_store_takes_nothing(self, house: House) -> None:
        await reading(house)
        house.store._shards[0].epoch += 1  # as a new owner would
        with pytest.raises(Unavailable):
            await house.engine.intake.take(chunk(0, 1, start(0)), "task")
        assert await executions(house) == []
        with pytest.raises(Unavailable):
            await house.engine.intake.take(chunk(0, 1), "task")

    async def test_whoever_stops_waiting_does_not_lose_the_position(self, house: House) -> None:
        await reading(house)
        impatient = asyncio.ensure_future(house.engine.intake.take(chunk(0, 1, start(0)), "task"))
        await asyncio.sleep(0)
        impatient.cancel()
        await until(lambda: house.engine.intake.positions("7") == {PLACE: 1})
        assert (await house.engine.intake.take(chunk(1, 2, start(1)), "task")).starts == 1
        assert len(await executions(house)) == 2

    async def test_the_next_engine_goes_on_where_the_last_one_stood(self, house: House) -> None:
        await reading(house)
        await house.engine.intake.take(chunk(0, 2, start(0), start(1)), "task")
        engine = await house.reopen()
        assert engine.intake.positions("7") == {PLACE: 2}
        assert (await engine.intake.take(chunk(0, 2, start(0), start(1)), "task")).starts == 0

    async def test_express_executions_start_with_the_position(self, house: House) -> None:
        await reading(house)
        taken = await house.engine.intake.take(chunk(0, 2, start(0), start(1)), "express-task")
        assert taken.starts == 2
        assert len(house.workers.out) == 2


class TestControl:
    async def test_a_control_message_takes_effect_at_its_place(self, house: House) -> None:
        await reading(house)
        told: list[bytes] = []

        def obey(control: Control) -> Asked:
            told.append(control.body)
            return Asked()

        given = chunk(0, 4, start(0), Control(1, b"pause", b""), start(2), start(3))
        taken = await house.engine.intake.take(given, "task", obey)
        assert (taken.next, taken.starts, told) == (2, 1, [b"pause"])
        assert (await house.engine.intake.take(given.rest(2), "task", obey)).starts == 2

    async def test_a_control_message_of_no_use_is_a_dead_letter(self, house: House) -> None:
        await reading(house)
        await house.engine.intake.take(
            chunk(0, 1, Control(0, b"?", b"raw")), "task", lambda _control: Asked(Kept(), dead(0))
        )
        assert len(house.store.dead_letters("7", None, 10)) == 1


class TestAnswers:
    def token(self, house: House, key: str) -> str:
        execution, task, attempt = key.split(":")
        return make(house.store.secret(), TokenPlace(int(execution, 16), int(task), int(attempt)))

    async def test_answers_and_their_position_are_one_commit(self, house: House) -> None:
        await reading(house)
        one, two = [await house.engine.start("task") for _ in range(2)]
        keys = sorted(house.workers.out)
        token, other = [self.token(house, key) for key in keys]
        before = len(house.store.commits)
        taken = await house.engine.intake.take(
            chunk(
                0, 6, Answer(0, token, None, b"[1]"), Answer(1, other, None, None, "Bad", "why"),
                Answer(2, token, None, b"[2]"), Answer(3, "made up", None, b"1"), Answer(4, None, "x:y", b"1"),
                Answer(5, None, None, b"1"),
            )
        )  # fmt: skip
        assert len(house.store.commits) == before + 1
        assert (taken.next, taken.answers, taken.strays) == (6, 2, 4)
        assert (await house.engine.wait(one.arn, 5)).output == "[1]"
        failed = await house.engine.wait(two.arn, 5)
        assert (failed.status, failed.error, failed.cause) == ("FAILED", "Bad", "why")

    async def test_answers_to_executions_that_wait_in_the_store_bring_them_back(self, house: House) -> None:
        await reading(house)
        ask = "arn:aws:states:::lambda:invoke.waitForTaskToken"
        given_token = {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}}
        later = {"Type": "Task", "Resource": ask, "Parameters": given_token, "TimeoutSeconds": 3_600, "End": True}
        await house.engine.blueprints.create("later", json.dumps({"StartAt": "A", "States": {"A": later}}))
        records = [await house.engine.start("later") for _ in range(3)]
        tokens = []
        for key, job in list(house.workers.out.items()):
            execution, task, attempt = key.split(":")
            place = TokenPlace(int(execution, 16), int(task), int(attempt))
            tokens.append(make(house.store.secret(), place))
            house.workers.answer(job)
        await until(lambda: house.engine.stats()["resident"] == 0)
        given = [Answer(offset, token, None, b"[%d]" % offset) for offset, token in enumerate(tokens)]
        taken = await house.engine.intake.take(chunk(0, 3, *given))
        assert (taken.answers, taken.strays) == (3, 0)
        ends = [await house.engine.wait(record.arn, 5) for record in records]
        assert sorted(end.output or "" for end in ends) == ["[0]", "[1]", "[2]"]

    async def test_an_answer_to_a_task_that_nobody_knows_is_a_stray(self, house: House) -> None:
        await reading(house)
        record = await house.engine.start("wait")
        await until(lambda: house.engine.stats()["resident"] == 0)
        taken = await house.engine.intake.take(chunk(0, 1, Answer(0, None, f"{record.id:x}:9:0", b"1")))
        assert (taken.answers, taken.strays) == (0, 1)


class TestDeadLetters:
    async def letter(self, house: House) -> Any:
        await reading(house)
        await house.engine.intake.take(chunk(0, 1, dead(0)), "task")
        (kept,) = house.store.dead_letters(None, None, 10)
        return kept

    async def test_a_replayed_one_starts_once(self, house: House) -> None:
        kept = await self.letter(house)
        before = len(house.store.commits)
        both = await asyncio.gather(
            *[house.engine.intake.replay(kept, start(0), "task") for _ in range(2)], return_exceptions=True
        )
        assert len(house.store.commits) == before + 1
        assert sum(isinstance(result, NotFound) for result in both) == 1
        assert house.store.dead_letters(None, None, 10) == []
        assert await executions(house) == ["orders-0-0"]
        with pytest.raises(NotFound):
            await house.engine.intake.replay(kept, start(0, "again"), "task")

    async def test_one_that_cannot_start_stays(self, house: House) -> None:
        kept = await self.letter(house)
        with pytest.raises(NotFound):
            await house.engine.intake.replay(kept, start(0), "nothing")
        house.store.fail = lambda _batch: (_ for _ in ()).throw(Unavailable("no disk"))
        with pytest.raises(Unavailable):
            await house.engine.intake.replay(kept, start(0), "task")
        house.store.fail = lambda _batch: None
        assert house.store.dead_letters(None, None, 10) == [kept]
        assert await executions(house) == []

    async def test_marks_and_drops_are_written(self, house: House) -> None:
        kept = await self.letter(house)
        await house.engine.intake.published([kept])
        assert house.store.unpublished(0, 10) == []
        await house.engine.intake.drop(kept)
        assert house.store.dead_letters(None, None, 10) == []


async def test_starts_of_others_in_the_same_turn_share_the_commit(house: House) -> None:
    await reading(house)
    before = len(house.store.commits)
    taken, records = await asyncio.gather(
        house.engine.intake.take(chunk(0, 1, start(0)), "task"),
        house.engine.start_many([StartRequest("task", "{}", f"n{index}") for index in range(3)]),
    )
    assert (taken.starts, len(records)) == (1, 3)
    assert len(house.store.commits) <= before + 2
    assert len(await executions(house)) == 4
