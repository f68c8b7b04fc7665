"""The engine is replaced and killed while jobs run: the next one finds them at the workers and repeats none."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.platform.state import read_state
from serve.settings import Settings
from tests.system.cluster import REPLICA, ROOT, WORKER, Cluster, await_end, create, wait_for
from tests.system.dispatching import HANDLERS, begun

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

LONG = 30
"""Jobs of each kind that run all the time."""
UPDATES = ("eu-west-1", "eu-west-2")


def flow(*tasks: str) -> dict[str, Any]:
    """One task after the other; each is given the execution's input."""
    states: dict[str, Any] = {
        task: {"Type": "Task", "Resource": f"task:{task}", "ResultPath": None, "Next": after}
        for task, after in zip(tasks, [*tasks[1:], "End"], strict=True)
    }
    return {"StartAt": tasks[0], "States": {**states, "End": {"Type": "Succeed"}}}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path / "data", "--handlers", HANDLERS) as running:
        yield running


def update(cluster: Cluster, **changes: Any) -> None:
    """Have Serve replace the engine by one with other settings, as a new release of it would be."""
    state = read_state(cluster.data)
    assert state is not None
    settings = replace(Settings(data=str(cluster.data), port=cluster.port, workers=2, handlers=(HANDLERS,)), **changes)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": f"{state.ray_directory}/token",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "SFC_RAY_ADDRESS": str(state.ray_address),
    }
    done = subprocess.run(
        [sys.executable, "-m", "serve.deploy", "deploy", json.dumps(settings.to_json())],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cluster.await_ready()


class Traffic(threading.Thread):
    """Starts executions one after the other, each under its name until it is acknowledged."""

    def __init__(self, cluster: Cluster, machine: str, notes: Path) -> None:
        super().__init__(daemon=True)
        self.cluster, self.machine, self.notes = cluster, machine, notes
        self.acknowledged: list[str] = []
        self.failure: BaseException | None = None
        self.enough = threading.Event()

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                self.acknowledged.append(start(self.cluster, self.machine, len(self.acknowledged), self.notes))
        except BaseException as error:  # noqa: BLE001 - shown by the test
            self.failure = error

    def end(self) -> None:
        self.enough.set()
        self.join(120)
        assert self.failure is None, self.failure


def start(cluster: Cluster, machine: str, n: int, notes: Path, **more: str) -> str:
    given = json.dumps({"n": n, "notes": str(notes), **more})
    answer = cluster.call_until_answered("StartExecution", stateMachineArn=machine, name=f"x{n}", input=given)
    return str(answer["executionArn"])


def pids(cluster: Cluster, title: str) -> set[int]:
    return {process.pid for process in cluster.processes(title)}


def test_no_running_job_is_repeated_when_the_engine_is_updated_or_killed(cluster: Cluster, tmp_path: Path) -> None:
    """Long jobs in the common pool and in one of their own; short ones pass all the time."""
    go, long_notes, short_notes = tmp_path / "go", tmp_path / "long", tmp_path / "short"
    shared, own = (create(cluster, name, flow("wait-for-file")) for name in ("shared", "own"))
    policy = {"mode": "specific", "size": 1}
    httpx.patch(f"{cluster.url}/api/pools/own", json=policy, timeout=30).raise_for_status()
    running = [start(cluster, shared, n, long_notes, file=str(go)) for n in range(LONG)]
    running += [start(cluster, own, n, long_notes, file=str(go)) for n in range(LONG, 2 * LONG)]
    wait_for(lambda: len(begun(long_notes)) == 2 * LONG)
    workers = pids(cluster, WORKER)
    engines = pids(cluster, REPLICA)
    traffic = Traffic(cluster, create(cluster, "short", flow("note", "note-in-thread")), short_notes)
    traffic.start()
    for region in UPDATES:
        update(cluster, aws_region=region)
        before, engines = engines, pids(cluster, REPLICA)
        assert before.isdisjoint(engines)
    passed = len(traffic.acknowledged)
    wait_for(lambda: len(traffic.acknowledged) > passed + 20)
    traffic.end()
    for execution in traffic.acknowledged:
        assert await_end(cluster, execution)["status"] == "SUCCEEDED", execution
    counts = Counter(n for n, _ in begun(short_notes))
    assert counts == dict.fromkeys(range(len(traffic.acknowledged)), 2)  # two states each, every one once
    assert cluster.kill(REPLICA)
    cluster.await_ready()
    go.touch()
    for execution in running:
        assert await_end(cluster, execution)["status"] == "SUCCEEDED", execution
    assert sorted(n for n, _ in begun(long_notes)) == list(range(2 * LONG))
    assert pids(cluster, WORKER) == workers


def test_promotions_and_the_days_counts_outlive_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    machine = create(cluster, "counted", flow("note"))

    def counted() -> int:
        found = httpx.get(f"{cluster.url}/api/pools/counted", timeout=30).json()
        return int(found["executions_a_day"])

    for n in range(7):
        await_end(cluster, start(cluster, machine, n, tmp_path / "notes"))
    wait_for(lambda: counted() == 7)
    wait_for(lambda: "ready at" in cluster.log.read_text())  # before that, an end of it is no orderly one
    cluster.stop()
    cluster.start()
    wait_for(lambda: counted() == 7)
    await_end(cluster, start(cluster, machine, 7, tmp_path / "notes"))
    wait_for(lambda: counted() == 8)
