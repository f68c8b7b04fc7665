"""kill -9 of a worker, of the engine's replica and of everything, in mid-flow: nothing acknowledged is lost, nothing
counts twice.
"""

import json
import os
import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.cluster import REPLICA, ROOT, WORKER, Cluster, await_end, create

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

EXECUTIONS = 500
SEED = int(os.environ.get("SFC_TEST_SEED", "20261124"))


def note(**more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "task:note", **more}


FLOW = {
    "StartAt": "First",
    "States": {
        "First": note(Next="Both"),
        "Both": {
            "Type": "Parallel",
            "ResultSelector": {"log.$": "$[0].log"},
            "Branches": [
                {"StartAt": "Left", "States": {"Left": note(End=True)}},
                {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 1, "Next": "Right"},
                                               "Right": note(End=True)}},
            ],
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemSelector": {"log.$": "$.log"},
            "ItemsPath": "$.three",
            "ItemProcessor": {"StartAt": "Item", "States": {"Item": note(End=True)}},
            "ResultSelector": {"log.$": "$[0].log"},
            "Next": "Last",
        },
        "Last": note(End=True),
    },
}  # fmt: skip
FLOW["States"]["Both"]["ResultSelector"]["three"] = [1, 2, 3]  # type: ignore[index]
EFFECTS = Counter({"First": 1, "Left": 1, "Right": 1, "Item": 3, "Last": 1})


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path / "data", "--handlers", str(ROOT / "tests/system/spine_handlers.py")) as running:
        yield running


class Starter(threading.Thread):
    """Starts the executions one after the other, over and over each until it is acknowledged."""

    def __init__(self, cluster: Cluster, machine: str, log: Path) -> None:
        super().__init__(daemon=True)
        self.cluster, self.machine, self.log = cluster, machine, log
        self.acknowledged: list[str] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for number in range(EXECUTIONS):
                answer = self.cluster.call_until_answered(
                    "StartExecution", stateMachineArn=self.machine, name=f"e-{number}",
                    input=json.dumps({"log": str(self.log)}))  # fmt: skip
                self.acknowledged.append(answer["executionArn"])
        except BaseException as error:  # noqa: BLE001 - shown by the test
            self.failure = error


def test_every_acknowledged_execution_ends_once_though_parts_and_the_whole_are_killed(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A failure prints its seed; SFC_TEST_SEED runs it again."""
    chance, log = random.Random(SEED), tmp_path / "effects"
    starter = Starter(cluster, create(cluster, "flow", FLOW), log)
    starter.start()
    victims = [WORKER] * 4 + [REPLICA] * 2 + ["everything"]
    chance.shuffle(victims)
    for victim in victims:
        time.sleep(chance.uniform(0.5, 3))
        if victim == "everything":
            cluster.kill_everything()
            cluster.start()
        else:
            cluster.kill(victim, chance.randrange(10))
    starter.join(300)
    assert starter.failure is None, (SEED, starter.failure)
    assert len(starter.acknowledged) == EXECUTIONS, SEED
    for execution in starter.acknowledged:
        assert await_end(cluster, execution)["status"] == "SUCCEEDED", (SEED, execution)
    check_effects(log, starter.acknowledged)
    check_journal(cluster.data)


def check_effects(log: Path, executions: list[str]) -> None:
    """Side effects repeat only under the same idempotency key."""
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in log.read_text().splitlines():
        execution, state, key = line.split()
        keys[execution, state].add(key)
    for execution in executions:
        counts = Counter({state: len(keys[execution, state]) for state in EFFECTS})
        assert counts == EFFECTS, (SEED, execution, counts)


def check_journal(data: Path) -> None:
    """No execution stands twice in the journal, and no answer counts twice."""
    database = next(data.glob("*.db"))
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        starts = connection.execute("SELECT count(*), count(DISTINCT execution) FROM journal WHERE kind = 1").fetchone()
        doubled = connection.execute(
            "SELECT execution, task, attempt, count(*) FROM journal WHERE kind IN (2, 3)"
            " GROUP BY 1, 2, 3 HAVING count(*) > 1"
        ).fetchall()
    assert starts == (EXECUTIONS, EXECUTIONS), SEED
    assert doubled == [], SEED


def test_a_job_that_kills_its_worker_three_times_fails_and_the_server_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    doomed = {"StartAt": "D", "States": {"D": {"Type": "Task", "Resource": "task:die", "End": True}}}
    machine = create(cluster, "doomed", doomed)
    started = cluster.call_until_answered("StartExecution", stateMachineArn=machine)
    record = await_end(cluster, started["executionArn"])
    assert (record["status"], record["error"]) == ("FAILED", "SFC.WorkerLost")
    healthy = create(cluster, "healthy", {"StartAt": "N", "States": {"N": note(End=True)}})
    given = json.dumps({"log": str(tmp_path / "log")})
    after = cluster.call_until_answered("StartExecution", stateMachineArn=healthy, input=given)
    assert await_end(cluster, after["executionArn"])["status"] == "SUCCEEDED"
