"""`sfc.client` with a real broker: jobs in, answers out."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from scripts.kafka import Broker
from sfc.client import JobRecord, KafkaService, TaskError

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


class Desk:
    """Sends jobs and collects answers, as plain Kafka clients do."""

    def __init__(self, servers: str) -> None:
        self.servers = servers
        self.jobs, self.results = f"jobs-{uuid.uuid4().hex}", f"results-{uuid.uuid4().hex}"
        topics = [NewTopic(name, num_partitions=2, replication_factor=1) for name in (self.jobs, self.results)]
        admin = AdminClient({"bootstrap.servers": servers})
        for made in admin.create_topics(topics).values():
            made.result(30)
        self.producer = Producer({"bootstrap.servers": servers})
        self.consumer = Consumer(
            {"bootstrap.servers": servers, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
        )
        self.consumer.subscribe([self.results])

    def send(self, value: bytes, key: str) -> None:
        headers = {"idempotency-key": key, "sfc-task-token": f"token of {key}", "sfc-reply-to": self.results}
        self.producer.produce(self.jobs, value, key, headers=list(headers.items()))
        self.producer.flush()

    def answers(self, most: int) -> list[tuple[dict[str, str], bytes]]:
        found: list[tuple[dict[str, str], bytes]] = []
        deadline = time.monotonic() + 60
        while len(found) < most and time.monotonic() < deadline:
            record = self.consumer.poll(0.2)
            if record is not None and record.error() is None:
                headers = {name: value.decode() for name, value in record.headers()}
                found.append((headers, record.value()))
        return found

    def committed(self) -> int:
        """How many jobs the service's group is done with."""
        from confluent_kafka import TopicPartition

        group = Consumer({"bootstrap.servers": self.servers, "group.id": "workers"})
        places = group.committed([TopicPartition(self.jobs, number) for number in range(2)], timeout=30)
        group.close()
        return sum(max(place.offset, 0) for place in places)

    def wait_committed(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while self.committed() < count and time.monotonic() < deadline:
            time.sleep(0.2)
        assert self.committed() == count


@pytest.fixture
def desk(kafka: str) -> Iterator[Desk]:
    made = Desk(kafka)
    yield made
    made.consumer.close()


def running(service: KafkaService) -> Callable[[], None]:
    thread = threading.Thread(target=service.run)
    thread.start()

    def stop() -> None:
        service.stop()
        thread.join(60)
        assert not thread.is_alive()

    return stop


def test_jobs_are_done_and_answered(desk: Desk) -> None:
    service = KafkaService(desk.servers, "workers")
    done: list[object] = []

    @service.job(desk.jobs)
    def work(value: int, job: JobRecord) -> int:
        done.append(value)
        if value == 2:
            raise TaskError("Two", "will not do")
        if value == 3:
            job.heartbeat()
        return value * 10

    for number in (1, 2, 3):
        desk.send(str(number).encode(), f"key-{number}")
    desk.send(b"1", "key-1")  # sent again after a crash: the same partition, since the same key
    stop = running(service)
    answers = desk.answers(5)
    stop()
    told = sorted((headers["idempotency-key"], headers["sfc-status"], value) for headers, value in answers)
    assert told == [
        ("key-1", "succeeded", b"10"), ("key-1", "succeeded", b"10"), ("key-2", "failed", b""),
        ("key-3", "heartbeat", b""), ("key-3", "succeeded", b"30"),
    ]  # fmt: skip
    assert sorted(done) == [1, 2, 3]  # type: ignore[type-var]
    desk.wait_committed(4)


def test_a_job_that_takes_long_is_not_given_to_another(desk: Desk) -> None:
    """Its member of the group goes on polling: here a poll is due every six seconds."""
    settings = ["max.poll.interval.ms=6000", "session.timeout.ms=6000"]
    done: list[str] = []
    stops = []
    for name in ("one", "two"):
        service = KafkaService(desk.servers, "workers", properties=settings)

        @service.job(desk.jobs)
        def work(value: object, job: JobRecord, name: str = name) -> str:
            time.sleep(8)
            done.append(name)
            return name

        stops.append(running(service))
    desk.send(b"1", "slow")
    answers = desk.answers(1)
    desk.wait_committed(1)
    for stop in stops:
        stop()
    assert [headers["sfc-status"] for headers, _ in answers] == ["succeeded"]
    assert len(done) == 1


def test_answers_wait_for_a_broker_that_is_away(brokers: Callable[[], Broker]) -> None:
    broker = brokers()
    broker.start()
    desk = Desk(broker.servers)
    service = KafkaService(desk.servers, "workers", concurrency=4)
    began, go = threading.Event(), threading.Event()

    @service.job(desk.jobs)
    def work(value: int, job: JobRecord) -> int:
        began.set()
        assert go.wait(60)
        return value

    for number in range(20):
        desk.send(str(number).encode(), f"key-{number}")
    stop = running(service)
    assert began.wait(60)
    broker.kill()
    go.set()
    broker.start()
    answers = desk.answers(20)
    desk.wait_committed(20)
    stop()
    desk.consumer.close()
    assert {value for _, value in answers} == {str(number).encode() for number in range(20)}
