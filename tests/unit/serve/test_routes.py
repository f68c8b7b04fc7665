"""The REST API over a real engine in memory."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "No", "Cause": "never"}}}
ARN = "arn:aws:states:us-east-1:123456789012:execution"


@pytest.fixture
def rest(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20) as client:
        yield client


def put(rest: httpx.Client, name: str, definition: dict[str, Any], **more: Any) -> None:
    assert rest.put(f"/api/blueprints/{name}", json={"definition": definition, **more}).is_success


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error body, which has the same four fields everywhere."""
    body: dict[str, Any] = answer.json()
    assert set(body) == {"error", "message", "field", "diagnostics"}
    assert (answer.status_code, body["error"]) == (status, code)
    return body


def test_a_blueprint_is_created_shown_changed_and_deleted(rest: httpx.Client) -> None:
    made = rest.post("/api/blueprints", json={"name": "one", "definition": PASS})
    assert (made.status_code, made.headers["location"]) == (201, "/api/blueprints/one")
    assert rest.get("/api/blueprints/one").json() == made.json()
    assert made.json()["definition"] == PASS
    refused(rest.post("/api/blueprints", json={"name": "one", "definition": WAIT}), 409, "StateMachineAlreadyExists")
    changed = rest.put("/api/blueprints/one", json={"definition": json.dumps(WAIT)})
    assert (changed.status_code, changed.json()["definition"]) == (200, WAIT)
    assert changed.json()["version"] > made.json()["version"]
    assert [b["name"] for b in rest.get("/api/blueprints").json()["items"]] == ["one"]
    assert rest.delete("/api/blueprints/one").status_code == 204
    while (gone := rest.get("/api/blueprints/one")).json()["error"] == "StateMachineDeleting":
        assert gone.status_code == 404
    refused(gone, 404, "StateMachineDoesNotExist")


def test_putting_a_blueprint_that_is_not_there_makes_it(rest: httpx.Client) -> None:
    assert rest.put("/api/blueprints/one", json={"definition": PASS, "kind": "EXPRESS"}).status_code == 201
    assert rest.get("/api/blueprints/one").json()["kind"] == "EXPRESS"


def test_a_broken_definition_is_refused_with_every_finding(rest: httpx.Client) -> None:
    broken = {"StartAt": "X", "States": {"A": {"Type": "Pass", "Next": "Y"}}}
    body = refused(rest.post("/api/blueprints", json={"name": "a", "definition": broken}), 400, "InvalidDefinition")
    assert body["field"] == "definition"
    assert {"/StartAt", "/States/A/Next"} <= {finding["location"] for finding in body["diagnostics"]}
    checked = rest.post("/api/blueprints/validate", json={"definition": broken}).json()
    assert checked == {"result": "FAIL", "diagnostics": body["diagnostics"]}
    assert rest.post("/api/blueprints/validate", json={"definition": PASS}).json()["result"] == "OK"


def test_an_execution_is_started_awaited_and_looked_back_at(rest: httpx.Client) -> None:
    put(rest, "one", PASS)
    started = rest.post("/api/executions", json={"blueprint": "one", "input": {"a": 1}, "name": "x"})
    assert (started.status_code, started.headers["location"]) == (201, f"/api/executions/{ARN}:one:x")
    ended = rest.get("/api/executions/one:x", params={"wait": 10}).json()
    assert (ended["status"], ended["input"], ended["output"]) == ("SUCCEEDED", {"a": 1}, {"a": 1})
    assert rest.get(started.headers["location"]).json() == ended
    history = rest.get("/api/executions/one:x/history", params={"limit": 1}).json()
    assert history["items"][0]["type"] == "ExecutionStarted"
    assert history["items"][0]["timestamp"].startswith("20")
    assert history["next_token"]
    assert [e["name"] for e in rest.get("/api/executions", params={"blueprint": "one"}).json()["items"]] == ["x"]
    assert rest.get("/api/executions", params={"status": "FAILED"}).json()["items"] == []


def test_a_running_execution_is_stopped(rest: httpx.Client) -> None:
    put(rest, "one", WAIT)
    rest.post("/api/executions", json={"blueprint": "one", "name": "x"})
    stopped = rest.post("/api/executions/one:x/stop", json={"error": "Enough"}).json()
    assert (stopped["status"], stopped["error"]) == ("ABORTED", "Enough")


def test_events_are_streamed_to_the_end_and_resumed_after_the_last_one_seen(rest: httpx.Client) -> None:
    put(rest, "one", PASS)
    rest.post("/api/executions", json={"blueprint": "one", "name": "x"})
    whole = rest.get("/api/executions/one:x/events")
    assert whole.headers["content-type"].startswith("text/event-stream")
    kinds = [line.removeprefix("event: ") for line in whole.text.splitlines() if line.startswith("event: ")]
    assert kinds == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded", "end"]
    rest_of_it = rest.get("/api/executions/one:x/events", headers={"Last-Event-ID": "3"}).text
    assert [line for line in rest_of_it.splitlines() if line.startswith("id: ")] == ["id: 4"]
    refused(rest.get("/api/executions/one:none/events"), 404, "ExecutionDoesNotExist")


def test_a_trigger_starts_an_execution_and_says_where_it_is(rest: httpx.Client) -> None:
    put(rest, "one", WAIT)
    answer = rest.post("/triggers/one", json={"a": 1})
    assert (answer.status_code, answer.json()["status"]) == (202, "RUNNING")
    assert rest.get(answer.headers["location"]).json()["input"] == {"a": 1}


def test_a_trigger_that_waits_answers_with_the_output(rest: httpx.Client) -> None:
    put(rest, "one", PASS)
    answer = rest.post("/triggers/one", params={"wait": 10}, json=[1, 2])
    assert (answer.status_code, answer.json()) == (200, [1, 2])
    put(rest, "quick", PASS, kind="EXPRESS")
    assert rest.post("/triggers/quick", params={"wait": 10}, json=7).json() == 7


def test_a_trigger_that_waits_for_a_failure_tells_it(rest: httpx.Client) -> None:
    put(rest, "one", FAIL)
    body = refused(rest.post("/triggers/one", params={"wait": 10}), 422, "No")
    assert body["message"] == "never"


def test_a_repeated_idempotency_key_answers_for_the_first_execution(rest: httpx.Client) -> None:
    put(rest, "one", PASS)
    headers = {"Idempotency-Key": "k"}
    first = rest.post("/triggers/one", params={"wait": 10}, json={"a": 1}, headers=headers)
    again = rest.post("/triggers/one", params={"wait": 10}, json={"a": 1}, headers=headers)
    assert (again.status_code, again.json()) == (200, {"a": 1})
    assert again.headers["location"] == first.headers["location"]
    refused(rest.post("/triggers/one", json={"a": 2}, headers=headers), 409, "ExecutionAlreadyExists")
    assert len(rest.get("/api/executions").json()["items"]) == 1


BAD = [
    pytest.param("POST", "/api/executions", b'{"blueprint": "x",\n  oops', 400, "MalformedJson", id="broken JSON"),
    pytest.param("POST", "/triggers/one", b'{"a"', 400, "MalformedJson", id="a trigger's broken JSON"),
    pytest.param("POST", "/triggers/one", b'"\xff"', 400, "MalformedJson", id="a trigger's broken UTF-8"),
    pytest.param("POST", "/triggers/one", b"[" * 20_000 + b"]" * 20_000, 400, "MalformedJson", id="nested deeply"),
    pytest.param("POST", "/triggers/one", b'"' + b"x" * 262_143 + b'"', 400, "InvalidExecutionInput", id="large input"),
    pytest.param("POST", "/triggers/one", b" " * 5_000_000, 413, "RequestTooLarge", id="a body of many megabytes"),
    pytest.param("POST", "/triggers/none", b"{}", 404, "StateMachineDoesNotExist", id="an unknown blueprint"),
    pytest.param("POST", "/api/executions", b"{}", 400, "ValidationException", id="a missing field"),
    pytest.param(
        "POST", "/api/executions", b'{"blueprint": "one", "input_": 1}', 400, "ValidationException", id="a typo"
    ),
    pytest.param("POST", "/api/blueprints", b"[" * 20_000 + b"]" * 20_000, 400, "BadRequest", id="nesting in a body"),
    pytest.param("GET", "/api/executions?limit=0", b"", 400, "ValidationException", id="a bad parameter"),
    pytest.param("GET", "/api/executions/nonsense", b"", 400, "InvalidArn", id="a bad ARN"),
    pytest.param("GET", "/nowhere", b"", 404, "NotFound", id="an unknown path"),
    pytest.param("PATCH", "/api/executions", b"", 405, "MethodNotAllowed", id="another method"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), BAD)
def test_refused_is(rest: httpx.Client, method: str, path: str, body: bytes, status: int, code: str) -> None:
    put(rest, "one", PASS)
    refused(rest.request(method, path, content=body, headers={"content-type": "application/json"}), status, code)
    assert rest.get("/health").json()["status"] == "ok"


def test_malformed_json_is_refused_with_its_place(rest: httpx.Client) -> None:
    body = b'{"blueprint": "x",\n  oops}'
    answer = rest.post("/api/executions", content=body, headers={"content-type": "application/json"})
    assert "line 2, column 3" in answer.json()["message"]


def test_the_pages_for_people_show_what_is_there(rest: httpx.Client) -> None:
    put(rest, "one", PASS)
    rest.post("/triggers/one", params={"wait": 10})
    page = rest.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "one" in page.text
    assert "succeeded" in page.text
    assert "swagger" in rest.get("/docs").text


def test_every_operation_is_described_and_documents_its_errors(rest: httpx.Client) -> None:
    described = rest.get("/openapi.json").json()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), f"{method} {path}"
            if path.startswith(("/api/blueprints", "/api/executions", "/triggers")):
                assert operation["responses"]["400"]["content"]["application/json"]["schema"]["$ref"].endswith(
                    "ErrorBody"
                )


def test_figures_count_executions_by_status(rest: httpx.Client) -> None:
    put(rest, "one", PASS)
    rest.post("/triggers/one", params={"wait": 10})
    assert rest.get("/api/stats").json()["executions"]["SUCCEEDED"] == 1
    assert rest.get("/api/workers").json() == {"items": []}


def test_releases_are_published_listed_started_through_and_deleted(rest: httpx.Client) -> None:
    put(rest, "one", PASS)
    first = rest.post("/api/blueprints/one/releases", json={"description": "first"})
    assert (first.status_code, first.json()["number"], first.json()["description"]) == (201, 1, "first")
    assert rest.post("/api/blueprints/one/releases").json() == first.json()
    put(rest, "one", FAIL)
    rest.post("/api/blueprints/one/releases")
    page = rest.get("/api/blueprints/one/releases", params={"limit": 1}).json()
    assert [each["number"] for each in page["items"]] == [2]
    rest_of_them = rest.get("/api/blueprints/one/releases", params={"token": page["next_token"]}).json()
    assert [each["number"] for each in rest_of_them["items"]] == [1]
    started = rest.post("/api/executions", json={"blueprint": first.json()["arn"]}).json()
    assert (started["release"], started["alias"]) == (1, None)
    assert rest.delete("/api/blueprints/one/releases/2").status_code == 204
    refused(rest.get("/api/blueprints/none/releases"), 404, "StateMachineDoesNotExist")


def test_an_alias_is_created_changed_and_deleted(rest: httpx.Client) -> None:
    put(rest, "one", PASS)
    rest.post("/api/blueprints/one/releases")
    made = rest.put("/api/blueprints/one/aliases/live", json={"routing": [{"release": 1}]}).json()
    assert made["routing"] == [{"release": 1, "weight": 100}]
    started = rest.post("/api/executions", json={"blueprint": made["arn"]}).json()
    assert (started["release"], started["alias"]) == (1, "live")
    refused(rest.delete("/api/blueprints/one/releases/1"), 409, "ConflictException")
    changed = rest.put(
        "/api/blueprints/one/aliases/live", json={"routing": [{"release": 1}], "description": "for all"}
    ).json()
    assert rest.get("/api/blueprints/one/aliases").json()["items"] == [changed]
    assert rest.delete("/api/blueprints/one/aliases/live").status_code == 204
    refused(rest.delete("/api/blueprints/one/aliases/live"), 404, "ResourceNotFound")
    body = {"routing": [{"release": 1, "weight": 60}]}
    refused(rest.put("/api/blueprints/one/aliases/live", json=body), 400, "ValidationException")
    assert rest.put("/api/blueprints/one/aliases/12", json={"routing": [{"release": 1}]}).status_code == 400
