"""A broker that wants a name and a password: the password is a reference, and stands nowhere."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from scripts.kafka import Broker
from tests.system.cluster import Cluster, create, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
SECRET = "not-for-everybody"
SASL = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "sfc"}
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
BROKER = {
    "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
    "listener.name.plaintext.plain.sasl.jaas.config": (
        f'{LOGIN} username="admin" password="inner" user_admin="inner" user_sfc="{SECRET}";'
    ),
}


def options(broker: Broker) -> list[str]:
    given = [f"{name}={value}" for name, value in SASL.items()] + ["sasl.password=${env:SFC_TEST_SECRET}"]
    return ["--kafka", broker.servers, "--no-ray", *(each for text in given for each in ("--kafka-property", text))]


def test_records_come_through_and_the_password_stands_nowhere(
    tmp_path: Path, brokers: Callable[..., Broker], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = brokers(BROKER)
    broker.start()
    client = {"bootstrap.servers": broker.servers, **SASL, "sasl.password": SECRET}
    admin = AdminClient(client)
    for made in admin.create_topics([NewTopic("orders", 1, 1)]).values():
        made.result(30)
    producer = Producer(client)
    producer.produce("orders", json.dumps({"number": 1}).encode())
    producer.flush()
    monkeypatch.setenv("SFC_TEST_SECRET", SECRET)
    with Cluster(tmp_path / "data", *options(broker)) as cluster:
        create(cluster, "pass", PASS)
        body = {"kind": "kafka", "blueprint": "pass", "settings": {"topic": "orders", "from": "earliest"}}
        httpx.put(f"{cluster.url}/api/triggers/orders", json=body, timeout=30).raise_for_status()
        succeeded = {"SUCCEEDED": 1}
        wait_for(lambda: httpx.get(f"{cluster.url}/api/stats", timeout=30).json()["executions"] == succeeded)
    written = [path for path in [cluster.log, *cluster.data.rglob("*")] if path.is_file()]
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []


def test_a_wrong_password_is_told_without_it(
    tmp_path: Path, brokers: Callable[..., Broker], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = brokers(BROKER)
    broker.start()
    monkeypatch.setenv("SFC_TEST_SECRET", "a-wrong-one")
    with Cluster(tmp_path / "data", *options(broker)) as cluster:
        create(cluster, "pass", PASS)
        wait_for(lambda: "Invalid username or password" in cluster.log.read_text())
        answer = httpx.post(f"{cluster.url}/triggers/pass", params={"wait": 5}, json={}, timeout=30)
        assert answer.status_code == 200
    said = cluster.log.read_text()
    assert "a-wrong-one" not in said
    assert len(said.splitlines()) < 20, said
