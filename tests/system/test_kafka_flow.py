"""A flow that is fed from a topic, paused at full flow, and with a broker that is away: the long forms of `make chaos`
take minutes."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from scripts.kafka import Broker
from serve.platform.state import read_state
from tests.system.cluster import Cluster, create, wait_for
from tests.system.test_kafka import FLOW, PASS, Topic, bind, counts, inputs, up

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

FLOW_RATE = 400
"""Records a second before the pause."""
RATE = 200
"""Records a second after the resume."""
BURST_MS = 1_000
"""How much of what a busy machine has missed may be made up for at once."""


def started_at(cluster: Cluster) -> list[int]:
    """When executions began, UTC ms, in order."""
    with sqlite3.connect(f"file:{cluster.data / 'sfc.db'}?mode=ro", uri=True) as database:
        return [row[0] for row in database.execute("SELECT at FROM journal WHERE kind = 1 ORDER BY at")]


def post(cluster: Cluster, path: str, **body: object) -> None:
    httpx.post(f"{cluster.url}/api/{path}", json=body, timeout=30).raise_for_status()


def pause_at_full_flow(tmp_path: Path, broker: Broker, records: int, seconds: float) -> None:
    broker.start()
    topic = Topic(broker.servers)
    with up(tmp_path / "data", broker.servers) as cluster:
        create(cluster, "flow", FLOW)
        bind(cluster, topic)
        writer = threading.Thread(target=lambda: write_steadily(topic, records))
        writer.start()
        wait_for(lambda: counts(cluster).get("SUCCEEDED", 0) >= records // 10)
        post(cluster, "blueprints/flow/pause")
        writer.join()
        # What was handed to workers comes to its end; nothing else begins.
        wait_for(lambda: settled(cluster), 60)
        before = counts(cluster)
        assert sum(before.values()) < records, "the pause came too late to see anything"
        threading.Event().wait(seconds)
        assert counts(cluster) == before
        begun = started_at(cluster)
        post(cluster, "blueprints/flow/resume", rate=RATE)
        wait_for(lambda: counts(cluster).get("SUCCEEDED", 0) >= records, 300)
        assert counts(cluster) == {"SUCCEEDED": records}
        assert Counter(each["number"] for each in inputs(cluster)) == Counter(range(records))
        after = started_at(cluster)[len(begun) :]
    keeps_to_the_rate(after)


def write_steadily(topic: Topic, records: int) -> None:
    while topic.written < records:
        topic.write(min(FLOW_RATE // 10, records - topic.written))
        threading.Event().wait(0.1)


def told_by_the_engine(cluster: Cluster) -> list[str]:
    state = read_state(cluster.data)
    assert state is not None
    assert state.ray_directory is not None
    logs = Path(state.ray_directory).glob("session_2*/logs/serve/replica_*.log")
    return [line for log in logs for line in log.read_text(errors="replace").splitlines()]


def settled(cluster: Cluster) -> bool:
    """Nothing changes for a second."""
    first = counts(cluster)
    threading.Event().wait(1)
    return first == counts(cluster)


def keeps_to_the_rate(starts: list[int]) -> None:
    """In whatever part of the time: no more than the rate gives for it."""
    for window_ms in (1_000, 3_000):
        most = RATE * (window_ms + BURST_MS) / 1_000
        first = 0
        for last, at in enumerate(starts):
            while starts[first] < at - window_ms:
                first += 1
            assert last - first < most, f"{last - first + 1} starts within {window_ms} ms"


def test_a_flow_that_is_paused_at_full_flow_goes_on_at_the_rate_it_is_given(
    tmp_path: Path, brokers: Callable[[], Broker]
) -> None:
    pause_at_full_flow(tmp_path, brokers(), records=1_500, seconds=2)


@pytest.mark.chaos
def test_a_flow_that_is_paused_for_a_minute_loses_and_doubles_nothing(
    tmp_path: Path, brokers: Callable[[], Broker]
) -> None:
    pause_at_full_flow(tmp_path, brokers(), records=20_000, seconds=60)


@pytest.mark.chaos
def test_a_broker_that_is_away_for_two_minutes_holds_up_only_what_needs_it(
    tmp_path: Path, brokers: Callable[[], Broker]
) -> None:
    """Executions with jobs over Kafka wait, those started by HTTP go on, and the log says it in two lines."""
    broker = brokers()
    broker.start()
    topic, parcels = Topic(broker.servers), Topic(broker.servers)
    ship = {"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": f"kafka:{parcels.name}", "End": True}}}
    with up(tmp_path / "data", broker.servers) as cluster:
        create(cluster, "flow", FLOW)
        create(cluster, "ship", ship)
        create(cluster, "pass", PASS)
        bind(cluster, topic)
        topic.write(1_000)
        wait_for(lambda: counts(cluster).get("SUCCEEDED", 0) == 1_000)
        broker.kill()
        over = threading.Event()
        for number in range(60):
            body = {"blueprint": "ship", "input": {"number": number}}
            httpx.post(f"{cluster.url}/api/executions", json=body, timeout=30).raise_for_status()
            answer = httpx.post(f"{cluster.url}/triggers/pass", params={"wait": 5}, json={}, timeout=30)
            assert answer.status_code == 200, answer.text
            over.wait(2)
        assert counts(cluster) == {"SUCCEEDED": 1_060, "RUNNING": 60}
        broker.start()
        topic.write(1_000)
        wait_for(lambda: counts(cluster) == {"SUCCEEDED": 2_120}, 120)
        said = [line for line in told_by_the_engine(cluster) if "cannot be reached" in line]
    assert 1 <= len(said) <= 4, said
