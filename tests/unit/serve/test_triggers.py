"""Triggers over HTTP: their settings at /api/triggers, deliveries at /hooks."""

import hmac
import json
from typing import Any

import httpx
import pytest

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "No", "Cause": "never"}}}
HOUR = {"kind": "schedule", "blueprint": "flow", "settings": {"every_s": 3600}}
HOOK = {"kind": "webhook", "blueprint": "flow", "settings": {"signature": "none"}}


@pytest.fixture(autouse=True)
def flow(url: str) -> None:
    for name, definition, kind in (("flow", PASS, "STANDARD"), ("bad", FAIL, "STANDARD"), ("fast", PASS, "EXPRESS")):
        httpx.put(f"{url}/api/blueprints/{name}", json={"definition": definition, "kind": kind}).raise_for_status()


def put(url: str, name: str, body: Any) -> httpx.Response:
    return httpx.put(f"{url}/api/triggers/{name}", json=body)


def hook(url: str, **settings: Any) -> None:
    blueprint = settings.pop("blueprint", "flow")
    body = {**HOOK, "blueprint": blueprint, "settings": {"signature": "none", **settings}}
    put(url, "hook", body).raise_for_status()


def test_a_trigger_is_created_shown_changed_and_deleted(url: str) -> None:
    made = put(url, "hourly", HOUR)
    assert made.status_code == 201
    assert {key: made.json()[key] for key in ("name", "kind", "blueprint", "settings", "paused", "url")} == {
        "name": "hourly", "kind": "schedule", "blueprint": "flow", "settings": {"every_s": 3600}, "paused": False,
        "url": None,
    }  # fmt: skip
    assert len(made.json()["next"]) == 5
    assert all(":00:00" in tick for tick in made.json()["next"])
    changed = put(url, "hourly", {**HOUR, "settings": {"every_s": 7200}, "paused": True})
    assert (changed.status_code, changed.json()["next"]) == (200, [])
    assert httpx.get(f"{url}/api/triggers/hourly").json() == changed.json()
    assert httpx.post(f"{url}/api/triggers/hourly/resume").json()["paused"] is False
    assert httpx.post(f"{url}/api/triggers/hourly/pause").json()["paused"] is True
    assert httpx.delete(f"{url}/api/triggers/hourly").status_code == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume")):
        gone = httpx.request(method, f"{url}/api/triggers/hourly{path}")
        assert (gone.status_code, gone.json()["error"]) == (404, "TriggerDoesNotExist")


def test_triggers_are_listed_page_by_page(url: str) -> None:
    for name in ("c", "a", "b"):
        put(url, name, HOUR)
    first = httpx.get(f"{url}/api/triggers", params={"limit": 2}).json()
    second = httpx.get(f"{url}/api/triggers", params={"limit": 2, "token": first["next_token"]}).json()
    assert [each["name"] for page in (first, second) for each in page["items"]] == ["a", "b", "c"]
    assert second["next_token"] is None


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "ValidationException", "kind"),
        ({**HOUR, "kind": "mail"}, 400, "ValidationException", "kind"),
        ({**HOUR, "colour": "red"}, 400, "ValidationException", "colour"),
        ({**HOUR, "settings": {"cron": "bad"}}, 400, "ValidationException", "cron"),
        ({**HOUR, "settings": {"every_s": 1, "topic": "a"}}, 400, "ValidationException", "topic"),
        ({**HOUR, "blueprint": "nothing"}, 404, "StateMachineDoesNotExist", None),
        ({**HOUR, "blueprint": "arn:nonsense"}, 400, "InvalidArn", None),
        ({"kind": "kafka", "blueprint": "flow", "settings": {"topic": "a"}}, 503, "KafkaNotConfigured", None),
        ({**HOOK, "settings": {"signature": {"preset": "github", "secret": "x"}}}, 400, "ValidationException",
         "signature.secret"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_field(url: str, body: Any, status: int, code: str, field: str | None) -> None:
    refused = put(url, "t", body)
    assert (refused.status_code, refused.json()["error"], refused.json()["field"]) == (status, code, field)
    assert httpx.get(f"{url}/api/triggers").json()["items"] == []


@pytest.mark.parametrize("name", ["a%20b", "x" * 49])
def test_a_bad_name_is_refused(url: str, name: str) -> None:
    assert put(url, name, HOUR).json()["error"] == "InvalidName"


def test_a_blueprint_with_triggers_cannot_be_deleted(url: str) -> None:
    put(url, "hourly", HOUR)
    refused = httpx.delete(f"{url}/api/blueprints/flow")
    assert (refused.status_code, refused.json()["error"]) == (409, "StateMachineHasTriggers")
    httpx.delete(f"{url}/api/triggers/hourly")
    assert httpx.delete(f"{url}/api/blueprints/flow").status_code == 204


def test_backfill_starts_what_is_missing(url: str) -> None:
    put(url, "hourly", HOUR)
    asked = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T03:00:00"}
    first = httpx.post(f"{url}/api/triggers/hourly/backfill", json=asked).json()
    again = httpx.post(f"{url}/api/triggers/hourly/backfill", json=asked).json()
    assert (first["started"], first["repeated"], first["error"]) == (4, 0, None)
    assert (again["started"], again["repeated"]) == (0, 4)
    shown = httpx.get(f"{url}/api/executions/flow:hourly-20260101T030000Z").json()
    assert shown["input"] == {"time": "2026-01-01T03:00:00.000Z", "trigger": "hourly"}
    unbounded = httpx.post(f"{url}/api/triggers/hourly/backfill", json={**asked, "from": "2000-01-01T00:00:00Z"})
    assert (unbounded.status_code, unbounded.json()["field"]) == (400, "from")
    assert httpx.post(f"{url}/api/triggers/hourly/backfill", json={"from": "x"}).json()["field"] == "from"


def test_a_delivery_starts_an_execution(url: str) -> None:
    hook(url)
    answer = httpx.post(f"{url}/hooks/hook", json={"id": 4711})
    assert (answer.status_code, answer.json()["status"]) == (202, "RUNNING")
    shown = httpx.get(url + answer.headers["location"], params={"wait": 10}).json()
    assert (shown["input"], shown["status"]) == ({"id": 4711}, "SUCCEEDED")
    state = httpx.get(f"{url}/api/triggers/hook").json()["state"]
    assert (state["started"], state["last_execution"]) == (1, answer.json()["execution"])


def test_with_wait_the_answer_is_the_output_or_the_failure(url: str) -> None:
    for blueprint in ("flow", "fast"):
        hook(url, blueprint=blueprint)
        answer = httpx.post(f"{url}/hooks/hook", params={"wait": 10}, json={"id": 1})
        assert (answer.status_code, answer.json()) == (200, {"id": 1})
    hook(url, blueprint="bad")
    answer = httpx.post(f"{url}/hooks/hook", params={"wait": 10}, json={"id": 1})
    assert (answer.status_code, answer.json()["error"]) == (422, "No")


def test_a_repeated_delivery_starts_nothing_even_if_its_body_differs(url: str) -> None:
    hook(url, dedupe="X-Delivery")
    first = httpx.post(f"{url}/hooks/hook", json={"try": 1}, headers={"X-Delivery": "d-1"}, params={"wait": 10})
    again = httpx.post(f"{url}/hooks/hook", json={"try": 2}, headers={"X-Delivery": "d-1"})
    other = httpx.post(f"{url}/hooks/hook", json={"try": 1}, headers={"X-Delivery": "d-2"})
    assert (first.json(), again.status_code, other.status_code) == ({"try": 1}, 200, 202)
    assert again.json()["execution"] == first.headers["x-sfc-execution"] != other.json()["execution"]
    assert httpx.get(f"{url}/api/triggers/hook").json()["state"]["repeated"] == 1


def test_what_the_filter_leaves_out_is_answered_and_starts_nothing(url: str) -> None:
    hook(url, filter="{% $states.input.query.kind = 'push' %}")
    left_out = httpx.post(f"{url}/hooks/hook", json={})
    assert (left_out.status_code, left_out.json()) == (200, {"execution": None, "status": "LEFT_OUT"})
    assert httpx.post(f"{url}/hooks/hook", params={"kind": "push"}, json={}).status_code == 202


def test_only_signed_deliveries_are_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFC_TEST_HOOK", "s3cret")
    hook(url, signature={"preset": "github", "secret": "${env:SFC_TEST_HOOK}"})
    body = b'{"ref":  "main"}'
    signature = "sha256=" + hmac.new(b"s3cret", body, "sha256").hexdigest()
    signed = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": "d-1"}
    for headers in ({}, {"X-Hub-Signature-256": signature[:-1] + "x"}):
        refused = httpx.post(f"{url}/hooks/hook", content=body, headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (401, "InvalidSignature")
    assert httpx.post(f"{url}/hooks/hook", content=body.replace(b"  ", b" "), headers=signed).status_code == 401
    taken = httpx.post(f"{url}/hooks/hook", content=body, headers=signed)
    assert taken.json()["execution"].endswith(":flow:hook-d-1")
    assert "s3cret" not in json.dumps(httpx.get(f"{url}/api/triggers/hook").json())
    monkeypatch.delenv("SFC_TEST_HOOK")
    gone = httpx.post(f"{url}/hooks/hook", content=body, headers=signed)
    assert (gone.status_code, gone.json()["error"], gone.headers["retry-after"]) == (503, "SecretUnavailable", "1")


def test_a_delivery_that_cannot_be_used_says_why(url: str) -> None:
    hook(url, input="$.body.order")
    for body, status, code, field in (
        (b"{", 400, "MalformedJson", None),
        (b"{}", 422, "MappingFailed", "input"),
    ):
        refused = httpx.post(f"{url}/hooks/hook", content=body)
        assert (refused.status_code, refused.json()["error"], refused.json()["field"]) == (status, code, field)
    assert httpx.post(f"{url}/hooks/nothing", json={}).json()["error"] == "WebhookDoesNotExist"
    assert httpx.post(f"{url}/hooks/hook", content=b" " * 4_194_305).status_code == 413
    httpx.post(f"{url}/api/triggers/hook/pause")
    paused = httpx.post(f"{url}/hooks/hook", json={})
    assert (paused.status_code, paused.json()["error"], paused.headers["retry-after"]) == (503, "TriggerPaused", "30")


def test_headers_and_query_that_come_twice_are_seen_whole(url: str) -> None:
    hook(url, input="{% [$states.input.headers.`x-a`, $states.input.query] %}")
    answer = httpx.post(f"{url}/hooks/hook?wait=10&b=1&b=2", json={}, headers=[("X-A", "1"), ("X-A", "2")])
    assert answer.json() == ["1, 2", {"wait": "10", "b": ["1", "2"]}]


def test_triggers_are_measured(url: str) -> None:
    hook(url, input="$.body.order")
    httpx.post(f"{url}/hooks/hook", json={"order": 1})
    httpx.post(f"{url}/hooks/hook", json={})
    httpx.post(f"{url}/api/triggers/hook/pause")
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    of = '{kind="webhook",trigger="hook"} 1.0'
    assert {f"sfc_trigger_{name}{of}" for name in ("started_total", "failed_total", "paused")} <= set(lines)


def test_the_step_functions_api_says_the_same_of_a_blueprint_with_triggers(sfn: Any, url: str) -> None:
    put(url, "hourly", HOUR)
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:flow"
    with pytest.raises(sfn.exceptions.ClientError) as refused:
        sfn.delete_state_machine(stateMachineArn=arn)
    assert refused.value.response["Error"]["Code"] == "StateMachineHasTriggers"
    assert "hourly" in refused.value.response["Error"]["Message"]
