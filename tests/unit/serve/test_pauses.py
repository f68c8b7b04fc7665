"""Pauses over the REST API and the Step Functions API, over a real engine in memory."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.unit.serve.test_routes import PASS, WAIT, put, refused


@pytest.fixture
def rest(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20) as client:
        yield client


def test_a_paused_blueprint_refuses_starts_everywhere_until_it_is_resumed(rest: httpx.Client, sfn: Any) -> None:
    put(rest, "one", PASS)
    paused = rest.post("/api/blueprints/one/pause").json()
    assert (paused["kind"], paused["name"], paused["resumed_at"], paused["held"]) == ("blueprint", "one", None, 0)
    assert rest.get("/api/pauses").json() == {"items": [paused]}
    assert rest.get("/api/blueprints/one").json()["paused"] is True
    assert [each["paused"] for each in rest.get("/api/blueprints").json()["items"]] == [True]
    for path, body in (("/api/executions", {"blueprint": "one"}), ("/triggers/one", {})):
        answer = rest.post(path, json=body)
        refused(answer, 503, "BlueprintPaused")
        assert int(answer.headers["retry-after"]) > 1
    arn = sfn.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    with pytest.raises(ClientError) as found:
        sfn.start_execution(stateMachineArn=arn)
    assert found.value.response["Error"]["Code"] == "BlueprintPaused"
    resumed = rest.post("/api/blueprints/one/resume", json={"rate": 5}).json()
    assert (resumed["rate"], resumed["resumed_at"] is None) == (5, False)
    assert rest.post("/api/executions", json={"blueprint": "one"}).status_code == 201
    assert rest.get("/api/blueprints/one").json()["paused"] is False


def test_what_cannot_be_done_is_said(rest: httpx.Client) -> None:
    put(rest, "one", PASS)
    refused(rest.post("/api/blueprints/none/pause"), 404, "StateMachineDoesNotExist")
    refused(rest.post("/api/blueprints/one/resume"), 404, "NotPaused")
    refused(rest.post("/api/groups/none/pause"), 404, "GroupDoesNotExist")
    refused(rest.post("/api/groups/none/stop"), 404, "GroupDoesNotExist")
    rest.post("/api/blueprints/one/pause")
    for field, value in (("rate", 0), ("rate", 1e9), ("speed", 1)):
        answer = rest.post("/api/blueprints/one/resume", json={field: value})
        assert refused(answer, 400, "ValidationException")["field"] == field
    wrong = rest.put("/api/blueprints/two", json={"definition": PASS, "settings": {"group": 5}})
    assert refused(wrong, 400, "ValidationException")["field"] == "group"


def test_a_group_is_listed_paused_and_stopped(rest: httpx.Client) -> None:
    for name in ("a", "b"):
        put(rest, name, WAIT, settings={"group": "shop"})
    put(rest, "c", WAIT)
    for name in ("a", "b", "c"):
        rest.post("/api/executions", json={"blueprint": name, "name": "n"})
    assert rest.get("/api/groups").json()["items"] == [{"name": "shop", "blueprints": ["a", "b"], "paused": False}]
    rest.post("/api/groups/shop/pause")
    assert rest.get("/api/groups").json()["items"][0]["paused"] is True
    shown = {each["blueprint"]: each["paused"] for each in rest.get("/api/executions").json()["items"]}
    assert shown == {"a": True, "b": True, "c": False}
    assert rest.get("/api/executions/a:n").json()["paused"] is True
    metrics = rest.get("/metrics").text
    assert "sfc_engine_paused 1.0" in metrics
    stopped = rest.post("/api/groups/shop/stop", json={"error": "Recalled"}).json()
    assert stopped == {"stopped": 2, "more": False}
    ended = rest.get("/api/executions/a:n").json()
    assert (ended["status"], ended["error"], ended["paused"]) == ("ABORTED", "Recalled", False)
    assert rest.get("/api/executions/c:n").json()["status"] == "RUNNING"
    assert rest.post("/api/groups/shop/resume").json()["kind"] == "group"


def test_a_new_version_keeps_the_settings_that_are_not_given(rest: httpx.Client) -> None:
    put(rest, "a", WAIT, settings={"group": "shop"})
    assert rest.put("/api/blueprints/a", json={"definition": json.dumps(PASS)}).json()["group"] == "shop"
    assert rest.put("/api/blueprints/a", json={"definition": PASS, "settings": {}}).json()["group"] is None


def test_a_webhook_of_a_paused_blueprint_tells_when_to_come_again(rest: httpx.Client) -> None:
    put(rest, "one", PASS)
    hook = {"kind": "webhook", "blueprint": "one", "settings": {"signature": "none"}}
    assert rest.put("/api/triggers/hook", json=hook).is_success
    rest.post("/api/blueprints/one/pause")
    answer = rest.post("/hooks/hook", json={})
    refused(answer, 503, "BlueprintPaused")
    assert int(answer.headers["retry-after"]) > 1
    rest.post("/api/blueprints/one/resume")
    assert rest.post("/hooks/hook", json={}).is_success
