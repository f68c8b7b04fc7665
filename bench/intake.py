"""Records of a topic → completed one-task executions a second, on two Ray workers, beside yardsticks of the same run.

- `records_per_second`: a trigger reads six partitions; from its making until every record's execution has ended.
- `plain_per_second`: a bare confluent-kafka consumer of the same topic that decodes each value, commits after every
  batch of 500, and does nothing else. `records_to_plain` tells the price of an execution for each record.
- `batches_per_second`: as many executions by `start_many`, 200 at a time, in the same engine. The aim for
  `records_to_batches` is 0.7.
- `http_per_second`: one HTTP request for each, 32 at once, answered at the end. The aim for `records_to_http` is 2.
- `read_per_second`: what one reader makes of records alone: decoded, mapped, in chunks.
- `longest_pause_ms`: for how long the engine's event loop answered nobody while records came.

    python -m bench.intake
"""

import asyncio
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench._http import Connection
from bench._ray import local_ray
from bench.servers import sfc_up
from bench.spine import BATCH, DEFINITION, INPUT, closed_loop
from scripts.kafka import Broker
from sfc.bridge.feeds import AskedTopics, Feeds
from sfc.catalog.catalog import Catalog
from sfc.catalog.sql import SqlShelf
from sfc.engine.engine import Engine, StartRequest
from sfc.kafka.clients import Clients
from sfc.kafka.program import TriggerProgram
from sfc.kafka.reader import Plan, Readers
from sfc.kafka.settings import KafkaSettings
from sfc.kafka.topics import Topics
from sfc.store.sqlite import SqliteStore

RECORDS = 20_000
PARTITIONS = 6
ROUNDS = 3
PER_COMMIT = 500


def topic_of(servers: str, records: int) -> str:
    """A new topic that holds so many."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

    name = f"bench-{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": servers})
    (made,) = admin.create_topics([NewTopic(name, PARTITIONS, 1)]).values()
    made.result(30)
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 20})
    for number in range(records):
        producer.produce(name, INPUT.encode(), str(number).encode())
        producer.poll(0)
    producer.flush()
    return name


def plain(servers: str, topic: str, records: int) -> float:
    """Records a second of a consumer that only commits."""
    from confluent_kafka import Consumer

    consumer = Consumer({
        "bootstrap.servers": servers, "group.id": topic, "auto.offset.reset": "earliest", "enable.auto.commit": False,
        "isolation.level": "read_committed",
    })  # fmt: skip
    consumer.subscribe([topic])
    while not (first := consumer.consume(1, 1)):  # joining the group is not what is measured
        pass
    json.loads(first[0].value() or b"")
    began, seen = time.perf_counter(), 1
    while seen < records:
        messages = consumer.consume(PER_COMMIT, 1)
        for message in messages:
            json.loads(message.value() or b"")
        if messages:
            consumer.commit(asynchronous=False)
        seen += len(messages)
    took = time.perf_counter() - began
    consumer.close()
    return records / took


async def read_alone(kafka: KafkaSettings, topic: str, records: int) -> float:
    """Records a second of a reader whose chunks nobody uses."""
    readers = Readers()
    topic_id = (await asyncio.to_thread(Topics(Clients(kafka)).look, topic)).id
    program = TriggerProgram(
        trigger=1, name="bench", topic_id=topic_id, settings={"topic": topic, "from": "earliest"}, kafka=kafka
    )
    plan = Plan(feed="1", topic=topic, topic_id=topic_id, group=topic, program=program, kafka=kafka)
    positions, seen, began = dict.fromkeys(range(PARTITIONS), 0), 0, time.perf_counter()
    while seen < records:
        for chunk in (await readers.take(plan, 0, positions, 5)).chunks:
            positions[chunk.partition] = chunk.next
            seen += len(chunk.decisions)
    took = time.perf_counter() - began
    readers.close()
    return records / took


@asynccontextmanager
async def engine_on_ray(folder: Path) -> AsyncIterator[Engine]:
    from actors.exchange import RayDispatcher
    from actors.scheduler import SchedulerSettings, connect_scheduler
    from actors.worker import WorkerOptions

    options = WorkerOptions(handlers=(str(Path(__file__).with_name("handlers.py").resolve()),), cpus=0.1)
    scheduler = connect_scheduler(SchedulerSettings(size=2, worker=options))
    store = SqliteStore(folder / "sfc.db")
    engine = Engine(store, Catalog(SqlShelf(f"sqlite:///{folder / 'sfc.db'}")), RayDispatcher(scheduler))
    await engine.open()
    try:
        await engine.blueprints.create("echo", DEFINITION)
        yield engine
    finally:
        await engine.close()
        store.close()


async def from_topic(engine: Engine, feeds: Feeds, topic: str, records: int) -> float:
    """Executions a second."""
    settings = {"topic": topic, "from": "earliest"}
    began = time.perf_counter()
    trigger = await engine.consult(lambda catalog: catalog.triggers.put(topic[:40], "kafka", "echo", settings))
    feed = str(trigger.id)
    while (found := feeds.get(feed)) is None or found.figures.started < records:  # noqa: ASYNC110  has no event
        await asyncio.sleep(0.01)
    await _all_ended(engine)
    took = time.perf_counter() - began
    await engine.consult(lambda catalog: catalog.triggers.delete(trigger.name))
    return records / took


async def in_batches(engine: Engine, records: int) -> float:
    """Executions a second."""
    began = time.perf_counter()
    for _ in range(records // BATCH):
        await engine.start_many([StartRequest("echo", INPUT)] * BATCH)
    await _all_ended(engine)
    return records / (time.perf_counter() - began)


async def _all_ended(engine: Engine) -> None:
    while engine.stats()["resident"]:  # noqa: ASYNC110  the end of all of them has no event
        await asyncio.sleep(0.01)


async def longest_pause() -> float:
    """Until it is cancelled: the longest time, in s, that the loop did nothing for others."""
    longest = 0.0
    try:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before)
    except asyncio.CancelledError:
        return longest


async def _inside(servers: str, folder: Path, records: int) -> dict[str, Any]:
    from actors.kafka import ReaderActors

    kafka = KafkaSettings.of(servers)
    figures: dict[str, list[float]] = {name: [] for name in ("records", "plain", "batches", "read", "pause")}
    async with engine_on_ray(folder) as engine:
        topics = AskedTopics(Topics(Clients(kafka)))
        feeds = Feeds(engine, kafka, ReaderActors(), topics)
        await feeds.open()
        try:
            warm = await asyncio.to_thread(topic_of, servers, 500)
            await from_topic(engine, feeds, warm, 500)
            await in_batches(engine, 1_000)
            for _ in range(ROUNDS):
                topic = await asyncio.to_thread(topic_of, servers, records)
                figures["plain"].append(await asyncio.to_thread(plain, servers, topic, records))
                figures["read"].append(await read_alone(kafka, topic, records))
                watch = asyncio.create_task(longest_pause())
                figures["records"].append(await from_topic(engine, feeds, topic, records))
                watch.cancel()
                figures["pause"].append(await watch)
                figures["batches"].append(await in_batches(engine, records))
        finally:
            await feeds.close()
            topics.close()
    return {name: statistics.median(values) for name, values in figures.items()}


async def _over_http(port: int, count: int) -> float:
    async def one() -> None:
        connection = idle.pop()
        await connection.post("/triggers/echo?wait=15", INPUT.encode())
        idle.append(connection)

    idle = [await Connection(port).__aenter__() for _ in range(32)]
    await closed_loop(one, 32, 300)  # warm
    began = time.perf_counter()
    await closed_loop(one, 32, count)
    took = time.perf_counter() - began
    for connection in idle:
        await connection.__aexit__(None, None, None)
    return count / took


def main(records: int = RECORDS) -> dict[str, Any]:
    import httpx
    import uvloop

    with tempfile.TemporaryDirectory(prefix="sfc-bench-", ignore_cleanup_errors=True) as data:
        broker = Broker(Path(data) / "kafka")
        broker.start()
        try:
            with local_ray():
                found = uvloop.run(_inside(broker.servers, Path(data), records))
        finally:
            broker.kill()
    with sfc_up() as server:
        body = {"name": "echo", "definition": json.loads(DEFINITION)}
        httpx.post(f"{server.url}/api/blueprints", json=body, timeout=30).raise_for_status()
        http = uvloop.run(_over_http(int(server.url.rpartition(":")[2]), records // 4))
    return {
        "records_per_second": round(found["records"]),
        "plain_per_second": round(found["plain"]),
        "records_to_plain": round(found["records"] / found["plain"], 3),
        "batches_per_second": round(found["batches"]),
        "records_to_batches": round(found["records"] / found["batches"], 2),
        "http_per_second": round(http),
        "records_to_http": round(found["records"] / http, 2),
        "read_per_second": round(found["read"]),
        "longest_pause_ms": round(found["pause"] * 1_000),
    }


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
