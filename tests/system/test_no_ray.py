"""`sfc up --no-ray`: the same server in one process."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.system.cluster import free_port
from tests.system.server import SFC, Server

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

DOUBLE = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "task:double", "End": True}}}
HANDLERS = "from sfc.tasks import task\n\n@task('double')\ndef double(n: int) -> int:\n    return 2 * n\n"


def sfc(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([SFC, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def start(directory: Path) -> Server:
    (directory / "handlers.py").write_text(HANDLERS)
    (directory / "double.asl.json").write_text(json.dumps(DOUBLE))
    return Server(directory, "--handlers", directory / "handlers.py")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = start(tmp_path)
    yield server
    server.stop()


def test_a_trigger_is_answered_by_a_handler_of_the_process(server: Server) -> None:
    answer = httpx.post(f"{server.url}/triggers/double", params={"wait": 10}, json=21)
    assert (answer.status_code, answer.json()) == (200, 42)


def test_status_tells_a_second_up_is_refused_and_down_ends_it(server: Server) -> None:
    told = json.loads(sfc("status", "--data", server.data, "--json").stdout)
    assert (told["url"], told["ray"], told["pid"]) == (server.url, None, server.process.pid)
    second = sfc("up", "--no-ray", "--data", server.data)
    assert (second.returncode, "already" in second.stderr) == (1, True)
    assert sfc("down", "--data", server.data).returncode == 0
    assert server.process.wait(10) == 0
    assert sfc("status", "--data", server.data).stderr == f"sfc: no `sfc up` runs on {server.data}\n"


def test_what_was_acknowledged_is_there_after_a_kill(server: Server) -> None:
    answer = httpx.post(f"{server.url}/triggers/double", json=21, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202
    server.kill()
    ended = {"status": "RUNNING"}
    deadline = time.monotonic() + 30
    while ended["status"] == "RUNNING" and time.monotonic() < deadline:
        ended = httpx.get(f"{server.url}/api/executions/double:k", params={"wait": 5}, timeout=20).json()
    assert ended["status"] == "SUCCEEDED"


def test_what_waits_for_others_goes_on_after_kills(server: Server) -> None:
    """A parent waits for a child that waits for an activity's worker; the server is killed at each step."""
    activity = httpx.put(f"{server.url}/api/activities/pack").json()["arn"]
    machine = activity.replace("activity:pack", "stateMachine:packing")
    pack = {"Type": "Task", "Resource": activity, "End": True}
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": machine, "Input.$": "$"},
        "OutputPath": "$.Output",
        "End": True,
    }
    for name, state in (("packing", pack), ("parent", start)):
        definition = {"StartAt": "S", "States": {"S": state}}
        made = httpx.post(f"{server.url}/api/blueprints", json={"name": name, "definition": definition})
        assert made.status_code == 201, made.text
    order = {"blueprint": "parent", "name": "p", "input": {"order": 1}}
    assert httpx.post(f"{server.url}/api/executions", json=order).status_code == 201
    server.kill()
    task = httpx.post(f"{server.url}/api/activities/pack/tasks", params={"wait": 15}, timeout=30).json()
    assert task["input"] == {"order": 1}
    server.kill()
    answer = {"token": task["token"], "output": {"packed": True}}
    assert httpx.post(f"{server.url}/api/tasks/success", json=answer).status_code == 204
    server.kill()
    ended = httpx.get(f"{server.url}/api/executions/parent:p", params={"wait": 15}, timeout=30).json()
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", {"packed": True})
    assert len(httpx.get(f"{server.url}/api/executions", params={"blueprint": "packing"}).json()["items"]) == 1


def test_a_broken_blueprint_is_left_out_and_the_server_runs(tmp_path: Path) -> None:
    (tmp_path / "broken.asl.json").write_text("{")
    server = start(tmp_path)
    try:
        items = httpx.get(f"{server.url}/api/blueprints").json()["items"]
        assert [blueprint["name"] for blueprint in items] == ["double"]
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--store", "postgresql://x", "only sqlite"),
        ("--blueprints", "/no/such", "no directory"),
        ("--workers", "0", "greater than or equal to 1"),
    ],
)
def test_an_option_that_makes_no_sense_is_a_usage_error(tmp_path: Path, option: str, value: str, reason: str) -> None:
    result = sfc("up", "--data", tmp_path / "data", option, value)
    assert result.returncode == 2
    assert reason in result.stderr
    assert not (tmp_path / "data").exists()


def test_handlers_that_cannot_be_loaded_are_told_in_one_line(tmp_path: Path) -> None:
    result = sfc("up", "--no-ray", "--data", tmp_path / "data", "--port", free_port(), "--handlers", "no.such.module")
    assert result.returncode == 1
    assert "cannot load handlers from no.such.module" in result.stderr.splitlines()[-1]
