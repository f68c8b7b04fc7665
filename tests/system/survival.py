"""Executions whose effects can be counted, started while parts of the server are killed."""

import json
import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.support.chance import SEED
from tests.system.cluster import REPLICA, ROOT, SCHEDULER, WORKER, Cluster, await_end, create

HANDLERS = str(ROOT / "tests/system/spine_handlers.py")
EVERYTHING = "everything"
VICTIMS = [WORKER] * 4 + [SCHEDULER, REPLICA, REPLICA, EVERYTHING]


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


class Starter(threading.Thread):
    """Starts the executions one after the other, over and over each until it is acknowledged."""

    def __init__(self, cluster: Cluster, machine: str, log: Path, enough: Callable[[int], bool]) -> None:
        super().__init__(daemon=True)
        self.cluster, self.machine, self.log, self.enough = cluster, machine, log, enough
        self.acknowledged: list[str] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.enough(number := len(self.acknowledged)):
                answer = self.cluster.call_until_answered(
                    "StartExecution", stateMachineArn=self.machine, name=f"e-{number}",
                    input=json.dumps({"log": str(self.log)}))  # fmt: skip
                self.acknowledged.append(answer["executionArn"])
        except BaseException as error:  # noqa: BLE001 - shown by the test
            self.failure = error


def survive(
    cluster: Cluster, directory: Path, chance: random.Random, attacks: Iterable[tuple[float, str]], executions: int
) -> None:
    """Kill a victim after each pause (s), with executions under way all the time, at least so many; all end as they
    should. A failure prints its seed.
    """
    log = directory / "effects"
    over = threading.Event()
    starter = Starter(
        cluster, create(cluster, "flow", FLOW), log, lambda started: started >= executions and over.is_set()
    )
    starter.start()
    for pause_s, victim in attacks:
        time.sleep(pause_s)
        if victim == EVERYTHING:
            cluster.kill_everything()
            cluster.start()
        else:
            cluster.kill(victim, chance.randrange(10))
    over.set()
    starter.join(600)
    assert starter.failure is None, (SEED, starter.failure)
    assert not starter.is_alive(), SEED
    for execution in starter.acknowledged:
        assert await_end(cluster, execution)["status"] == "SUCCEEDED", (SEED, execution)
    check_effects(log, starter.acknowledged)
    check_journal(cluster.data, len(starter.acknowledged))


def check_effects(log: Path, executions: list[str]) -> None:
    """Side effects repeat only under the same idempotency key."""
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in log.read_text().splitlines():
        execution, state, key = line.split()
        keys[execution, state].add(key)
    for execution in executions:
        counts = Counter({state: len(keys[execution, state]) for state in EFFECTS})
        assert counts == EFFECTS, (SEED, execution, counts)


def check_journal(data: Path, executions: int) -> None:
    """No execution stands twice in the journal, and no answer counts twice."""
    database = next(data.glob("*.db"))
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        starts = connection.execute("SELECT count(*), count(DISTINCT execution) FROM journal WHERE kind = 1").fetchone()
        doubled = connection.execute(
            "SELECT execution, task, attempt, count(*) FROM journal WHERE kind IN (2, 3)"
            " GROUP BY 1, 2, 3 HAVING count(*) > 1"
        ).fetchall()
    assert starts == (executions, executions), SEED
    assert doubled == [], SEED
