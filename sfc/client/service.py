"""A service that does jobs of flows: reads its topics in a group of its own, calls functions, sends answers.

    service = KafkaService("127.0.0.1:9092", group="charging")

    @service.job("sfc.jobs.charge")
    def charge(order, job):
        return {"receipt": bank.charge(order["card"], order["total"], idempotency_key=job.idempotency_key)}

    service.run()

A record is done with when its answer is acknowledged by the broker; then its offset is committed. After a crash in
between it comes again, under the same idempotency key.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sfc import jsonvalue
from sfc.client.answers import Message, failed, heartbeat, succeeded
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json, NotJson
from sfc.kafka import headers as names
from sfc.kafka.clients import Clients
from sfc.kafka.settings import KafkaSettings
from sfc.tasks import outcome

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer
    from confluent_kafka import Message as Record

log = logging.getLogger(__name__)
_Headers: TypeAlias = Mapping[str, bytes | str | None] | Iterable[tuple[str, bytes | str | None]]
Handler: TypeAlias = "Callable[[Json, JobRecord], Any]"
_POLL_S = 0.1
_BATCH = 100
_COMMIT_S = 0.5
_STAY_S = 1.0
"""Jobs that take longer than this are waited for with the consumer polled."""
_CONSUMER: Final[Mapping[str, str | int]] = {
    "auto.offset.reset": "earliest",
    "topic.metadata.refresh.interval.ms": 5_000,
}


class JobRecord:
    """A job's record as its function sees it."""

    def __init__(self, topic: str, key: bytes | None, headers: dict[str, str], send: Callable[[Message], None]) -> None:
        self.topic = topic
        self.key = key
        self.headers = headers
        self._send = send

    @property
    def idempotency_key(self) -> str | None:
        """The same for every repetition of this try; None: the record is not of a flow."""
        return self.headers.get(names.IDEMPOTENCY_KEY)

    def heartbeat(self) -> None:
        """Tell that the job is alive."""
        message = heartbeat(self.headers, self.key)
        if message is not None:
            self._send(message)


class KafkaService:
    """`job` registers functions, `run` works until `stop`. One for a process, or several with the same group."""

    def __init__(
        self, servers: str, group: str, *, properties: Sequence[str] = (), concurrency: int = 1, remember: int = 10_000
    ) -> None:
        """`properties`: texts `NAME=VALUE` of librdkafka's. `concurrency`: jobs at once; more than one gives up the
        order within a partition. `remember`: of how many idempotency keys the answer is kept, so that a record that
        comes twice is not done twice while the service lives. Raises InvalidRequest."""
        if concurrency < 1:
            raise InvalidRequest("concurrency is a whole number from 1", field="concurrency")
        self._clients = Clients(KafkaSettings.of(servers, properties))
        self._group = group
        self._concurrency = concurrency
        self._handlers: dict[str, Handler] = {}
        self._answers = _Answers(remember)
        self._stopping = threading.Event()

    def job(self, topic: str) -> Callable[[Handler], Handler]:
        """The function does the jobs of this topic: it is given the value, JSON, and the record. What it returns is the
        output, what it raises the failure; `TaskError` chooses its Error and Cause. Raises InvalidRequest for a topic
        that has a function."""
        if topic in self._handlers:
            raise InvalidRequest(f"{topic} has a function already", field="topic")

        def register(handler: Handler) -> Handler:
            self._handlers[topic] = handler
            return handler

        return register

    def stop(self) -> None:
        """End `run` after the jobs under way; from any thread or a signal's handler."""
        self._stopping.set()

    def run(self) -> None:
        """Do jobs until `stop`. Waits for a broker that is away."""
        consumer = self._clients.consumer(self._group, _CONSUMER)
        producer = self._clients.producer()
        consumer.subscribe(list(self._handlers))
        try:
            with ThreadPoolExecutor(self._concurrency, "job") as threads:
                intake = _Intake(consumer)
                while not self._stopping.is_set():
                    records = intake.take()
                    producer.poll(0)
                    if records:
                        self._batch(records, threads, intake, producer)
        finally:
            consumer.close()
            producer.flush()

    def _batch(
        self, records: Sequence["Record"], threads: ThreadPoolExecutor, intake: "_Intake", producer: "Producer"
    ) -> None:
        jobs = [threads.submit(self._do, record, producer) for record in records]
        began = committed = time.monotonic()
        done = 0
        for job in jobs:
            while not wait([job], timeout=_POLL_S).done:
                producer.poll(0)
                if time.monotonic() - began > _STAY_S:
                    intake.stay()
                if self._stopping.is_set():
                    for later in jobs:
                        later.cancel()
            if job.cancelled():
                break
            job.result()
            done += 1
            if time.monotonic() - committed > _COMMIT_S:
                self._commit(records[:done], intake, producer)
                committed = time.monotonic()
        self._commit(records[:done], intake, producer)
        intake.go_on()

    def _commit(self, records: Sequence["Record"], intake: "_Intake", producer: "Producer") -> None:
        """These are done with, once the broker has all answers."""
        while producer.flush(_POLL_S):
            intake.stay()
            if self._stopping.is_set():
                return
        intake.commit(records)

    def _do(self, record: "Record", producer: "Producer") -> None:
        topic, value = record.topic(), record.value()
        assert topic is not None
        key = record.key()
        job = JobRecord(
            topic,
            key.encode() if isinstance(key, str) else key,
            text_headers(record.headers()),
            lambda message: _send(producer, message),
        )
        answer = self._answers.once(
            job.idempotency_key, lambda: answer_of(self._handlers[topic], value or b"null", job)
        )  # fmt: skip
        if answer is not None:
            _send(producer, answer)


def text_headers(given: "_Headers | None") -> dict[str, str]:
    """The last of each name."""
    return {name: value.decode(errors="replace") if isinstance(value, bytes) else value or ""
            for name, value in (given.items() if isinstance(given, Mapping) else given or ())}  # fmt: skip


def answer_of(handler: Handler, value: bytes | str, job: JobRecord) -> Message | None:
    """Call the function; what it raises is the answer too."""
    try:
        return succeeded(job.headers, handler(jsonvalue.loads(value), job), job.key)
    except Exception as error:
        failure = (
            outcome.invalid_result(job.topic, error) if isinstance(error, NotJson) else outcome.failure(error)
        )  # fmt: skip
        if names.REPLY_TO not in job.headers:
            log.exception("a job of %s failed, and nobody waits for its answer", job.topic)
        return failed(job.headers, failure.error, failure.cause, job.key)


class _Answers:
    """What was answered last, by idempotency key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[str, Future[Message | None]] = OrderedDict()
        self._lock = threading.Lock()

    def once(self, key: str | None, work: Callable[[], Message | None]) -> Message | None:
        """The answer of the first call with this key; `work` gives it."""
        if key is None:
            return work()
        with self._lock:
            known = self._known.get(key)
            mine: Future[Message | None] = Future()
            if known is None:
                self._known[key] = mine
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
        if known is not None:
            return known.result()
        answer = work()
        mine.set_result(answer)
        return answer


def _send(producer: "Producer", message: Message) -> None:
    while True:
        try:
            producer.produce(message.topic, message.value, message.key, headers=list(message.headers))
        except BufferError:  # the broker is away or slow
            producer.poll(_POLL_S)
        else:
            return


class _Intake:
    """The consumer: records in batches, and the membership of its group kept while jobs take long."""

    def __init__(self, consumer: "Consumer") -> None:
        self._consumer = consumer
        self._paused = False
        self._early: list[Record] = []

    def take(self) -> list["Record"]:
        """What is there, up to a batch; waits a moment for the first."""
        early, self._early = self._early, []
        if early:
            return early
        first = self._consumer.poll(_POLL_S)
        if first is None:
            return []
        return _good([first, *self._consumer.consume(_BATCH - 1, 0)])

    def stay(self) -> None:
        """Tell the group that this member is alive, though it takes nothing."""
        if not self._paused:
            self._consumer.pause(self._consumer.assignment())
            self._paused = True
        record = self._consumer.poll(0)
        if record is not None:  # of a partition that was assigned since
            self._early += _good([record])

    def go_on(self) -> None:
        if self._paused:
            self._consumer.resume(self._consumer.assignment())
            self._paused = False

    def commit(self, records: Sequence["Record"]) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        ends: dict[tuple[str, int], int] = {}
        for record in records:
            topic, partition, offset = record.topic(), record.partition(), record.offset()
            assert topic is not None
            assert partition is not None
            assert offset is not None
            ends[topic, partition] = max(ends.get((topic, partition), 0), offset + 1)
        places = [TopicPartition(*place, offset) for place, offset in ends.items()]
        try:
            if places:
                self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:  # another member has the partition now, and will do these again
            log.warning("the group has moved on before a commit: %s", error.args[0].str())


def _good(records: Sequence["Record"]) -> list["Record"]:
    for record in records:
        error = record.error()
        if error is not None:
            log.warning("%s: %s", record.topic() or "Kafka", error.str())
    return [record for record in records if record.error() is None]
