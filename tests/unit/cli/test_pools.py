"""`sfc pool …` and `sfc top`, over the real REST API and a scheduler whose workers are names."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.pools import SimulatedScheduler, pooled_engine
from tests.support.server import serving
from tests.unit.cli.conftest import Call

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


@pytest.fixture
def scheduler() -> SimulatedScheduler:
    return SimulatedScheduler()


@pytest.fixture(autouse=True)
def orders(
    scheduler: SimulatedScheduler, call: Call, blueprint: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A server with a blueprint `flow`."""
    with serving(make=lambda: pooled_engine(scheduler)) as url:
        monkeypatch.setenv("SFC_URL", url)
        call("blueprints", "put", blueprint(PASS))
        yield


def test_a_policy_is_set_shown_and_reset(call: Call) -> None:
    words = "pool set flow --mode specific --sla S1 --min 1 --max 4 --target 9 --idle-s 5 --cpus 0.5 --gpus 0"
    words += " --queue-timeout-s 30"
    assert call(*words.split(), "--resource", "license=1", "--env", "A=b=c", "--concurrency", 7).exit_code == 0
    policy = json.loads(call("pool", "show", "flow", "--json").stdout)["policy"]
    assert policy == {
        "mode": "specific", "sla": "S1", "min": 1, "max": 4, "target": 9, "idle_s": 5.0, "queue_timeout_s": 30.0,
        "size": None, "cpus": 0.5, "gpus": 0.0, "resources": {"license": 1.0}, "concurrency": 7, "env": {"A": "b=c"},
    }  # fmt: skip
    assert "specific" in call("pool", "show", "flow").stdout
    assert json.loads(call("pool", "set", "flow", "--reset", "--json").stdout)["mode"] == "auto"


@pytest.mark.parametrize(
    "words",
    [
        "set flow",
        "set flow --resource license",
        "set flow --resource license=much",
        "set flow --env =1",
        "scale flow many",
    ],
)
def test_what_makes_no_sense_is_a_usage_error(call: Call, words: str) -> None:
    assert call("pool", *words.split()).exit_code == 2


def test_what_the_server_refuses_is_one_line(call: Call) -> None:
    assert "pool.max" in str(call("pool", "set", "flow", "--max", 0).exception)


def test_a_pool_is_scaled_drained_and_explained(call: Call) -> None:
    call("pool", "set", "flow", "--mode", "specific")
    assert "3 workers" in call("pool", "scale", "flow", "3").stderr
    assert "replaced" in call("pool", "drain", "flow").stderr
    assert "fixed at 3 by hand" in call("pool", "why", "flow").stdout
    assert json.loads(call("pool", "why", "flow", "--json").stdout)["items"][0]["what"] == "grow"
    assert "follows its load" in call("pool", "scale", "flow", "auto").stderr


def test_the_table_tells_workers_jobs_and_the_last_decision(call: Call, scheduler: SimulatedScheduler) -> None:
    call("pool", "set", "flow", "--mode", "specific")
    scheduler.load("flow", 150)
    for command in (("pool", "list"), ("top", "--once")):
        table = call(*command).stdout
        assert "common" in table
        (line,) = [line for line in table.splitlines() if line.startswith("flow")]
        assert line.split()[:6] == ["flow", "specific", "S2", "2", "2", "150"]
        assert "grow" in line
    assert json.loads(call("top", "--json").stdout)["items"][1]["in_flight"] == 150


def test_watch_prints_each_decision_once(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(range(2))

    def pause(_seconds: float) -> None:
        if next(looks, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr("sfc.cli.pools.time.sleep", pause)
    lines = call("pool", "watch", "common").stdout.splitlines()
    assert len(lines) == 1
    assert "grow" in lines[0]
