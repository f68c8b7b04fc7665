"""Events of executions over a real broker, while server and broker are killed: none is missing, and those of an
execution come in order, but for what comes again.
"""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
from confluent_kafka import Consumer

from scripts.kafka import Broker
from tests.system.cluster import ROOT
from tests.system.server import Server

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

Events: TypeAlias = dict[str, list[tuple[str, str]]]
"""(id, type) of all events, in their order, by execution."""
EXECUTIONS = 120
NOTE = {"Type": "Task", "Resource": "task:note"}
FLOW = {"StartAt": "First", "States": {"First": {**NOTE, "Next": "Last"}, "Last": {**NOTE, "End": True}}}
WANTED = [
    "sfc.execution.started", "sfc.state.entered", "sfc.state.exited", "sfc.state.entered", "sfc.state.exited",
    "sfc.execution.succeeded",
]  # fmt: skip


@pytest.fixture
def broker(brokers: Callable[[], Broker]) -> Broker:
    made = brokers()
    made.start()
    return made


@pytest.fixture
def server(tmp_path: Path, broker: Broker) -> Iterator[Server]:
    where = ["--kafka", broker.servers, "--kafka-topic", "partitions=3", "--kafka-topic", "replication=1"]
    made = Server(tmp_path, "--handlers", ROOT / "tests/system/spine_handlers.py", *where)
    yield made
    made.stop()


def read(servers: str) -> Events:
    """Until there are as many different ones as there must be."""
    begin = {"group.id": f"g{time.time_ns()}", "auto.offset.reset": "earliest"}
    consumer = Consumer({"bootstrap.servers": servers, **begin})
    consumer.subscribe(["sfc.events"])
    found: Events = {}
    end = time.monotonic() + 90
    try:
        while sum(len(set(events)) for events in found.values()) < EXECUTIONS * len(WANTED):
            assert time.monotonic() < end, f"events are missing; there are {sum(map(len, found.values()))}"
            for record in consumer.consume(500, 0.5):
                if record.error() is None:
                    headers = dict(record.headers() or [])
                    key = (record.key() or b"").decode()
                    found.setdefault(key, []).append((headers["ce_id"].decode(), headers["ce_type"].decode()))
    finally:
        consumer.close()
    return found


def test_no_event_is_missing_though_server_and_broker_are_killed(
    server: Server, broker: Broker, tmp_path: Path
) -> None:
    chance = random.Random(20261125)
    body: dict[str, Any] = {"definition": FLOW, "settings": {"events": "states"}}
    httpx.put(f"{server.url}/api/blueprints/flow", json=body).raise_for_status()
    places = sorted(chance.sample(range(10, EXECUTIONS), 4))
    kills = dict(zip(places, ["server", "broker", "server", "broker"], strict=True))
    for number in range(EXECUTIONS):
        victim = kills.get(number)
        if victim == "server":
            server.kill()
        elif victim == "broker":
            broker.kill()
            time.sleep(chance.uniform(0.5, 2))
            broker.start()
        order = {"blueprint": "flow", "name": f"n-{number}", "input": {"log": str(tmp_path / "effects")}}
        assert httpx.post(f"{server.url}/api/executions", json=order, timeout=30).status_code == 201
    found = read(broker.servers)
    assert len(found) == EXECUTIONS
    for events in found.values():
        first = list(dict.fromkeys(events))
        assert [kind for _id, kind in first] == WANTED
        numbers = [int(id.partition("/")[2]) for id, _kind in first]
        assert numbers == sorted(numbers)
    assert "Traceback" not in server.log.read_text()
