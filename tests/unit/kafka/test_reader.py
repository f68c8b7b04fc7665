"""A reader gives chunks from where it is asked, over a broker that a test holds in its hands."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sfc.errors import NotFound, Unavailable
from sfc.kafka.chunk import Chunk, Dead, Decision, Start
from sfc.kafka.program import Decide
from sfc.kafka.reader import Plan, Reader, Readers
from sfc.kafka.record import Record
from sfc.kafka.settings import KafkaSettings
from sfc.kafka.topics import Topic
from sfc.limits import KAFKA_CHUNK_RECORDS, KAFKA_CHUNKS_AHEAD

KAFKA = KafkaSettings.of("127.0.0.1:9092")
pytestmark = pytest.mark.timeout(30)


@dataclass
class Broker:
    """One topic, and everything that clients do."""

    logs: dict[int, list[bytes]]
    begins: dict[int, int] = field(default_factory=dict)
    """Offset of the first record that is kept."""
    id: str = "mQ"
    there: bool = True
    consumers: list["Consumer"] = field(default_factory=list)
    committed: dict[int, int] = field(default_factory=dict)
    read: int = 0
    news: threading.Condition = field(default_factory=threading.Condition)

    def write(self, partition: int, *values: bytes) -> None:
        with self.news:
            self.logs[partition] += values
            self.news.notify_all()

    def consumer(self, group: str, own: object) -> "Consumer":
        self.consumers.append(Consumer(self))
        return self.consumers[-1]

    def look(self, name: str) -> Topic:
        if not self.there:
            raise NotFound("there is no topic")
        return Topic(name, self.id, tuple(self.logs))


@dataclass
class Failure:
    what: str

    def name(self) -> str:
        return self.what

    def str(self) -> str:
        return f"broker: {self.what}"


@dataclass
class Message:
    at: int
    place: int
    data: bytes = b""
    failure: Failure | None = None

    def error(self) -> Failure | None:
        return self.failure

    def topic(self) -> str:
        return "orders"

    def partition(self) -> int:
        return self.at

    def offset(self) -> int:
        return self.place

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_790_000_000_000

    def headers(self) -> list[tuple[str, bytes]] | None:
        return None

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes:
        return self.data


class Consumer:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.next: dict[int, int] = {}
        self.told: set[int] = set()
        self.closed = False

    def assign(self, places: Sequence[Any]) -> None:
        self.next = {place.partition: place.offset for place in places}

    def poll(self, wait_s: float) -> Message | None:
        with self.broker.news:
            self.broker.news.wait_for(lambda: self.first() is not None, min(wait_s, 0.01))
        return self.first(take=True)

    def consume(self, most: int, wait_s: float) -> list[Message]:
        found = []
        while len(found) < most and (message := self.first(take=True)) is not None:
            found.append(message)
        return found

    def first(self, *, take: bool = False) -> Message | None:
        for partition, offset in self.next.items():
            log, begin = self.broker.logs[partition], self.broker.begins.get(partition, 0)
            if not begin <= offset <= len(log):
                if partition not in self.told:
                    self.told |= {partition} if take else set()
                    return Message(partition, offset, failure=Failure("_AUTO_OFFSET_RESET"))
            elif offset < len(log):
                self.next[partition] += take
                self.broker.read += take
                if log[offset] == b"broken":
                    return Message(partition, offset, failure=Failure("TOPIC_AUTHORIZATION_FAILED"))
                return Message(partition, offset, log[offset])
        return None

    def get_watermark_offsets(self, place: Any, timeout: float = 0, cached: bool = False) -> tuple[int, int]:
        return self.broker.begins.get(place.partition, 0), len(self.broker.logs[place.partition])

    def commit(self, offsets: Sequence[Any], asynchronous: bool) -> None:
        self.broker.committed |= {place.partition: place.offset for place in offsets}

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class Program:
    """Every record starts; `away` cannot be told until a test says so; `bug` in the making."""

    known: deque[bool] = field(default_factory=deque, compare=False)
    version: int = 0

    def compile(self) -> Decide:
        def decide(record: Record) -> Decision:
            if record.value == b"away" and not self.known:
                raise Unavailable("the schema registry cannot be reached")
            return Start(record.offset, record.value or b"", None, f"f{record.offset}")

        return decide


class House:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.program = Program()
        self.readers: list[Reader] = []

    def plan(self, program: Program | None = None) -> Plan:
        return Plan(
            feed="7", topic="orders", topic_id="mQ", group="sfc.orders", program=program or self.program, kafka=KAFKA
        )

    def reader(self) -> Reader:
        clients: Any = self.broker
        made = Reader(self.plan(), clients, self.broker)
        self.readers.append(made)
        return made


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr("sfc.kafka.reader._AGAIN_S", 0.01)
    made = House(Broker({0: [b"%d" % number for number in range(10)], 1: [b"a", b"b"]}))
    yield made
    for reader in made.readers:
        reader.close()


async def gather(reader: Reader, positions: dict[int, int], until: dict[int, int]) -> list[Chunk]:
    """Chunks until the partitions are read so far; `positions` go on as a feed's do."""
    chunks: list[Chunk] = []
    while positions != until:
        for chunk in (await reader.take(positions, 5)).chunks:
            assert chunk.first == positions[chunk.partition]
            positions[chunk.partition] = chunk.next
            chunks.append(chunk)
    return chunks


async def test_every_partition_is_read_from_where_it_is_asked(house: House) -> None:
    chunks = await gather(house.reader(), {0: 4, 1: 0}, {0: 10, 1: 2})
    starts = [(chunk.partition, each.first) for chunk in chunks for each in chunk.decisions]
    assert sorted(starts) == [*[(0, offset) for offset in range(4, 10)], (1, 0), (1, 1)]
    assert {(chunk.feed, chunk.topic, chunk.topic_id) for chunk in chunks} == {("7", "orders", "mQ")}


async def test_what_comes_later_is_read_as_it_comes(house: House) -> None:
    reader = house.reader()
    await gather(reader, {0: 10, 1: 0}, {0: 10, 1: 2})
    house.broker.write(1, b"c")
    (chunk,) = (await reader.take({0: 10, 1: 2}, 5)).chunks
    assert (chunk.partition, chunk.first, chunk.next, chunk.end) == (1, 2, 3, 3)


async def test_who_asks_for_another_place_gets_it_from_a_new_consumer(house: House) -> None:
    reader = house.reader()
    await gather(reader, {0: 0, 1: 2}, {0: 10, 1: 2})
    (first,) = await gather(reader, {0: 7, 1: 2}, {0: 10, 1: 2})
    assert (first.first, first.next) == (7, 10)
    assert len(house.broker.consumers) == 2
    assert house.broker.consumers[0].closed


async def test_it_waits_no_longer_than_it_may(house: House) -> None:
    reading = await house.reader().take({0: 10, 1: 2}, 0.02)
    assert reading == ([], None)


async def test_it_reads_only_so_far_ahead(house: House) -> None:
    house.broker.logs = {0: [b"1"] * 100 * KAFKA_CHUNK_RECORDS}
    reader = house.reader()
    (chunk,) = (await reader.take({0: 0}, 5)).chunks
    await asyncio.sleep(0.1)
    most = (KAFKA_CHUNKS_AHEAD + 3) * KAFKA_CHUNK_RECORDS
    assert KAFKA_CHUNK_RECORDS <= house.broker.read <= most
    await gather(reader, {0: chunk.next}, {0: 100 * KAFKA_CHUNK_RECORDS})


def decisions(chunks: list[Chunk]) -> list[tuple[str, int]]:
    return [(type(each).__name__, each.first) for chunk in chunks for each in chunk.decisions]


async def test_records_that_the_broker_deleted_are_told(house: House) -> None:
    house.broker.begins[0] = 8
    chunks = await gather(house.reader(), {0: 2}, {0: 10})
    assert decisions(chunks) == [("Dead", 2), ("Start", 8), ("Start", 9)]
    (lost,) = [each for each in chunks[0].decisions if isinstance(each, Dead)]
    assert lost.reason == "RecordsLost"
    assert "from 2 to 7" in lost.detail
    assert lost.record == b""


async def test_a_partition_that_lost_its_end_goes_on_there(house: House) -> None:
    chunks = await gather(house.reader(), {0: 50}, {0: 10})
    assert decisions(chunks) == [("Dead", 50)]
    assert (chunks[0].first, chunks[0].next) == (50, 10)


@pytest.mark.parametrize(("there", "id"), [(True, "another"), (False, "mQ")])
async def test_nothing_is_given_of_a_topic_that_is_not_the_one_meant(house: House, there: bool, id: str) -> None:
    """It was made anew while it was read: offsets mean other records now."""
    house.broker.there, house.broker.id = there, id
    reader = house.reader()
    reading = await reader.take({0: 3, 1: 0}, 5)
    assert reading.chunks == []
    assert reading.trouble is not None
    house.broker.there, house.broker.id = True, "mQ"
    await gather(reader, {0: 3, 1: 0}, {0: 10, 1: 2})


async def test_what_came_before_a_record_that_cannot_be_told_is_of_use(house: House) -> None:
    house.broker.logs = {0: [b"1", b"2", b"away", b"3"]}
    reader, positions = house.reader(), {0: 0}
    await gather(reader, positions, {0: 2})
    while (reading := await reader.take(positions, 5)).trouble is None:
        assert reading.chunks == []
    assert reading.trouble == "the schema registry cannot be reached"
    house.program.known.append(True)
    await gather(reader, positions, {0: 4})


async def test_what_the_broker_refuses_is_told(house: House) -> None:
    house.broker.logs = {0: [b"broken"]}
    reader = house.reader()
    while (reading := await reader.take({0: 0}, 5)).trouble is None:
        assert reading.chunks == []
    assert reading.trouble == "broker: TOPIC_AUTHORIZATION_FAILED"


async def test_a_bug_is_told_and_does_not_end_the_reader(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = house.reader()
    consumer = house.broker.consumer
    monkeypatch.setattr(house.broker, "consumer", lambda *_: 1 / 0)
    while (reading := await reader.take({0: 0, 1: 0}, 5)).trouble is None:
        pass
    assert "ZeroDivisionError" in reading.trouble
    monkeypatch.setattr(house.broker, "consumer", consumer)
    await gather(reader, {0: 0, 1: 0}, {0: 10, 1: 2})


async def test_the_broker_is_told_where_the_feed_stands(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfc.kafka.reader._NOTE_S", 0.0)
    reader = house.reader()
    await gather(reader, {0: 4, 1: 0}, {0: 10, 1: 2})
    while house.broker.committed != {0: 10, 1: 2}:
        await reader.take({0: 10, 1: 2}, 0.01)


async def test_another_plan_is_another_reader(house: House) -> None:
    clients: Any = house.broker
    readers = Readers(lambda _settings: clients, lambda _clients: house.broker)
    first = await readers.take(house.plan(), 0, {0: 0}, 5)
    again = await readers.take(house.plan(Program(version=2)), 0, {0: 0}, 5)
    assert [chunk.first for chunk in (*first.chunks, *again.chunks)] == [0, 0]
    readers.drop("7")
    for consumer in house.broker.consumers:
        while not consumer.closed:  # noqa: ASYNC110  a thread closes it
            await asyncio.sleep(0)
