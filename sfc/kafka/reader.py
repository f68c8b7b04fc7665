"""Reads partitions of a topic for one feed, in a thread of its own, and makes chunks of what it finds.

    thread:  poll ─► lane of the partition: decode, check, filter, map ─► chunks that are ready
    loop:    take(where each partition stands) ─► a chunk from there, for each partition that has one

Whoever takes says where each partition must be read, so a reader holds no truth: one that is new, or was told of
another place, begins there. It then drops its consumer for a new one: nothing that was fetched for the old place can
come in.
No consumer group gives out partitions; the group's name only keeps offsets for tools that show how far a feed has come.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sfc.errors import NotFound, SfcError, Unavailable
from sfc.kafka.chunk import Chunk, Dead
from sfc.kafka.clients import Clients
from sfc.kafka.lane import Lane
from sfc.kafka.program import RECORDS_LOST, Decide, Program
from sfc.kafka.record import Record
from sfc.kafka.settings import KafkaSettings
from sfc.kafka.topics import Topic, Topics
from sfc.limits import KAFKA_CHUNK_RECORDS, KAFKA_CHUNKS_AHEAD
from sfc.triggers.kafka import Batch

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

log = logging.getLogger(__name__)

_POLL_S: Final = 0.1
_AGAIN_S: Final = 1.0
"""How long after trouble it is tried again."""
_ASK_S: Final = 10.0
_NOTE_S: Final = 5.0
"""How often the broker is told how far the feed is."""
_PREFETCHED_KB: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a reader does for a feed. Compared by value: another plan is another reader."""

    feed: str
    topic: str
    topic_id: str
    group: str
    program: Program
    kafka: KafkaSettings
    batch: Batch | None = field(default=None)
    idempotent: bool = False
    """To use a record twice does no harm: the broker need not be asked, before each chunk, whether it is the topic that
    is meant."""


class Reading(NamedTuple):
    chunks: list[Chunk]
    """At most one of each partition."""
    trouble: str | None
    """Why nothing more can be read just now."""


class Looks(Protocol):
    """The part of `Topics` that a reader needs."""

    def look(self, name: str) -> Topic: ...


class Reader:
    """`take` and `close` belong to one event loop, everything else to the thread."""

    def __init__(
        self,
        plan: Plan,
        clients: Clients,
        topics: Looks,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.plan = plan
        self._clients = clients
        self._topics = topics
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._lock = threading.Condition()
        # Under the lock:
        self._wanted: dict[int, int] = {}
        """Where each partition is to be read from: where the feed stands, or the end of what was given to it."""
        self._stands: dict[int, int] = {}
        """Where the feed stood when it asked last."""
        self._ready: dict[int, deque[Chunk]] = {}
        self._trouble: str | None = None
        self._moved = False
        """The thread reads elsewhere than it should."""
        self._closed = False
        # The thread's own:
        self._lanes: dict[int, Lane] = {}
        self._astray = True
        """The consumer reads elsewhere than the lanes end."""
        self._noted: dict[int, int] = {}
        self._note_at = 0.0
        self._thread = threading.Thread(target=self._run, name=f"kafka-{plan.feed}", daemon=True)
        self._thread.start()

    async def take(self, positions: Mapping[int, int], wait_s: float) -> Reading:
        """A chunk of every partition that has one ready; waits for the first, at most `wait_s`. `positions` are all
        partitions that are to be read, and where."""
        deadline = self._loop.time() + wait_s
        while True:
            self._news.clear()
            reading = self._look(positions)
            left = deadline - self._loop.time()
            if reading.chunks or reading.trouble or left <= 0:
                return reading
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                return self._look(positions)

    def close(self) -> None:
        """Ends the thread, soon."""
        with self._lock:
            self._closed = True
            self._lock.notify()

    def _look(self, positions: Mapping[int, int]) -> Reading:
        with self._lock:
            self._stands = dict(positions)
            if self._wanted != positions:
                self._go_to(positions)
            chunks = [ready.popleft() for ready in self._ready.values() if ready]
            for chunk in chunks:
                self._wanted[chunk.partition] = chunk.next
            trouble = None if chunks else self._trouble
            self._lock.notify()
            return Reading(chunks, trouble)

    def _go_to(self, positions: Mapping[int, int]) -> None:
        self._wanted = dict(positions)
        self._ready = {partition: deque() for partition in positions}
        self._moved = True

    # The thread

    def _run(self) -> None:
        while not self._closed:
            try:
                decide = self.plan.program.compile()
                self._read(decide)
            except SfcError as error:
                self._pause(error.message)
            except Exception as error:
                log.exception("the reader of %s failed in an unforeseen way", self.plan.topic)
                self._pause(repr(error))

    def _pause(self, trouble: str) -> None:
        with self._lock:
            self._trouble = trouble
        self._tell()
        with self._lock:  # what is ready may be taken meanwhile
            self._lock.wait_for(lambda: self._closed, _AGAIN_S)

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:  # the loop is gone, and whoever waited with it
            self._closed = True

    def _read(self, decide: Decide) -> None:
        """Until closed. Raises SfcError, KafkaException."""
        consumer: Consumer | None = None
        self._astray = True
        with self._lock:
            self._lock.wait_for(lambda: self._closed or bool(self._wanted))
        try:
            while not self._closed:
                if self._moved or consumer is None:
                    self._go_back(decide)
                if self._astray or consumer is None:
                    if consumer is not None:
                        consumer.close()
                    consumer = self._consumer()
                self._absorb(consumer, self._poll(consumer))
                self._note(consumer)
                self._rest()
        finally:
            if consumer is not None:
                consumer.close()

    def _go_back(self, decide: Decide) -> None:
        """Begin where the partitions are wanted."""
        with self._lock:
            self._moved, self._astray, self._trouble = False, True, None
            wanted = dict(self._wanted)
            for ready in self._ready.values():
                ready.clear()
        self._lanes = {each: Lane(decide, each, position, self.plan.batch) for each, position in wanted.items()}

    def _consumer(self) -> "Consumer":
        """A new one that goes on where the lanes end."""
        from confluent_kafka import TopicPartition

        self._astray = False
        own: dict[str, Any] = {
            "queued.max.messages.kbytes": _PREFETCHED_KB,
            "fetch.wait.max.ms": 100,
            "max.poll.interval.ms": 86_400_000,  # nobody waits for us in the group: there is none
        }
        consumer = self._clients.consumer(self.plan.group, own)
        consumer.assign([TopicPartition(self.plan.topic, each, lane.next) for each, lane in self._lanes.items()])
        return consumer

    def _poll(self, consumer: "Consumer") -> "list[Message]":
        """`consume` would wait until it has as many as it may take: it takes what is there."""
        dues = [due for lane in self._lanes.values() if (due := lane.due_s) is not None]
        wait_s = min([_POLL_S, *(max(due - self._clock(), 0.0) for due in dues)])
        first = consumer.poll(wait_s)
        if first is None:
            return []
        return [first, *consumer.consume(KAFKA_CHUNK_RECORDS - 1, 0)]

    def _absorb(self, consumer: "Consumer", messages: "list[Message]") -> None:
        trouble: Unavailable | None = None
        try:
            for message in messages:
                self._sort_in(consumer, message)
        except Unavailable as error:  # what came before it is of use
            trouble = error
        drained = trouble is not None or len(messages) < KAFKA_CHUNK_RECORDS
        chunks = self._cut(consumer, drained or not any(self._ready.values()))
        if chunks:
            if not self.plan.idempotent:
                self._check_topic()
            with self._lock:
                if self._moved:
                    return
                for chunk in chunks:
                    self._ready[chunk.partition].append(chunk)
            self._tell()
        if trouble is not None:
            raise trouble

    def _check_topic(self) -> None:
        """What was fetched before this is of the topic that is meant: librdkafka asks for topics by their names, and
        would read on in one that was made anew in between. Raises Unavailable."""
        try:
            found = self._topics.look(self.plan.topic)
        except NotFound as error:
            raise Unavailable(error.message) from None
        if found.id != self.plan.topic_id:
            raise Unavailable(f"topic {self.plan.topic} was made anew")

    def _sort_in(self, consumer: "Consumer", message: "Message") -> None:
        """Raises Unavailable when the partition cannot be read just now."""
        partition = message.partition()
        lane = self._lanes.get(-1 if partition is None else partition)
        error = message.error()
        if lane is None or self._astray:  # the next consumer brings it again
            return
        elif error is None:
            lane.add(_record(message), self._clock())
        elif error.name() in ("_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE"):
            self._find_again(consumer, lane)
        else:
            raise Unavailable(error.str())

    def _cut(self, consumer: "Consumer", everything: bool) -> list[Chunk]:
        """What may be taken now."""
        chunks, now = [], self._clock()
        topic = (self.plan.feed, self.plan.topic, self.plan.topic_id)
        for partition, lane in self._lanes.items():
            due = lane.due_s is not None and lane.due_s <= now
            if everything or lane.is_full or due:
                chunk = lane.cut(now, topic, 0)
                if chunk is not None:
                    end = max(_end(consumer, self.plan.topic, partition), chunk.next)
                    chunks.append(chunk._replace(end=end))
        return chunks

    def _find_again(self, consumer: "Consumer", lane: Lane) -> None:
        """The offset at which the partition is to be read does not exist (any more)."""
        from confluent_kafka import TopicPartition

        found = consumer.get_watermark_offsets(TopicPartition(self.plan.topic, lane.partition), _ASK_S)
        if found is None:
            raise Unavailable(f"the broker does not say where partition {lane.partition} of {self.plan.topic} begins")
        low, high = found
        self._astray = True
        if low <= lane.next <= high:
            return
        position = low if lane.next < low else high
        what = (
            f"the broker deleted the records from {lane.next} to {low - 1} before they were read"
            if lane.next < low
            else f"the partition ends at {high}, but was read up to {lane.next}: the broker lost what was between"
        )
        log.error("partition %d of %s, feed %s: %s", lane.partition, self.plan.topic, self.plan.feed, what)
        lane.lose(Dead(lane.next, RECORDS_LOST, what, b""), position)

    def _note(self, consumer: "Consumer") -> None:
        """Tell the broker where the feed stands: for people who look there. Nothing depends on it."""
        from confluent_kafka import KafkaException, TopicPartition

        now = self._clock()
        if now < self._note_at:
            return
        self._note_at = now + _NOTE_S
        with self._lock:
            news = {each: at for each, at in self._stands.items() if self._noted.get(each) != at}
        if news:
            try:
                offsets = [TopicPartition(self.plan.topic, *each) for each in news.items()]
                consumer.commit(offsets=offsets, asynchronous=True)
            except KafkaException as error:
                log.debug("the broker did not take the offsets of %s: %s", self.plan.group, error)
            self._noted.update(news)

    def _rest(self) -> None:
        """Read no further ahead than is asked for."""
        with self._lock:
            while not self._closed and not self._moved and self._is_ahead():
                self._lock.wait(_POLL_S)

    def _is_ahead(self) -> bool:
        ready = sum(map(len, self._ready.values()))
        return ready >= KAFKA_CHUNKS_AHEAD + len(self._ready)


class Readers:
    """The readers of one process, by feed and plan."""

    def __init__(
        self,
        clients: Callable[[KafkaSettings], Clients] = Clients,
        topics: Callable[[Clients], Looks] = Topics,
    ) -> None:
        self._clients = clients
        self._topics = topics
        self._shared: dict[KafkaSettings, tuple[Clients, Looks]] = {}
        """Readers of one Kafka hear of its outages together, and ask for topics through one client."""
        self._readers: dict[tuple[str, int], Reader] = {}

    async def take(self, plan: Plan, lane: int, positions: Mapping[int, int], wait_s: float) -> Reading:
        """See `Reader.take`; `lane` tells several readers of a feed apart."""
        reader = self._readers.get((plan.feed, lane))
        if reader is None or reader.plan != plan:
            if reader is not None:
                reader.close()
            reader = self._readers[plan.feed, lane] = Reader(plan, *self._of(plan.kafka))
        return await reader.take(positions, wait_s)

    def _of(self, kafka: KafkaSettings) -> tuple[Clients, Looks]:
        if kafka not in self._shared:
            clients = self._clients(kafka)
            self._shared[kafka] = clients, self._topics(clients)
        return self._shared[kafka]

    def drop(self, feed: str) -> None:
        """The feed is not read here any more."""
        for key in [key for key in self._readers if key[0] == feed]:
            self._readers.pop(key).close()

    def close(self) -> None:
        for feed, _ in list(self._readers):
            self.drop(feed)


def _record(message: "Message") -> Record:
    kind, timestamp = message.timestamp()
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    headers: Any = message.headers() or ()
    key: Any = message.key()
    value: Any = message.value()
    return Record(topic, partition, offset, timestamp if kind else 0, key, value, headers)


def _end(consumer: "Consumer", topic: str, partition: int) -> int:
    """The partition's end as the last answer of the broker had it."""
    from confluent_kafka import TopicPartition

    found = consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
    return 0 if found is None else max(found[1], 0)
