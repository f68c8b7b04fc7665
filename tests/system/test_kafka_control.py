"""Control messages over a real broker: a flow that is fed from a topic is paused at full flow, killed, resumed and
stopped.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.system.cluster import ROOT
from tests.system.server import Server

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

RECORDS = 300
NOTE = {"Type": "Task", "Resource": "task:note"}
FLOW = {"StartAt": "First", "States": {"First": {**NOTE, "Next": "Last"}, "Last": {**NOTE, "End": True}}}

WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 999, "End": True}}}


class Fed(Server):
    """A server with a topic that starts executions."""

    def __init__(self, directory: Path, servers: str, prefix: str) -> None:
        self.prefix = prefix
        self.producer = Producer({"bootstrap.servers": servers})
        self.log_of_effects = directory / "effects"
        where = ["--kafka", servers, "--kafka-prefix", prefix, "--kafka-topic", "replication=1"]
        super().__init__(directory, "--handlers", ROOT / "tests/system/spine_handlers.py", *where)

    def send(self, topic: str, *values: Any) -> None:
        for value in values:
            self.producer.produce(topic, json.dumps(value).encode())
        assert self.producer.flush(30) == 0

    def control(self, **command: Any) -> None:
        self.send(f"{self.prefix}.control", command)

    def get(self, path: str, **params: Any) -> Any:
        return httpx.get(f"{self.url}/api/{path}", params=params, timeout=30).raise_for_status().json()

    def put(self, path: str, body: dict[str, Any]) -> None:
        answer = httpx.put(f"{self.url}/api/{path}", json=body, timeout=30)
        assert answer.is_success, answer.text

    def executions(self) -> dict[str, int]:
        found: dict[str, int] = self.get("stats", blueprint="flow")["executions"]
        return found

    def is_paused(self) -> bool:
        return bool(self.get("blueprints/flow")["paused"])

    def effects(self) -> int:
        return len(self.log_of_effects.read_text().splitlines()) if self.log_of_effects.exists() else 0


def until(holds: Callable[[], bool], patience_s: float = 90) -> None:
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.1)


@pytest.fixture
def server(tmp_path: Path, kafka: str) -> Iterator[Fed]:
    made = Fed(tmp_path, kafka, f"t{time.time_ns()}")
    yield made
    made.stop()


def test_a_flow_is_paused_resumed_and_stopped_by_messages(server: Fed, kafka: str) -> None:
    topic = f"{server.prefix}.orders"
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(topic, num_partitions=3, replication_factor=1)])[topic].result(30)
    server.put("blueprints/flow", {"definition": FLOW})
    trigger = {"kind": "kafka", "blueprint": "flow", "settings": {"topic": topic, "from": "earliest"}}
    server.put("triggers/orders", trigger)
    until(lambda: 'feed="control"' in httpx.get(f"{server.url}/metrics").text)
    order = {"log": str(server.log_of_effects), "work_s": 0.05}
    server.send(topic, *[{**order, "number": number} for number in range(RECORDS)])
    until(lambda: server.effects() > 20)
    server.control(command="pause", blueprint="flow", id="c-1")
    until(server.is_paused)
    quiet = -1
    while quiet != (quiet := server.effects()):
        time.sleep(1)
    held = server.executions()
    assert held.get("SUCCEEDED", 0) < RECORDS
    server.kill()
    time.sleep(2)
    assert (server.effects(), server.executions()) == (quiet, held)
    server.control(command="resume", blueprint="flow", rate=200)
    until(lambda: server.executions() == {"SUCCEEDED": RECORDS})
    assert server.effects() == 2 * RECORDS
    server.control(command="explode", blueprint="flow")
    until(lambda: bool(server.get("kafka/dead-letters")["items"]))
    assert server.get("kafka/dead-letters")["items"][0]["reason"] == "BadControlMessage"
    server.put("blueprints/flow", {"definition": WAIT})
    server.send(topic, *range(5))
    until(lambda: server.executions().get("RUNNING") == 5)
    server.control(command="stop", blueprint="flow", id="c-2")
    until(lambda: server.executions() == {"SUCCEEDED": RECORDS, "ABORTED": 5})
    assert server.is_paused()
