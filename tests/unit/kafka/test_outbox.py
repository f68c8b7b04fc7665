"""Messages on their way to the broker: in order, for as long as it takes, and never silently dropped."""

import asyncio

import pytest

from sfc.errors import Overloaded, Unavailable
from sfc.kafka.formats import NotInFormat
from sfc.kafka.outbox import Message, Receipt, Refused
from sfc.kafka.settings import TopicSettings
from sfc.limits import KAFKA_UNACKNOWLEDGED, KAFKA_WAITING_MESSAGES
from tests.support.outbox import FakeBroker
from tests.unit.engine.conftest import until

MADE = TopicSettings()


def to(topic: str, text: str = "x") -> Message:
    return Message(topic, text.encode(), made=MADE)


def values(broker: FakeBroker) -> list[str]:
    return [(value or b"").decode() for _, value in broker.sent]


async def test_messages_of_a_topic_leave_in_the_order_they_were_given() -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    told: list[Receipt | Refused] = []
    for number in range(5):
        outbox.send(to("jobs", str(number)), told.append)
    await until(lambda: len(broker.sent) == 5)
    assert values(broker) == ["0", "1", "2", "3", "4"]
    assert not told
    for _ in range(5):
        broker.acknowledge()
    assert told == [Receipt("jobs", 0, number) for number in range(5)]
    assert outbox.waiting == 0
    await outbox.close()


async def test_a_topic_is_made_with_its_settings_when_it_is_first_needed() -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    made = TopicSettings(partitions=12, config=(("retention.ms", "1"),))
    outbox.send(to("jobs")._replace(made=made), lambda _: None)
    await until(lambda: bool(broker.sent))
    assert broker.topics == {"jobs": made}
    await outbox.close()


async def test_a_topic_that_must_be_there_and_is_not_refuses_the_message() -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    told: list[Receipt | Refused] = []
    outbox.send(to("nowhere")._replace(made=None), told.append)
    await until(lambda: bool(told))
    assert told == [Refused("Kafka.UnknownTopic", "There is no topic 'nowhere'")]
    broker.topics["nowhere"] = None  # what was refused is not remembered
    outbox.send(to("nowhere")._replace(made=None), told.append)
    await until(lambda: bool(broker.sent))
    await outbox.close()


async def test_messages_wait_in_order_while_the_broker_is_away_or_takes_no_more() -> None:
    broker = FakeBroker()
    broker.away = broker.full = True
    outbox = broker.outbox()
    for number in range(3):
        outbox.send(to("jobs", str(number)), lambda _: None)
    for _ in range(20):
        await asyncio.sleep(0)
    assert (outbox.waiting, broker.sent) == (3, [])
    broker.away = False
    await until(lambda: "jobs" in broker.topics)
    assert broker.sent == []
    broker.full = False
    await until(lambda: len(broker.sent) == 3)
    assert values(broker) == ["0", "1", "2"]
    await outbox.close()


async def test_a_topic_whose_broker_is_asked_holds_up_no_other() -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    broker.topics["there"] = MADE
    asked = asyncio.Event()
    look = broker.ensure

    def ensure(topic: str, made: TopicSettings | None) -> Refused | None:
        if topic == "slow" and not asked.is_set():
            raise Unavailable("not yet")
        return look(topic, made)

    broker.ensure = ensure  # type: ignore[method-assign]
    outbox.send(to("slow", "1"), lambda _: None)
    outbox.send(to("there", "2"), lambda _: None)
    await until(lambda: values(broker) == ["2"])
    asked.set()
    await until(lambda: values(broker) == ["2", "1"])
    await outbox.close()


async def test_what_has_not_left_can_be_called_back() -> None:
    broker = FakeBroker()
    broker.full = True
    outbox = broker.outbox()
    told: list[Receipt | Refused] = []
    first = outbox.send(to("jobs", "first"), told.append)
    outbox.send(to("jobs", "second"), told.append)
    first.cancel()
    first.cancel()
    assert outbox.waiting == 1
    broker.full = False
    await until(lambda: bool(broker.sent))
    assert values(broker) == ["second"]
    broker.acknowledge()
    assert told == [Receipt("jobs", 0, 0)]
    await outbox.close()


async def test_nobody_is_told_of_a_message_that_was_called_back_after_it_left() -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    told: list[Receipt | Refused] = []
    sending = outbox.send(to("jobs"), told.append)
    await until(lambda: bool(broker.sent))
    sending.cancel()
    broker.acknowledge("_TIMED_OUT")
    await asyncio.sleep(0.01)
    assert (told, broker.sent, outbox.waiting) == ([], [], 0)
    await outbox.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("MSG_SIZE_TOO_LARGE", "Kafka.MessageTooLarge"),
        ("TOPIC_AUTHORIZATION_FAILED", "Kafka.NotAuthorized"),
        ("_UNKNOWN_PARTITION", "Kafka.UnknownPartition"),
        ("INVALID_RECORD", "Kafka.InvalidMessage"),
    ],
)
async def test_what_can_never_be_sent_is_refused_by_a_name_that_flows_can_catch(fault: str, error: str) -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    told: list[Receipt | Refused] = []
    outbox.send(to("jobs"), told.append)
    await until(lambda: bool(broker.sent))
    broker.acknowledge(fault)
    assert told == [Refused(error, f"the broker says {fault}")]
    await outbox.close()


async def test_faults_that_pass_send_the_message_again() -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    told: list[Receipt | Refused] = []
    outbox.send(to("jobs"), told.append)
    for fault in ("_MSG_TIMED_OUT", "_PURGE_QUEUE", "NOT_ENOUGH_REPLICAS"):
        await until(lambda: bool(broker.sent))
        broker.acknowledge(fault)
    await until(lambda: bool(broker.sent))
    assert told == []
    assert outbox.waiting == 1
    broker.acknowledge()
    assert told == [Receipt("jobs", 0, 0)]
    await outbox.close()


async def test_a_topic_that_was_deleted_is_made_again_once() -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    told: list[Receipt | Refused] = []
    outbox.send(to("jobs"), told.append)
    await until(lambda: bool(broker.sent))
    broker.topics.clear()
    broker.acknowledge("_UNKNOWN_TOPIC")
    await until(lambda: bool(broker.sent))
    assert "jobs" in broker.topics
    broker.acknowledge("_UNKNOWN_TOPIC")
    assert told == [Refused("Kafka.UnknownTopic", "There is no topic 'jobs'")]
    await outbox.close()


async def test_a_value_that_its_schema_refuses_is_no_message_and_one_whose_registry_is_away_waits() -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    told: list[Receipt | Refused] = []
    answers: list[Exception | bytes] = [Unavailable("the registry is away"), b"encoded"]

    def encode() -> bytes:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def misfit() -> bytes:
        raise NotInFormat("no such field: total")

    outbox.send(to("jobs")._replace(value=misfit), told.append)
    outbox.send(to("jobs")._replace(value=encode), told.append)
    await until(lambda: bool(broker.sent))
    assert told == [Refused("Kafka.InvalidMessage", "no such field: total")]
    assert values(broker) == ["encoded"]
    await outbox.close()


async def test_a_message_that_shows_a_bug_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    told: list[Receipt | Refused] = []

    def bug() -> bytes:
        raise ZeroDivisionError

    outbox.send(to("jobs")._replace(value=bug), told.append)
    outbox.send(to("jobs", "next"), told.append)
    await until(lambda: bool(broker.sent))
    assert told == [Refused("Kafka.InvalidMessage", "a bug of SFC: ZeroDivisionError()")]
    assert "because of a bug" in caplog.text
    await outbox.close()


async def test_only_so_many_are_under_way_and_starts_are_refused_when_too_many_wait() -> None:
    broker = FakeBroker()
    outbox = broker.outbox()
    for _ in range(KAFKA_UNACKNOWLEDGED + 10):
        outbox.send(to("jobs"), lambda _: None)
    await until(lambda: len(broker.sent) == KAFKA_UNACKNOWLEDGED)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(broker.sent) == KAFKA_UNACKNOWLEDGED
    broker.acknowledge()
    await until(lambda: len(broker.sent) == KAFKA_UNACKNOWLEDGED)
    outbox.admit()
    for _ in range(KAFKA_WAITING_MESSAGES):
        outbox.send(to("jobs"), lambda _: None)
    with pytest.raises(Overloaded):
        outbox.admit()
    await outbox.close()
