"""The producer behind all messages: what it reports reaches the loop, and a fatal error is not its end."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from sfc.kafka.clients import Clients
from sfc.kafka.outbox import Fault, Full, Message, Receipt
from sfc.kafka.sender import KafkaSender
from sfc.kafka.settings import KafkaSettings
from tests.unit.engine.conftest import until


class Record:
    def __init__(self, topic: str) -> None:
        self.topic = lambda: topic
        self.partition = lambda: 1
        self.offset = lambda: 7


class FakeProducer:
    """What confluent's does, in memory: callbacks come from whoever polls."""

    def __init__(self) -> None:
        self.refuse: Exception | None = None
        self.outcome: KafkaError | None = None
        self.under_way: list[tuple[str, Any]] = []
        self.held = False
        self.purged = False
        self._lock = threading.Lock()

    def produce(self, topic: str, *_: Any, on_delivery: Any, **__: Any) -> None:
        if self.refuse is not None:
            raise self.refuse
        with self._lock:
            self.under_way.append((topic, on_delivery))

    def poll(self, timeout: float) -> int:
        threading.Event().wait(0.001)
        if self.held and not self.purged:
            return 0
        with self._lock:
            done, self.under_way = self.under_way, []
        for topic, report in done:
            error = KafkaError(KafkaError._PURGE_QUEUE) if self.purged else self.outcome
            report(error, None if error is not None else Record(topic))
        return len(done)

    def flush(self, timeout: float) -> int:
        self.poll(timeout)
        return len(self.under_way)

    def purge(self) -> None:
        self.purged = True


class FakeClients(Clients):
    def __init__(self) -> None:
        super().__init__(KafkaSettings.of("a:9092"))
        self.made: list[FakeProducer] = []

    def producer(self, own: Any = None) -> Any:
        self.made.append(FakeProducer())
        return self.made[-1]


def collect(told: list[Receipt | Fault]) -> Callable[[Receipt | Fault], None]:
    loop = asyncio.get_running_loop()

    def delivered(outcome: Receipt | Fault) -> None:
        assert asyncio.get_running_loop() is loop
        told.append(outcome)

    return delivered


async def test_reports_come_on_the_loop_in_their_order() -> None:
    clients = FakeClients()
    sender = KafkaSender(clients)
    told: list[Receipt | Fault] = []
    for topic in ("a", "b", "c"):
        sender.send(Message(topic, b"1"), b"1", collect(told))
    await until(lambda: len(told) == 3)
    assert told == [Receipt(topic, 1, 7) for topic in ("a", "b", "c")]
    await sender.close()


async def test_a_full_queue_is_said_so() -> None:
    clients = FakeClients()
    sender = KafkaSender(clients)
    clients.made[0].refuse = BufferError("Local: Queue full")
    with pytest.raises(Full):
        sender.send(Message("a", b"1"), b"1", collect([]))
    await sender.close()


async def test_what_is_refused_at_once_is_reported_like_anything_else() -> None:
    clients = FakeClients()
    sender = KafkaSender(clients)
    clients.made[0].refuse = KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large"))
    told: list[Receipt | Fault] = []
    sender.send(Message("a", b"1"), b"1", collect(told))
    assert told == []
    await until(lambda: bool(told))
    assert told == [Fault("MSG_SIZE_TOO_LARGE", "too large")]
    await sender.close()


async def test_after_a_fatal_error_another_producer_goes_on_and_what_the_old_one_had_comes_back() -> None:
    clients = FakeClients()
    sender = KafkaSender(clients)
    old = clients.made[0]
    old.held = True
    told: list[Receipt | Fault] = []
    sender.send(Message("a", b"1"), b"1", collect(told))
    old.refuse = KafkaException(KafkaError(KafkaError._FATAL, "fenced", fatal=True))
    sender.send(Message("b", b"1"), b"1", collect(told))
    await until(lambda: len(told) == 2)
    assert {each.name for each in told if isinstance(each, Fault)} == {"_FATAL", "_PURGE_QUEUE"}
    await until(lambda: len(clients.made) == 2)
    sender.send(Message("c", b"1"), b"1", collect(told))
    await until(lambda: len(told) == 3)
    assert told[2] == Receipt("c", 1, 7)
    await sender.close()
