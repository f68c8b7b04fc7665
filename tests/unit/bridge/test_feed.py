"""A feed begins, goes on, waits and ends as its topic, its trigger and its engine do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal

import pytest

from sfc.bridge.feeds import Feeds
from sfc.bridge.source import ReaderLost
from sfc.catalog.release import Route
from sfc.errors import NotFound, Overloaded, Unavailable
from sfc.kafka.chunk import Chunk, Decision
from sfc.kafka.reader import Plan, Reading
from sfc.kafka.record import Record
from sfc.kafka.settings import KafkaSettings
from sfc.kafka.topics import Topic
from sfc.limits import PAYLOAD_BYTES
from tests.unit.engine.conftest import House, house, until

__all__ = ["house"]
KAFKA = KafkaSettings.of("127.0.0.1:9092")
pytestmark = pytest.mark.timeout(10)


class World:
    """Kafka as feeds see it: topics, and readers that run their programs on them."""

    def __init__(self) -> None:
        self.topics: dict[str, tuple[str, list[list[bytes]]]] = {}
        """Id and partitions by name."""
        self.away = False
        self.lost = 0
        """So many calls find their reader dead."""
        self.plans: list[Plan] = []
        self.dropped: list[str] = []
        self.trouble: str | None = None

    def make(self, name: str, *partitions: list[bytes], id: str = "id-1") -> None:
        self.topics[name] = (id, list(partitions))

    # Topics

    async def look(self, name: str) -> Topic:
        if self.away:
            raise Unavailable("the broker did not answer")
        if name not in self.topics:
            raise NotFound(f"there is no topic {name!r}")
        id, partitions = self.topics[name]
        return Topic(name, id, tuple(range(len(partitions))))

    async def offsets(
        self, topic: str, partitions: Sequence[int], where: Literal["earliest", "latest"]
    ) -> dict[int, int]:
        logs = self.topics[topic][1]
        return {partition: 0 if where == "earliest" else len(logs[partition]) for partition in partitions}

    # Readers

    def groups(self, feed: str, partitions: Sequence[int]) -> list[list[int]]:
        return [[partition] for partition in partitions]

    def client(self, feed: str, lane: int) -> "World":
        return self

    async def take(self, plan: Plan, lane: int, positions: Mapping[int, int], wait_s: float) -> Reading:
        await asyncio.sleep(0)
        if self.lost:
            self.lost -= 1
            raise ReaderLost("killed")
        self.plans.append(plan)
        if self.trouble is not None:
            return Reading([], self.trouble)
        decide = plan.program.compile()
        chunks = []
        for partition, position in positions.items():
            log = self.topics[plan.topic][1][partition]
            if position < len(log):
                decisions = [decide(self.record(plan, partition, offset)) for offset in range(position, len(log))]
                chunks.append(self.chunk(plan, partition, position, [each for each in decisions if each is not None]))
        return Reading(chunks, None)

    def record(self, plan: Plan, partition: int, offset: int) -> Record:
        return Record(
            plan.topic, partition, offset, 1_790_000_000_000, None, self.topics[plan.topic][1][partition][offset], ()
        )

    def chunk(self, plan: Plan, partition: int, position: int, decisions: list[Decision]) -> Chunk:
        end = len(self.topics[plan.topic][1][partition])
        return Chunk(plan.feed, plan.topic, plan.topic_id, partition, position, end, decisions, end - position, end)

    async def drop(self, feed: str) -> None:
        self.dropped.append(feed)

    async def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits before it is tried again."""
    for name in ("_AGAIN_S", "_LONGEST_AGAIN_S"):
        monkeypatch.setattr(f"sfc.bridge.feed.{name}", 0.0)
    monkeypatch.setattr("sfc.bridge.feed._LOOK_S", 0.01)


class Bound:
    """An engine with feeds over the world."""

    def __init__(self, house: House, world: World) -> None:
        self.house = house
        self.world = world
        topics: Any = world
        self.feeds = Feeds(house.engine, KAFKA, world, topics)

    async def put(self, name: str = "orders", blueprint: str = "pass", **settings: Any) -> str:
        """The feed of the trigger."""
        given = {"topic": "orders", "from": "earliest", **settings}
        put = self.house.catalog.triggers.put(name, "kafka", blueprint, given)
        await until(
            lambda: (feed := self.feeds.get(str(put.id))) is not None and feed.source == self.feeds.source_of(put)
        )
        return str(put.id)

    def started(self) -> list[str]:
        journals = self.house.store._journal.values()
        return sorted(rows[0].data.decode() for rows in journals)

    async def settled(self, is_so: Callable[[], bool]) -> None:
        await until(is_so)
        for _ in range(20):  # what should not happen has had its time
            await asyncio.sleep(0)
        assert is_so()

    def stands(self, feed: str) -> list[tuple[str, int, int]]:
        positions = self.house.engine.intake.positions(feed)
        return sorted((place.topic_id, place.partition, next) for place, next in positions.items())


@pytest.fixture
async def bound(house: House) -> AsyncIterator[Bound]:
    made = Bound(house, World())
    await made.feeds.open()
    yield made
    await made.feeds.close()


async def test_all_records_of_all_partitions_start_executions(bound: Bound) -> None:
    bound.world.make("orders", [b"1", b"2"], [], [b"3"])
    feed = await bound.put()
    await bound.settled(lambda: bound.started() == ["1", "2", "3"])
    assert bound.stands(feed) == [("id-1", 0, 2), ("id-1", 1, 0), ("id-1", 2, 1)]
    (state,) = bound.feeds.states()
    assert (state.name, state.topic, state.lag, state.trouble) == ("orders", "orders", 0, False)
    assert (state.figures.records, state.figures.started) == (3, 3)


async def test_a_new_trigger_may_begin_with_what_comes_next(bound: Bound) -> None:
    bound.world.make("orders", [b"1", b"2"])
    feed = await bound.put(**{"from": "latest"})
    await until(lambda: bound.stands(feed) == [("id-1", 0, 2)])
    bound.world.topics["orders"][1][0].append(b"3")
    await bound.settled(lambda: bound.started() == ["3"])


async def test_a_topic_that_is_made_after_its_trigger_is_read_from_its_beginning(bound: Bound) -> None:
    feed = await bound.put(**{"from": "latest"})
    await until(lambda: bound.stands(feed) != [])
    found = bound.feeds.get(feed)
    assert found is not None
    await until(lambda: found.trouble == "there is no topic 'orders'")
    bound.world.make("orders", [b"1"])
    await bound.settled(lambda: bound.started() == ["1"])
    assert bound.stands(feed) == [("id-1", 0, 1)]


async def test_new_partitions_and_a_topic_made_anew_are_read_from_their_beginning(bound: Bound) -> None:
    bound.world.make("orders", [b"1", b"2"])
    feed = await bound.put(**{"from": "latest"})
    await until(lambda: bound.stands(feed) == [("id-1", 0, 2)])
    bound.world.topics["orders"][1].append([b"3"])
    await until(lambda: bound.started() == ["3"])
    bound.world.make("orders", [b"4"], id="id-2")
    await bound.settled(lambda: bound.started() == ["3", "4"])
    assert bound.stands(feed) == [("id-2", 0, 1)]


async def test_another_reader_goes_on_when_one_is_lost(bound: Bound) -> None:
    bound.world.make("orders", [b"1", b"2"])
    bound.world.lost = 3
    await bound.put()
    await bound.settled(lambda: bound.started() == ["1", "2"])


async def test_nothing_is_taken_while_the_trigger_is_paused(bound: Bound) -> None:
    bound.world.make("orders", [])
    feed = await bound.put()
    await until(lambda: bound.stands(feed) == [("id-1", 0, 0)])
    bound.house.catalog.triggers.pause("orders", True)
    found = bound.feeds.get(feed)
    assert found is not None
    await until(lambda: found.paused)
    bound.world.topics["orders"][1][0].append(b"1")
    await bound.settled(lambda: bound.started() == [])
    bound.house.catalog.triggers.pause("orders", False)
    await bound.settled(lambda: bound.started() == ["1"])


async def test_records_wait_while_the_engine_has_enough(bound: Bound) -> None:
    room = 2

    def admit(_machine: str) -> None:
        nonlocal room
        if not room:
            raise Overloaded("enough")
        room -= 1

    bound.house.engine._starts._admit = admit
    bound.world.make("orders", [b"1", b"2", b"3", b"4"])
    feed = await bound.put()
    await bound.settled(lambda: bound.started() == ["1", "2"])
    found = bound.feeds.get(feed)
    assert found is not None
    assert found.trouble == "enough"
    assert bound.house.store.dead_letters(None, None, 10) == []
    room = 5
    await bound.settled(lambda: bound.started() == ["1", "2", "3", "4"])


async def test_records_wait_while_the_blueprint_is_paused(bound: Bound) -> None:
    await bound.house.engine.pauses.pause("blueprint", "pass")
    bound.world.make("orders", [b"1"])
    feed = await bound.put()
    found = bound.feeds.get(feed)
    assert found is not None
    await until(lambda: "paused" in (found.trouble or ""))
    assert bound.started() == []
    await bound.house.engine.pauses.resume("blueprint", "pass", None)
    await bound.settled(lambda: bound.started() == ["1"])


async def test_records_are_read_again_when_the_store_was_away(bound: Bound) -> None:
    bound.world.make("orders", [])
    feed = await bound.put()
    await until(lambda: bound.stands(feed) == [("id-1", 0, 0)])
    failures = [Unavailable("no disk")] * 3

    def fail(_batch: object) -> None:
        if failures:
            raise failures.pop()

    bound.house.store.fail = fail
    bound.world.topics["orders"][1][0].extend([b"1", b"2"])
    await bound.settled(lambda: bound.started() == ["1", "2"])
    assert failures == []


async def test_what_can_never_start_is_a_dead_letter(bound: Bound) -> None:
    """The alias was deleted after the trigger was made."""
    bound.house.catalog.releases.publish("pass")
    bound.house.catalog.releases.create_alias("pass", "live", [Route(1, 100)], None)
    bound.world.make("orders", [])
    feed = await bound.put(blueprint=bound.house.engine.partition.alias("pass", "live"))
    await until(lambda: bound.stands(feed) == [("id-1", 0, 0)])
    bound.house.catalog.releases.delete_alias("pass", "live")
    bound.world.topics["orders"][1][0].extend([b"1", b"2"])
    await bound.settled(lambda: bound.stands(feed) == [("id-1", 0, 2)])
    reasons = [kept.letter.reason for kept in bound.house.store.dead_letters(feed, None, 10)]
    assert reasons == ["StateMachineDoesNotExist"] * 2
    assert bound.started() == []


async def test_a_trigger_that_is_changed_goes_on_where_it_stands(bound: Bound) -> None:
    bound.world.make("orders", [b"1"])
    await bound.put()
    await until(lambda: bound.started() == ["1"])
    feed = await bound.put(input={"wrapped.$": "$.value"})
    bound.world.topics["orders"][1][0].append(b"2")
    await bound.settled(lambda: bound.started() == ["1", '{"wrapped":2}'])
    assert bound.stands(feed) == [("id-1", 0, 2)]


async def test_a_trigger_with_another_topic_begins_anew(bound: Bound) -> None:
    bound.world.make("orders", [b"1"])
    bound.world.make("returns", [b"2", b"3"], id="id-9")
    await bound.put()
    await until(lambda: bound.started() == ["1"])
    feed = await bound.put(topic="returns", **{"from": "latest"})
    await until(lambda: bound.stands(feed) == [("id-9", 0, 2)])
    assert bound.started() == ["1"]


async def test_a_trigger_that_is_deleted_forgets_where_it_stood(bound: Bound) -> None:
    bound.world.make("orders", [b"1"])
    feed = await bound.put()
    await until(lambda: bound.started() == ["1"])
    bound.house.catalog.triggers.delete("orders")
    await until(lambda: bound.stands(feed) == [])
    assert bound.feeds.get(feed) is None
    assert feed in bound.world.dropped
    other = await bound.put(name="orders")
    assert other != feed
    await bound.settled(lambda: bound.started() == ["1", "1"])


async def test_positions_of_triggers_that_went_unseen_are_forgotten(bound: Bound) -> None:
    from sfc.store.feeds import Place

    await bound.house.engine.intake.begin({Place("99", "id-1", 0): 5, Place("results", "id-2", 0): 5})
    bound.world.make("orders", [])
    await bound.put()
    await until(lambda: bound.stands("99") == [])
    assert bound.stands("results") == [("id-2", 0, 5)]


async def test_trouble_is_said_once(bound: Bound, caplog: pytest.LogCaptureFixture) -> None:
    bound.world.away = True
    feed = await bound.put()
    found = bound.feeds.get(feed)
    assert found is not None
    await until(lambda: any("did not answer" in line for line in caplog.messages))
    assert found.trouble == "the broker did not answer"
    assert sum("did not answer" in line for line in caplog.messages) == 1
    bound.world.away = False
    bound.world.make("orders", [b"1"])
    await bound.settled(lambda: bound.started() == ["1"])
    await until(lambda: found.trouble is None)


async def test_large_records_are_dead_and_others_are_not(bound: Bound) -> None:
    bound.world.make("orders", [b"1", b'"' + b"x" * PAYLOAD_BYTES + b'"', b"2"])
    feed = await bound.put()
    await bound.settled(lambda: bound.started() == ["1", "2"])
    (kept,) = bound.house.store.dead_letters(feed, None, 10)
    assert (kept.letter.offset, kept.letter.reason) == (1, "RecordTooLarge")
    assert bound.feeds.states()[0].figures.dead == 1
