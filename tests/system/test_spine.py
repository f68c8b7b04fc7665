"""kill -9 of a worker, of the scheduler, of the engine's replica and of everything, in mid-flow: nothing acknowledged
is lost, nothing counts twice.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chance import LONG_S, SEED, turns
from tests.system.cluster import Cluster, await_end, create
from tests.system.survival import HANDLERS, VICTIMS, note, survive

pytestmark = pytest.mark.system


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path / "data", "--handlers", HANDLERS) as running:
        yield running


@pytest.mark.timeout(900)
def test_every_acknowledged_execution_ends_once_though_parts_and_the_whole_are_killed(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A failure prints its seed; SFC_TEST_SEED runs it again."""
    chance = random.Random(SEED)
    victims = chance.sample(VICTIMS, len(VICTIMS))
    survive(cluster, tmp_path, chance, [(chance.uniform(0.5, 3), victim) for victim in victims], 500)


@pytest.mark.chaos
@pytest.mark.timeout(LONG_S)
def test_executions_go_on_for_minutes_while_everything_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    attacks = ((pause_s, chance.choice(VICTIMS)) for pause_s in turns(chance, 0.5, 5))
    survive(cluster, tmp_path, chance, attacks, 500)


@pytest.mark.timeout(300)
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
