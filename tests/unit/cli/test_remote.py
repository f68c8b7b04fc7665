"""Commands that speak to a server, over the real REST API."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sfc.cli.output import Failed
from tests.unit.cli.conftest import Call

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "No", "Cause": "never"}}}
Write = Callable[[Any], Path]


@pytest.fixture(autouse=True)
def server(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFC_URL", url)


def test_a_blueprint_is_put_listed_shown_and_deleted(call: Call, blueprint: Write) -> None:
    assert call("blueprints", "put", blueprint(PASS)).stdout == "flow version 1\n"
    assert "flow" in call("blueprints", "list").stdout
    assert json.loads(call("blueprints", "show", "flow").stdout) == PASS
    assert json.loads(call("blueprints", "show", "flow", "--json").stdout)["kind"] == "STANDARD"
    assert call("blueprints", "delete", "flow").exit_code == 0
    assert json.loads(call("blueprints", "list", "--json").stdout)["items"] == []


def test_start_prints_the_arn_and_with_wait_the_output(call: Call, blueprint: Write) -> None:
    call("blueprints", "put", blueprint(PASS))
    assert call("start", "flow", "--name", "x").stdout.strip().endswith(":execution:flow:x")
    assert call("start", "flow", "--input", '{"a":1}', "--wait").stdout == '{"a":1}\n'
    assert json.loads(call("start", "flow", "--wait", "--json").stdout)["status"] == "SUCCEEDED"


def test_an_execution_that_fails_makes_the_command_fail(call: Call, blueprint: Write) -> None:
    call("blueprints", "put", blueprint(FAIL))
    result = call("start", "flow", "--name", "x", "--wait")
    assert (result.exit_code, str(result.exception)) == (1, "x FAILED: No: never")
    watched = call("executions", "watch", "flow:x")
    assert str(watched.exception) == "x FAILED: No: never"
    assert "FailStateEntered" in watched.stderr


def test_executions_are_listed_shown_looked_back_at_and_stopped(call: Call, blueprint: Write) -> None:
    call("blueprints", "put", blueprint(WAIT))
    call("start", "flow", "--name", "x")
    assert "flow:x" in call("executions", "list", "--status", "running").stdout
    assert "RUNNING" in call("executions", "show", "flow:x").stdout
    assert "WaitStateEntered" in call("executions", "history", "flow:x").stdout
    assert call("executions", "stop", "flow:x", "--error", "Enough").stdout == "x ABORTED\n"
    assert json.loads(call("executions", "show", "flow:x", "--json").stdout)["error"] == "Enough"


def test_a_task_is_answered_for_by_its_token(call: Call, url: str, blueprint: Write) -> None:
    activity = httpx.put(f"{url}/api/activities/pack").json()
    assert activity["arn"] == "arn:aws:states:us-east-1:123456789012:activity:pack"
    pack = {"Type": "Task", "Resource": activity["arn"], "End": True}
    call("blueprints", "put", blueprint({"StartAt": "Pack", "States": {"Pack": pack}}))
    tokens = []
    for name in ("one", "two"):
        call("start", "flow", "--name", name, "--input", f'"{name}"')
        taken = httpx.post(f"{url}/api/activities/pack/tasks", params={"wait": 5, "worker": "w"}).json()
        assert taken["input"] == name
        tokens.append(taken["token"])
    assert call("task", "heartbeat", tokens[0]).exit_code == 0
    assert call("task", "success", tokens[0], '{"done": true}').exit_code == 0
    assert json.loads(call("executions", "show", "flow:one", "--json").stdout)["output"] == {"done": True}
    assert call("task", "failure", tokens[1], "--error", "Torn", "--cause", "the box").exit_code == 0
    failed = json.loads(call("executions", "show", "flow:two", "--json").stdout)
    assert (failed["error"], failed["cause"]) == ("Torn", "the box")
    assert "TaskTimedOut" in str(call("task", "success", tokens[0]).exception)
    assert [each["name"] for each in httpx.get(f"{url}/api/activities").json()["items"]] == ["pack"]
    assert httpx.post(f"{url}/api/activities/pack/tasks").status_code == 204
    assert httpx.delete(f"{url}/api/activities/pack").status_code == 204
    assert httpx.post(f"{url}/api/activities/pack/tasks").status_code == 404


def test_an_error_of_the_server_is_told_as_it_is(call: Call, blueprint: Write) -> None:
    result = call("executions", "show", "flow:none")
    assert isinstance(result.exception, Failed)
    assert "ExecutionDoesNotExist" in str(result.exception)
    broken = call("blueprints", "put", blueprint({"StartAt": "X", "States": {}}))
    assert str(broken.exception).startswith("InvalidDefinition: the definition has errors\n  /States: ")


def test_without_a_server_the_command_says_so(call: Call) -> None:
    result = call("executions", "list", "--url", "http://127.0.0.1:9")
    assert str(result.exception).startswith("no server at http://127.0.0.1:9; start one with `sfc up`")


def test_blueprints_and_groups_are_paused_resumed_and_stopped(call: Call, blueprint: Write) -> None:
    made = call("blueprints", "put", blueprint(WAIT), "--settings", '{"group": "shop"}')
    assert made.stdout == "flow version 1\n"
    call("start", "flow", "--name", "x")
    assert call("blueprints", "pause", "flow").stdout == "flow is paused\n"
    assert call("blueprints", "list").stdout.splitlines()[1].split()[-2:] == ["shop", "yes"]
    refused = call("start", "flow")
    assert (refused.exit_code, "BlueprintPaused" in str(refused.exception)) == (1, True)
    assert call("blueprints", "resume", "flow", "--rate", "5").stdout == "flow goes on, 5 a second; held: 0\n"
    assert json.loads(call("groups", "pause", "shop", "--json").stdout)["kind"] == "group"
    assert call("groups", "list").stdout.splitlines()[1].split() == ["shop", "yes", "flow"]
    assert call("groups", "stop", "shop").exit_code == 2
    assert "RUNNING" in call("executions", "show", "flow:x").stdout
    assert call("groups", "stop", "shop", "--yes", "--cause", "recalled").stdout == "stopped 1 executions\n"
    assert json.loads(call("executions", "show", "flow:x", "--json").stdout)["cause"] == "recalled"
