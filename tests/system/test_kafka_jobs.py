"""Jobs over a real broker: sent, answered, heard of, given up; the engine and the broker killed in between."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from scripts.kafka import Broker
from sfc.client import JobRecord, KafkaService, TaskError
from tests.system.cluster import wait_for
from tests.system.server import Server

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


class Shop:
    """A server, its Kafka, and a plain client of that."""

    def __init__(self, folder: Path, servers: str) -> None:
        self.servers = servers
        self.prefix = f"shop{uuid.uuid4().hex[:8]}"
        self.server = Server(folder, "--kafka", servers, "--kafka-prefix", self.prefix, "--kafka-topic", "partitions=2")
        self.producer = Producer({"bootstrap.servers": servers})

    def topic(self, name: str) -> str:
        """A topic of the test's own."""
        made = f"{self.prefix}.{name}"
        admin = AdminClient({"bootstrap.servers": self.servers})
        admin.create_topics([NewTopic(made, num_partitions=2, replication_factor=1)])[made].result(30)
        return made

    def jobs(self, topic: str, most: int) -> list[tuple[dict[str, str], Any]]:
        """The first jobs of a topic: headers and values. One that is sent again after a crash is one job."""
        found: dict[str, tuple[dict[str, str], Any]] = {}
        given = {"bootstrap.servers": self.servers, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
        consumer = Consumer({**given, "topic.metadata.refresh.interval.ms": 500})
        consumer.subscribe([topic])
        end = time.monotonic() + 60
        while len(found) < most and time.monotonic() < end:
            record = consumer.poll(0.2)
            if record is not None and record.error() is None:
                headers = {name: (value or b"").decode() for name, value in record.headers() or ()}
                found[headers["idempotency-key"]] = (headers, json.loads(record.value()))
        consumer.close()
        assert len(found) == most
        return list(found.values())

    def answer(self, job: Mapping[str, str], value: Any = None, **more: str) -> None:
        headers = {"sfc-task-token": job["sfc-task-token"], **{name.replace("_", "-"): more[name] for name in more}}
        self.producer.produce(job["sfc-reply-to"], json.dumps(value), headers=list(headers.items()))
        assert self.producer.flush(30) == 0

    def blueprint(self, name: str, resource: str, **more: Any) -> None:
        state = {"Type": "Task", "Resource": resource, "End": True, **more}
        definition = {"StartAt": "Ask", "States": {"Ask": state}}
        made = httpx.post(f"{self.server.url}/api/blueprints", json={"name": name, "definition": definition})
        assert made.status_code == 201, made.text

    def task(self, name: str, **fields: Any) -> None:
        made = httpx.post(f"{self.server.url}/api/tasks/{name}/versions", json={"type": "kafka", **fields})
        assert made.status_code == 201, made.text

    def start(self, blueprint: str, input: Any = None) -> str:
        made = httpx.post(f"{self.server.url}/api/executions", json={"blueprint": blueprint, "input": input})
        assert made.status_code == 201, made.text
        return str(made.json()["arn"])

    def execution(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.server.url}/api/executions/{arn}").json()
        return found

    def ended(self, arn: str) -> dict[str, Any]:
        wait_for(lambda: self.execution(arn)["status"] != "RUNNING", 60)
        return self.execution(arn)


@pytest.fixture
def shop(tmp_path: Path, kafka: str) -> Iterator[Shop]:
    made = Shop(tmp_path, kafka)
    yield made
    made.server.stop()


def test_services_answer_fail_and_tell_that_they_are_alive(shop: Shop) -> None:
    topic = shop.topic("charges")
    shop.blueprint("pay", f"kafka:{topic}.waitForTaskToken", HeartbeatSeconds=5, TimeoutSeconds=100)
    paid, declined, slow = shop.start("pay", "paid"), shop.start("pay", "declined"), shop.start("pay", "slow")
    jobs = {value: headers for headers, value in shop.jobs(topic, 3)}
    assert {job["ce_source"] for job in jobs.values()} == {paid, declined, slow}
    assert {job["sfc-reply-to"] for job in jobs.values()} == {f"{shop.prefix}.results"}
    shop.answer(jobs["paid"], {"receipt": 1})
    shop.answer(jobs["declined"], sfc_status="failed", sfc_error="Declined", sfc_cause="no money")
    found = shop.ended(paid)
    assert (found["status"], found["output"]) == ("SUCCEEDED", {"receipt": 1})
    found = shop.ended(declined)
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Declined", "no money")
    for _ in range(4):  # longer than the time in which it must be heard of
        time.sleep(2)
        shop.answer(jobs["slow"], sfc_status="heartbeat")
    assert shop.execution(slow)["status"] == "RUNNING"
    assert shop.ended(slow)["error"] == "States.Timeout"  # nothing is heard of it any more
    shop.answer(jobs["slow"], "late")
    shop.answer(jobs["paid"], "again")
    shop.answer({**jobs["paid"], "sfc-task-token": "nobody's"}, "?")
    after = shop.start("pay", "after")
    job = next(headers for headers, value in shop.jobs(topic, 4) if value == "after")
    shop.answer(job, "ok")
    assert shop.ended(after)["output"] == "ok"
    assert shop.execution(paid)["output"] == {"receipt": 1}


def test_a_service_with_help_does_the_jobs_of_a_task_of_the_catalog(shop: Shop) -> None:
    shop.task("charge", reply=True, reply_to=f"{shop.prefix}.receipts", key="$.order", output_schema={"type": "object"})
    service = KafkaService(
        shop.servers, f"{shop.prefix}-charging", properties=["topic.metadata.refresh.interval.ms=500"]
    )
    calls: list[str] = []

    @service.job(f"{shop.prefix}.jobs.charge")
    def charge(order: Any, job: JobRecord) -> Any:
        calls.append(str(job.idempotency_key))
        if order["total"] > 100:
            raise TaskError("LimitExceeded", "too much")
        return {"receipt": order["order"]}

    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        shop.blueprint("pay", "task:charge")
        started = {shop.start("pay", {"order": str(n), "total": n * 60}): n for n in range(1, 4)}
        ended = {n: shop.ended(arn) for arn, n in started.items()}
    finally:
        service.stop()
        thread.join()
    assert ended[1]["output"] == {"receipt": "1"}
    assert [ended[n]["error"] for n in (2, 3)] == ["LimitExceeded", "LimitExceeded"]
    assert len(calls) == len(set(calls)) == 3


def test_a_kill_of_the_engine_loses_no_job_and_no_answer(shop: Shop) -> None:
    topic = shop.topic("charges")
    shop.blueprint("pay", f"kafka:{topic}.waitForTaskToken")
    started = [shop.start("pay", number) for number in range(20)]
    shop.server.kill()
    jobs = {value: headers for headers, value in shop.jobs(topic, 20)}
    for number in range(10):
        shop.answer(jobs[number], number)
    shop.server.kill()
    for number in range(10, 20):
        shop.answer(jobs[number], number)
    shop.server.kill()
    assert [shop.ended(arn)["output"] for arn in started] == list(range(20))


def test_a_task_that_nobody_answers_is_done_when_the_broker_has_it(shop: Shop) -> None:
    topic = shop.topic("notices")
    publish = {"Topic": topic, "Value.$": "$", "Key": "k", "Headers": {"tenant": "a"}}
    shop.blueprint("tell", "arn:aws:states:::kafka:publish", Parameters=publish)
    found = shop.ended(shop.start("tell", {"n": 1}))
    assert found["status"] == "SUCCEEDED"
    assert found["output"]["topic"] == topic
    [(headers, value)] = shop.jobs(topic, 1)
    assert (headers["tenant"], value) == ("a", {"n": 1})
    shop.blueprint("lost", f"kafka:{shop.prefix}.nowhere")
    assert shop.ended(shop.start("lost"))["error"] == "Kafka.UnknownTopic"


def test_executions_wait_while_the_broker_is_away_and_others_go_on(
    tmp_path: Path, brokers: Callable[[], Broker]
) -> None:
    broker = brokers()
    broker.start()
    shop = Shop(tmp_path, broker.servers)
    try:
        topic = shop.topic("charges")
        shop.blueprint("pay", f"kafka:{topic}.waitForTaskToken")
        shop.blueprint("other", "arn:aws:states:::aws-sdk:sfn:listStateMachines", Parameters={})
        first = shop.start("pay", 1)
        [(job, _)] = shop.jobs(topic, 1)
        broker.kill()
        second = shop.start("pay", 2)
        assert shop.ended(shop.start("other"))["status"] == "SUCCEEDED"
        time.sleep(5)
        assert shop.execution(second)["status"] == "RUNNING"
        broker.start()
        shop.answer(job, "one")
        assert shop.ended(first)["output"] == "one"
        later = next(headers for headers, value in shop.jobs(topic, 2) if value == 2)
        shop.answer(later, "two")
        assert shop.ended(second)["output"] == "two"
        said = [line for line in shop.server.log.read_text().splitlines() if "Kafka at" in line]
        assert 2 <= len(said) <= 8, said
    finally:
        shop.server.stop()
