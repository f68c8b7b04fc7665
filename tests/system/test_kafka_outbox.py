"""Messages and a real broker: made topics, refusals by name, and an outage in the middle."""

import asyncio
import uuid
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from scripts.kafka import Broker
from sfc.kafka.clients import Clients
from sfc.kafka.making import TopicMaker
from sfc.kafka.outbox import Message, Outbox, Receipt, Refused
from sfc.kafka.sender import KafkaSender
from sfc.kafka.settings import KafkaSettings, TopicSettings

pytestmark = pytest.mark.system

MADE = TopicSettings(partitions=2, config=(("retention.ms", "86400000"), ("max.message.bytes", "2000")))


def outbox_of(servers: str, *properties: str) -> Outbox:
    clients = Clients(KafkaSettings.of(servers, properties))
    return Outbox(KafkaSender(clients), TopicMaker(clients))


async def sent(outbox: Outbox, message: Message) -> Receipt | Refused:
    told: asyncio.Future[Receipt | Refused] = asyncio.get_running_loop().create_future()
    outbox.send(message, told.set_result)
    return await told


def read(servers: str, topic: str, partition: int, count: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": uuid.uuid4().hex, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0)])
    try:
        return [each.value() for each in consumer.consume(count, 30)]
    finally:
        consumer.close()


async def test_a_topic_is_made_as_its_task_says_also_by_two_at_once(kafka: str) -> None:
    topic = f"jobs-{uuid.uuid4().hex}"
    both = outbox_of(kafka), outbox_of(kafka)
    found = await asyncio.gather(*[sent(each, Message(topic, b"1", b"k", made=MADE)) for each in both])
    assert sorted(found) == [Receipt(topic, found[0].partition, 0), Receipt(topic, found[0].partition, 1)]
    admin = AdminClient({"bootstrap.servers": kafka})
    assert len(admin.list_topics(topic, 10).topics[topic].partitions) == 2
    resource = ConfigResource(ResourceType.TOPIC, topic)
    config = admin.describe_configs([resource])[resource].result(10)
    assert config["retention.ms"].value == "86400000"
    for each in both:
        await each.close()


async def test_what_the_broker_refuses_is_told_by_name(kafka: str) -> None:
    topic = f"jobs-{uuid.uuid4().hex}"
    outbox = outbox_of(kafka)
    assert await sent(outbox, Message(topic, b"1")) == Refused("Kafka.UnknownTopic", f"There is no topic {topic!r}")
    too_many = TopicSettings(replication=7)
    refused = await sent(outbox, Message(topic, b"1", made=too_many))
    assert isinstance(refused, Refused)
    assert refused.error == "Kafka.TopicNotMade"
    assert isinstance(await sent(outbox, Message(topic, b"1", made=MADE)), Receipt)
    refused = await sent(outbox, Message(topic, b"x" * 3_000, made=MADE))
    assert isinstance(refused, Refused)
    assert refused.error == "Kafka.MessageTooLarge"
    refused = await sent(outbox, Message(topic, b"x" * 3_000_000, made=MADE))
    assert isinstance(refused, Refused)
    assert refused.error == "Kafka.MessageTooLarge"
    refused = await sent(outbox, Message(topic, b"1", partition=9, made=MADE))
    assert isinstance(refused, Refused)
    assert refused.error == "Kafka.UnknownPartition"
    await outbox.close()


async def test_messages_wait_for_a_broker_that_was_killed_and_keep_their_order(
    brokers: Callable[[], Broker], caplog: pytest.LogCaptureFixture
) -> None:
    broker = brokers()
    broker.start()
    outbox = outbox_of(broker.servers)
    message = Message("jobs", b"0", b"k", made=TopicSettings(partitions=1))
    assert await sent(outbox, message) == Receipt("jobs", 0, 0)
    broker.kill()
    waiting = [asyncio.create_task(sent(outbox, message._replace(value=b"%d" % number))) for number in range(1, 200)]
    while not any("cannot be reached" in each.getMessage() for each in caplog.records):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    await asyncio.to_thread(broker.start)
    found = await asyncio.gather(*waiting)
    assert sorted(each.offset for each in found if isinstance(each, Receipt)) == list(range(1, 200))
    assert read(broker.servers, "jobs", 0, 200) == [b"%d" % number for number in range(200)]
    about = [record.getMessage() for record in caplog.records if record.name.startswith("sfc.kafka")]
    assert sum("is reached again" in line for line in about) == 1
    assert len(about) <= 4, about
    await outbox.close()
