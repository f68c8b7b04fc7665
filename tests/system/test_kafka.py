"""Kafka triggers of a real server with a real broker: each record starts one execution, whatever is killed."""

import json
import random
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from scripts.kafka import Broker
from tests.support.chance import SEED
from tests.system.cluster import REPLICA, WORKER, Cluster, create, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

READER = "ray::ReaderActor"
HANDLERS = Path(__file__).with_name("spine_handlers.py")
PARTITIONS = 6
FLOW = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "task:echo", "End": True}}}
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
VICTIMS = (REPLICA, WORKER, READER, "broker", READER, WORKER, REPLICA)


class Topic:
    """A topic of a test's own, and who writes to it."""

    def __init__(self, servers: str, partitions: int = PARTITIONS) -> None:
        self.name = f"orders-{uuid.uuid4().hex}"
        self.admin = AdminClient({"bootstrap.servers": servers})
        self.make(partitions)
        # What was acknowledged is there, once, also when the broker dies meanwhile.
        self.producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 5})
        self.written = 0

    def make(self, partitions: int = PARTITIONS) -> None:
        for made in self.admin.create_topics([NewTopic(self.name, partitions, 1)]).values():
            made.result(30)

    def write(self, count: int) -> None:
        """The next `count` records; each has a number of its own."""
        for _ in range(count):
            self.put(json.dumps({"number": self.written}).encode())
            self.written += 1
        self.producer.flush()

    def put(self, value: bytes, partition: int = -1, **more: Any) -> None:
        self.producer.produce(self.name, value, key=str(self.written).encode(), partition=partition, **more)
        self.producer.poll(0)


def bind(cluster: Cluster, topic: Topic, blueprint: str = "flow", **settings: Any) -> None:
    """A trigger that reads the topic from its first record on."""
    given = {"topic": topic.name, "from": "earliest", **settings}
    body = {"kind": "kafka", "blueprint": blueprint, "settings": given}
    httpx.put(f"{cluster.url}/api/triggers/orders", json=body, timeout=30).raise_for_status()


def counts(cluster: Cluster) -> dict[str, int]:
    """Executions by status; {} while the server is away."""
    try:
        found: dict[str, int] = httpx.get(f"{cluster.url}/api/stats", timeout=30).json()["executions"]
    except (httpx.HTTPError, KeyError, ValueError):
        return {}
    return found


def inputs(cluster: Cluster) -> list[Any]:
    """Of all executions, as the journal has them."""
    with sqlite3.connect(f"file:{cluster.data / 'sfc.db'}?mode=ro", uri=True) as database:
        return [json.loads(row[0]) for row in database.execute("SELECT data FROM journal WHERE kind = 1")]


def dead_letters(cluster: Cluster) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{cluster.url}/api/kafka/dead-letters", timeout=30).json()["items"]
    return found


def up(data: Path, servers: str) -> Cluster:
    return Cluster(data, "--kafka", servers, "--handlers", str(HANDLERS))


@contextmanager
def killing(cluster: Cluster, broker: Broker, chance: random.Random, rounds: int) -> Iterator[None]:
    """Kills one thing after the other; ends when all have had their turn and the server is back."""
    over = threading.Event()
    failures: list[BaseException] = []

    def kill(victim: str) -> None:
        if victim == "broker":
            broker.kill()
            over.wait(chance.uniform(0, 2))
            broker.start()
        else:
            cluster.kill(victim, chance.randrange(10))

    def work() -> None:
        try:
            for victim in VICTIMS * rounds:
                over.wait(chance.uniform(0.5, 3))
                kill(victim)
        except BaseException as error:  # noqa: BLE001  told in the test's own thread
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
        thread.join()
    finally:
        over.set()
        thread.join()
    assert not failures, failures
    cluster.await_ready()


def is_exactly_once(tmp_path: Path, broker: Broker, records: int, rounds: int, seed: int) -> None:
    print(f"seed {seed}")
    broker.start()
    topic = Topic(broker.servers)
    with up(tmp_path / "data", broker.servers) as cluster:
        create(cluster, "flow", FLOW)
        bind(cluster, topic)
        with killing(cluster, broker, random.Random(seed), rounds):
            while topic.written < records:
                topic.write(min(200, records - topic.written))
        wait_for(lambda: counts(cluster).get("SUCCEEDED", 0) >= records, 300 + records / 50)
        assert counts(cluster) == {"SUCCEEDED": records}
        assert dead_letters(cluster) == []
        numbers = Counter(each["number"] for each in inputs(cluster))
    assert numbers == Counter(range(records))


def test_every_record_starts_one_execution_whatever_is_killed(tmp_path: Path, brokers: Callable[[], Broker]) -> None:
    is_exactly_once(tmp_path, brokers(), records=3_000, rounds=1, seed=1)


@pytest.mark.chaos
@pytest.mark.timeout(3_600)
def test_fifty_thousand_records_start_fifty_thousand_executions(tmp_path: Path, brokers: Callable[[], Broker]) -> None:
    is_exactly_once(tmp_path, brokers(), records=50_000, rounds=4, seed=SEED)


class TestWithoutRay:
    """What does not need a cluster."""

    @pytest.fixture
    def local(self, tmp_path: Path, kafka: str) -> Iterator[Cluster]:
        with Cluster(tmp_path / "data", "--kafka", kafka, "--handlers", str(HANDLERS), "--no-ray") as cluster:
            create(cluster, "pass", PASS)
            yield cluster

    def test_poison_goes_to_the_dead_letters_and_is_replayed(self, local: Cluster, kafka: str) -> None:
        topic = Topic(kafka)
        bind(local, topic, "pass", schema={"required": ["number"]})
        topic.write(5)
        topic.put(b"no json", 0, headers=[("trace", b"abc"), ("none", None)])
        topic.put(b'{"other": 1}', 1)
        topic.write(5)
        wait_for(lambda: len(dead_letters(local)) == 2 and counts(local).get("SUCCEEDED") == 10)
        assert {each["reason"] for each in dead_letters(local)} == {"NotInFormat", "SchemaMismatch"}
        self.are_published(kafka)
        bind(local, topic, "pass", format="text")
        wait_for(lambda: all(each["published_at"] for each in dead_letters(local)))
        for each in dead_letters(local):
            answer = httpx.post(f"{local.url}/api/kafka/dead-letters/{each['id']}/replay", timeout=30)
            assert answer.json() == {"started": 1, "repeated": 0, "left_out": 0}, answer.text
            again = httpx.post(f"{local.url}/api/kafka/dead-letters/{each['id']}/replay", timeout=30)
            assert again.status_code == 404
        wait_for(lambda: counts(local) == {"SUCCEEDED": 12})
        assert dead_letters(local) == []
        assert {each for each in inputs(local) if isinstance(each, str)} == {"no json", '{"other": 1}'}

    def are_published(self, servers: str) -> None:
        consumer = Consumer({"bootstrap.servers": servers, "group.id": "test", "auto.offset.reset": "earliest"})
        consumer.subscribe(["sfc.dead-letters"])
        found: dict[bytes, dict[str, Any]] = {}
        while len(found) < 2:  # the test's time limit ends it
            record = consumer.poll(1)
            if record is not None and record.error() is None:
                found[record.value()] = dict(record.headers())
        consumer.close()
        headers = found[b"no json"]
        assert headers["trace"] == b"abc"
        assert headers["none"] is None
        assert headers["sfc-dead-reason"] == b"NotInFormat"
        assert headers["sfc-dead-partition"] == b"0"

    def test_new_partitions_and_a_topic_made_anew_are_read_from_their_beginning(
        self, local: Cluster, kafka: str
    ) -> None:
        topic = Topic(kafka, 1)
        bind(local, topic, "pass")
        topic.write(3)
        wait_for(lambda: counts(local).get("SUCCEEDED") == 3)
        for made in topic.admin.create_partitions([NewPartitions(topic.name, 2)]).values():
            made.result(30)
        producer = Topic(kafka).producer  # one that has not learned of the topic yet
        producer.produce(topic.name, b'{"number": 3}', partition=1)
        producer.flush()
        wait_for(lambda: counts(local).get("SUCCEEDED") == 4)
        for gone in topic.admin.delete_topics([topic.name]).values():
            gone.result(30)
        topic = self.again(kafka, topic.name)
        topic.written = 4
        topic.write(6)
        wait_for(lambda: counts(local).get("SUCCEEDED") == 10)
        assert sorted(each["number"] for each in inputs(local)) == list(range(10))

    def again(self, servers: str, name: str) -> Topic:
        topic = Topic(servers)
        topic.name = name

        def is_made() -> bool:
            try:
                topic.make(1)
            except KafkaException:  # the broker still forgets the one before
                return False
            return True

        wait_for(is_made)
        return topic

    def test_what_the_broker_deleted_unread_is_told(self, local: Cluster, kafka: str) -> None:
        from confluent_kafka import TopicPartition

        topic = Topic(kafka, 1)
        bind(local, topic, "pass")
        topic.write(2)
        wait_for(lambda: counts(local).get("SUCCEEDED") == 2)
        httpx.post(f"{local.url}/api/triggers/orders/pause", timeout=30).raise_for_status()
        topic.write(5)
        for gone in topic.admin.delete_records([TopicPartition(topic.name, 0, 6)]).values():
            gone.result(30)
        httpx.post(f"{local.url}/api/triggers/orders/resume", timeout=30).raise_for_status()
        wait_for(lambda: counts(local).get("SUCCEEDED") == 3)
        (lost,) = dead_letters(local)
        assert (lost["reason"], lost["offset"]) == ("RecordsLost", 2)
        assert [each["number"] for each in inputs(local)] == [0, 1, 6]

    def test_records_of_aborted_transactions_start_nothing(self, local: Cluster, kafka: str) -> None:
        topic = Topic(kafka, 1)
        bind(local, topic, "pass")
        producer = Producer({"bootstrap.servers": kafka, "transactional.id": topic.name})
        producer.init_transactions()
        for number, finish in enumerate((producer.abort_transaction, producer.commit_transaction)):
            producer.begin_transaction()
            producer.produce(topic.name, json.dumps({"number": number}).encode())
            producer.flush()
            finish()
        wait_for(lambda: counts(local) == {"SUCCEEDED": 1})
        assert inputs(local) == [{"number": 1}]

    def test_a_batch_is_one_execution(self, local: Cluster, kafka: str) -> None:
        topic = Topic(kafka, 1)
        bind(local, topic, "pass", batch={"size": 4, "seconds": 1})
        topic.write(10)
        wait_for(lambda: sum(map(len, inputs(local))) == 10)
        assert [len(each) for each in inputs(local)] == [4, 4, 2]
        assert [record["number"] for each in inputs(local) for record in each] == list(range(10))

    def test_the_positions_are_told_to_the_broker(self, local: Cluster, kafka: str) -> None:
        from confluent_kafka import TopicPartition

        topic = Topic(kafka, 1)
        bind(local, topic, "pass")
        topic.write(7)
        group = Consumer({"bootstrap.servers": kafka, "group.id": "sfc.orders"})
        wait_for(lambda: group.committed([TopicPartition(topic.name, 0)], timeout=30)[0].offset == 7)
        group.close()

    def test_a_kafka_trigger_that_is_gone_reads_nothing_more(self, local: Cluster, kafka: str) -> None:
        topic = Topic(kafka, 1)
        bind(local, topic, "pass")
        topic.write(2)
        wait_for(lambda: counts(local).get("SUCCEEDED") == 2)
        httpx.delete(f"{local.url}/api/triggers/orders", timeout=30).raise_for_status()
        topic.write(2)
        bind(local, topic, "pass", filter="{% $states.input.value.number >= 3 %}")
        wait_for(lambda: counts(local).get("SUCCEEDED") == 3)
        assert [each["number"] for each in inputs(local)] == [0, 1, 3]


def test_a_server_goes_on_while_the_broker_is_away(tmp_path: Path, brokers: Callable[[], Broker]) -> None:
    broker = brokers()
    broker.start()
    topic = Topic(broker.servers)
    data = tmp_path / "data"
    with Cluster(data, "--kafka", broker.servers, "--no-ray") as cluster:
        create(cluster, "pass", PASS)
        bind(cluster, topic, "pass")
        topic.write(10)
        wait_for(lambda: counts(cluster).get("SUCCEEDED") == 10)
        broker.stop()
        for _ in range(20):
            answer = httpx.post(f"{cluster.url}/triggers/pass", params={"wait": 5}, json={"number": -1}, timeout=30)
            assert answer.status_code == 200
            threading.Event().wait(0.5)
        broker.start()
        topic.write(10)
        wait_for(lambda: counts(cluster).get("SUCCEEDED") == 40)
    said = cluster.log.read_text()
    about = [line for line in said.splitlines() if broker.servers in line and "cannot be reached" in line]
    assert 1 <= len(about) <= 3, said
    assert said.count("is reached again") == 1, said
    assert len(said.splitlines()) < 20, said


def test_without_kafka_a_trigger_of_it_is_refused(tmp_path: Path) -> None:
    with Cluster(tmp_path / "data", "--no-ray") as cluster:
        create(cluster, "pass", PASS)
        body = {"kind": "kafka", "blueprint": "pass", "settings": {"topic": "orders"}}
        answer = httpx.put(f"{cluster.url}/api/triggers/orders", json=body, timeout=30)
        assert (answer.status_code, answer.json()["error"]) == (503, "KafkaNotConfigured")
        assert httpx.get(f"{cluster.url}/api/kafka/dead-letters", timeout=30).status_code == 503
