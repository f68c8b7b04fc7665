"""The way of one job over Kafka and back, one after the other, beside the same way without SFC in the same run.

- `job_ms`: from the task's begin to its end, as its history tells: the commit before the message leaves, the service,
  the answer's commit.
- `execution_ms`: from the call of `start` to the end that `wait` tells, in process: the start's commit too.
- `bare_ms`: a plain client writes a message to the same service and reads its answer: produce → consume → produce →
  consume, each acknowledged by all replicas. The aim for `job_to_bare` is 3 at most.

    python -m bench.kafka
"""

import asyncio
import json
import multiprocessing
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import uvloop
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from bench.spine import INPUT, quantiles
from scripts.kafka import Broker
from sfc.bridge.kafka import KafkaBridge
from sfc.bridge.readers import LocalReaders
from sfc.catalog.catalog import Catalog
from sfc.catalog.sql import SqlShelf
from sfc.engine.engine import Engine
from sfc.engine.kafka_tasks import Kafka
from sfc.kafka.settings import KafkaSettings
from sfc.store.sqlite import SqliteStore
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner

JOBS, BARE_ANSWERS = "jobs", "bare"
DEFINITION = {
    "StartAt": "Ask",
    "States": {"Ask": {"Type": "Task", "Resource": f"kafka:{JOBS}.waitForTaskToken", "End": True}},
}
SETTINGS: dict[str, Any] = {"acks": "all", "linger.ms": 0}
"""As quick as a plain producer that waits for all replicas can be."""
ROUNDS = 3
WARM = 30


def serve(servers: str) -> None:
    """A service, in a process of its own: answers each job with what it was given, to the topic that its header
    names."""
    producer = Producer({"bootstrap.servers": servers, **SETTINGS})
    jobs = consumer(servers, "service", JOBS)
    while True:
        job = jobs.poll(1)
        if job is not None and job.error() is None:
            headers = job.headers() or []
            topic = dict(headers)["sfc-reply-to"]
            producer.produce(topic.decode(), job.value(), headers=headers)
        producer.poll(0)


def consumer(servers: str, group: str, topic: str) -> Consumer:
    """One that has its partitions."""
    made = Consumer({"bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest"})
    ready = threading.Event()
    made.subscribe([topic], on_assign=lambda *_: ready.set())
    while not ready.is_set():
        made.poll(0.1)
    return made


def bare(servers: str, count: int) -> list[float]:
    """How long each took, in s."""
    producer = Producer({"bootstrap.servers": servers, **SETTINGS})
    answers = consumer(servers, "bare", BARE_ANSWERS)
    headers = [("sfc-reply-to", BARE_ANSWERS.encode())]
    times = []
    for _ in range(count):
        began = time.perf_counter()
        producer.produce(JOBS, INPUT.encode(), headers=headers)
        producer.poll(0)
        while (answer := answers.poll(0.1)) is None or answer.error() is not None:
            producer.poll(0)
        times.append(time.perf_counter() - began)
    producer.flush(10)
    answers.close()
    return times


async def one(engine: Engine) -> tuple[float, float]:
    """How long the execution and its job took, in s."""
    began = time.perf_counter()
    record = await engine.start("ask", INPUT)
    record = await engine.wait(record.arn, 60)
    took = time.perf_counter() - began
    assert record.status == "SUCCEEDED", record
    at: dict[Any, Any] = {event["type"]: event["timestamp"] for event in (await engine.history(record.arn)).items}
    return took, (at["TaskSucceeded"] - at["TaskScheduled"]) / 1_000


async def measure(servers: str, folder: Path, jobs: int, rounds: int) -> dict[str, Any]:
    store = SqliteStore(folder / "sfc.db")
    catalog = Catalog(SqlShelf(f"sqlite:///{folder / 'sfc.db'}"))
    engine = Engine(store, catalog, LocalDispatcher(JobRunner(fetch=catalog.tasks.fetch)))
    settings = KafkaSettings.of(servers, topics=["partitions=1"])
    kafka = Kafka.of(settings)
    bridge = KafkaBridge(engine, settings, LocalReaders(), kafka.outbox)
    engine.use_kafka(kafka)
    await engine.open()
    await bridge.open()
    await engine.blueprints.create("ask", json.dumps(DEFINITION))
    whole: list[float] = []
    alone: list[float] = []
    plain: list[float] = []
    for _ in range(WARM):
        await one(engine)
    for _ in range(rounds):
        plain += (await asyncio.to_thread(bare, servers, jobs + WARM))[WARM:]
        for _ in range(jobs):
            took, job = await one(engine)
            whole.append(took)
            alone.append(job)
    await bridge.close()
    await engine.close()
    await kafka.outbox.close()
    store.close()
    return {
        "job_ms": quantiles(alone),
        "execution_ms": quantiles(whole),
        "bare_ms": quantiles(plain),
        "job_to_bare": round(statistics.median(alone) / statistics.median(plain), 2),
        "execution_to_bare": round(statistics.median(whole) / statistics.median(plain), 2),
    }


def main(jobs: int = 200, rounds: int = ROUNDS) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="sfc-bench-") as name:
        folder = Path(name)
        broker = Broker(folder / "kafka")
        broker.start()
        try:
            admin = AdminClient({"bootstrap.servers": broker.servers})
            for made in admin.create_topics([NewTopic(JOBS, 1, 1), NewTopic(BARE_ANSWERS, 1, 1)]).values():
                made.result(30)
            service = multiprocessing.get_context("spawn").Process(target=serve, args=(broker.servers,))
            service.start()
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the server does
                    return runner.run(measure(broker.servers, folder, jobs, rounds))
            finally:
                service.kill()
                service.join()
        finally:
            broker.kill()


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
