"""Dead letters are published at least once, and replayed at most once."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from sfc.bridge.dead_letters import DeadLetters
from sfc.bridge.feeds import Feeds
from sfc.errors import InvalidRequest, InvalidToken, NotFound, Unavailable
from sfc.kafka.record import Record, encode
from sfc.kafka.settings import KafkaSettings
from sfc.limits import DEAD_LETTER_DAYS
from sfc.store.feeds import DeadLetter
from sfc.store.journal import Kept
from tests.unit.engine.conftest import House, house, until

__all__ = ["house"]
KAFKA = KafkaSettings.of("127.0.0.1:9092")
pytestmark = pytest.mark.timeout(20)
Report = Callable[[Any, Any], None]


class Broker:
    """Clients and producer in one; it has what it acknowledged."""

    settings = KAFKA

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.waiting: list[Report] = []
        self.away = False
        self.refusal: Any = None
        self.topics: list[str] = []

    def producer(self) -> "Broker":
        return self

    async def ensure(self, name: str, settings: KafkaSettings) -> None:
        if self.away:
            raise Unavailable("the broker did not answer")
        self.topics.append(name)

    def produce(self, topic: str, *, on_delivery: Report, **message: Any) -> None:
        self.sent.append({"topic": topic, **message})
        self.waiting.append(on_delivery)

    def poll(self, wait_s: float) -> None:
        if not self.away:
            waiting, self.waiting = self.waiting, []
            for report in waiting:
                report(self.refusal, None)


class Desk:
    def __init__(self, house: House) -> None:
        self.house = house
        self.broker = Broker()
        any_broker: Any = self.broker
        self.feeds = Feeds(house.engine, KAFKA, any_broker, any_broker)
        self.letters = DeadLetters(house.engine, self.feeds, any_broker, any_broker)

    async def bury(self, *values: bytes, feed: str = "1", record: bool = True) -> None:
        letters = [
            DeadLetter(
                feed, "orders", "mQ", 0, offset, self.house.now, "NotInFormat", "why",
                encode(Record("orders", 0, offset, 5, b"k", value, [("h", b"v")])) if record else b"",
            )
            for offset, value in enumerate(values)
        ]  # fmt: skip
        await self.house.engine.intake._write(0, Kept(dead_letters=letters))

    def put(self, blueprint: str = "pass", **settings: Any) -> None:
        self.house.catalog.triggers.put("orders", "kafka", blueprint, {"topic": "orders", **settings})


@pytest.fixture
async def desk(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr("sfc.bridge.dead_letters._LOOK_S", 0.0)
    made = Desk(house)
    made.put()
    yield made
    await made.letters.close()


class TestPublishing:
    async def test_a_record_is_published_as_it_came_with_its_origin_beside_it(self, desk: Desk) -> None:
        await desk.bury(b"bad")
        await desk.letters.open()
        await until(lambda: desk.house.store.unpublished(0, 10) == [])
        (sent,) = desk.broker.sent
        assert (sent["topic"], sent["key"], sent["value"]) == ("sfc.dead-letters", b"k", b"bad")
        headers = dict(sent["headers"])
        assert headers["h"] == b"v"
        assert headers["sfc-dead-reason"] == b"NotInFormat"
        assert headers["sfc-dead-letter"] == b"1"
        assert desk.broker.topics == ["sfc.dead-letters"]
        (kept,) = desk.house.store.dead_letters(None, None, 10)
        assert kept.published_at == desk.house.now

    async def test_nothing_is_sent_twice_while_the_broker_is_away(self, desk: Desk) -> None:
        await desk.bury(b"a")
        await desk.letters.open()
        await until(lambda: desk.house.store.unpublished(0, 10) == [])
        desk.broker.away = True
        await desk.bury(b"b", b"c")
        await until(lambda: len(desk.broker.sent) == 3)
        for _ in range(5):
            await until(lambda: not desk.letters._delivered)
        assert len(desk.house.store.unpublished(0, 10)) == 2
        desk.broker.away = False
        await until(lambda: desk.house.store.unpublished(0, 10) == [])
        assert [sent["value"] for sent in desk.broker.sent] == [b"a", b"b", b"c"]

    async def test_a_mark_that_was_not_written_is_written_later(self, desk: Desk) -> None:
        await desk.bury(b"a")
        failures = [Unavailable("no disk")] * 2

        def fail(_batch: object) -> None:
            if failures:
                raise failures.pop()

        desk.house.store.fail = fail
        await desk.letters.open()
        await until(lambda: desk.house.store.unpublished(0, 10) == [])
        assert len(desk.broker.sent) == 1

    async def test_a_note_about_lost_records_is_published_without_a_record(self, desk: Desk) -> None:
        await desk.bury(b"", record=False)
        await desk.letters.open()
        await until(lambda: desk.house.store.unpublished(0, 10) == [])
        assert (desk.broker.sent[0]["key"], desk.broker.sent[0]["value"]) == (None, None)

    async def test_published_ones_go_after_a_time(self, desk: Desk) -> None:
        await desk.bury(b"a", b"b")
        first, second = desk.house.store.unpublished(0, 10)
        await desk.house.engine.intake.published([first])
        desk.broker.away = True
        desk.house.now += (DEAD_LETTER_DAYS * 86_400_000) + 1
        await desk.letters.open()
        await until(lambda: desk.house.store.dead_letters(None, None, 10) == [second])


class TestReplaying:
    async def test_the_trigger_as_it_is_now_uses_the_record(self, desk: Desk) -> None:
        await desk.bury(b"bad")
        with pytest.raises(InvalidRequest) as still:
            await desk.letters.replay(1)
        assert still.value.code == "StillDead"
        desk.put(format="text")
        assert (await desk.letters.replay(1)).starts == 1
        with pytest.raises(NotFound):
            await desk.letters.replay(1)
        (record,) = (await desk.house.engine.list("pass")).items
        assert json.loads((await desk.house.engine.describe(record.arn)).input or "") == "bad"

    async def test_a_filter_may_leave_it_out(self, desk: Desk) -> None:
        await desk.bury(b"1")
        desk.put(filter="{% $states.input.value > 1 %}")
        taken = await desk.letters.replay(1)
        assert (taken.starts, taken.duplicates) == (0, 0)
        assert desk.house.store.dead_letters(None, None, 10) == []

    async def test_what_has_no_record_or_no_trigger_cannot_be_replayed(self, desk: Desk) -> None:
        await desk.bury(b"", record=False)
        await desk.bury(b"1", feed="results")
        await desk.bury(b"1", feed="99")
        for id, code in ((1, "NothingToReplay"), (2, "NothingToReplay"), (3, "TriggerDoesNotExist")):
            with pytest.raises((InvalidRequest, NotFound)) as refused:
                await desk.letters.replay(id)
            assert refused.value.code == code
        assert len(desk.house.store.dead_letters(None, None, 10)) == 3

    async def test_they_can_be_dropped(self, desk: Desk) -> None:
        await desk.bury(b"1")
        await desk.letters.drop(1)
        with pytest.raises(NotFound):
            await desk.letters.drop(1)


class TestListing:
    async def test_pages_go_from_the_newest_to_the_oldest(self, desk: Desk) -> None:
        await desk.bury(b"1", b"2", b"3")
        await desk.bury(b"4", feed="results")
        first = await desk.letters.list(None, 3)
        second = await desk.letters.list(None, 3, first.next_token)
        assert [kept.id for page in (first, second) for kept in page.items] == [4, 3, 2, 1]
        assert second.next_token is None
        assert [kept.id for kept in (await desk.letters.list("orders", 10)).items] == [3, 2, 1]
        with pytest.raises(NotFound):
            await desk.letters.list("nothing", 10)
        with pytest.raises(InvalidToken):
            await desk.letters.list("orders", 10, first.next_token)
