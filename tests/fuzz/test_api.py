"""Requests to the Step Functions API that chance has made: answered or refused, never an error of the server."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given

from serve.sfn.endpoint import ACTIONS
from tests.fuzz.corpus import TEXTS, anything, definitions, mutated
from tests.fuzz.test_fuzz import SEEDS, examples
from tests.support.server import serving

PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
WAIT = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}})
ROLE = "arn:aws:iam::123456789012:role/any"
NAMES = sorted(target.decode().partition(".")[2] for target in ACTIONS)


class Server:
    """With a machine of either kind, an execution, a version, an alias and an activity."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=20)
        made = self.good("CreateStateMachine", name="m", definition=WAIT, roleArn=ROLE, publish=True)
        machine, version = made["stateMachineArn"], made["stateMachineVersionArn"]
        express = self.good("CreateStateMachine", name="e", definition=PASS, roleArn=ROLE, type="EXPRESS")
        routes = [{"stateMachineVersionArn": version, "weight": 100}]
        alias = self.good("CreateStateMachineAlias", name="a", routingConfiguration=routes)
        activity = self.good("CreateActivity", name="w")
        execution = self.good("StartExecution", stateMachineArn=machine, name="x")
        self.activity: str = activity["activityArn"]
        arns = [machine, version, express["stateMachineArn"], alias["stateMachineAliasArn"], execution["executionArn"]]
        self.arns = [*arns, machine + ":nope", "arn:aws:states:us-east-1:123456789012:mapRun:m/l:u", ROLE, ""]

    def send(self, action: str, body: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8", "replace")
        return self._client.post("/", content=content, headers={"X-Amz-Target": f"AWSStepFunctions.{action}"})

    def good(self, action: str, **body: Any) -> Any:
        response = self.send(action, body)
        assert response.status_code == 200, response.text
        return response.json()

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as url:
        made = Server(url)
        yield made
        made.close()


def value_for(field: str, server: Server, action: str, random: Random) -> Any:
    """Something that could stand in the field, or anything at all."""
    if random.random() < 0.3:
        return anything(random)
    if field.endswith("Arn") or field == "resourceArn":
        # A worker that asks for tasks of an activity waits a minute for one.
        more = [] if action == "GetActivityTask" else [server.activity]
        return random.choice([*server.arns, *more])
    if field == "definition":
        known = definitions() or [PASS]
        return json.dumps(mutated(random.choice(known), random))
    if field in ("input", "output", "context", "variables"):
        return json.dumps(anything(random))
    if field in ("maxResults", "weight"):
        return random.choice([0, 1, 1000, 1001, -1])
    if field in ("type", "severity", "includedData", "inspectionLevel", "statusFilter"):
        return random.choice(["STANDARD", "EXPRESS", "WARNING", "METADATA_ONLY", "DEBUG", "TRACE", "FAILED"])
    if field == "mock":
        return {random.choice(["result", "errorOutput"]): random.choice(["{}", "1", {"error": "E"}, "[1]"])}
    return random.choice([*TEXTS, True, [], [{}], [{"key": "k", "value": "v"}], {"level": "OFF"}])


@given(seed=SEEDS)
@examples(500)
def test_no_request_is_an_error_of_the_server(server: Server, seed: int) -> None:
    random = Random(seed)
    action = random.choice(NAMES)
    shape, _ = ACTIONS[f"AWSStepFunctions.{action}".encode()]
    body = {
        field: value_for(field, server, action, random)
        for field, about in shape.items()
        if about.required or random.random() < 0.5
    }
    if action.startswith("Delete") or action == "StopExecution":
        body = dict.fromkeys(body, "arn:aws:states:us-east-1:123456789012:stateMachine:gone")
    response = server.send(action, body)
    assert response.status_code in (200, 400), (action, body, response.text)
    if response.status_code == 400:
        assert {"__type", "message"} <= set(response.json()), (action, body)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b'{"a":' * 500, b'{"name": "' + b"x" * 100_000 + b'"}', b"1e999"]
)
@pytest.mark.parametrize("action", ["CreateStateMachine", "TestState", "SendTaskSuccess", "Nope", ""])
def test_no_body_is_an_error_of_the_server(server: Server, action: str, body: bytes) -> None:
    assert server.send(action, body).status_code == 400


def test_null_is_the_same_as_no_such_member(server: Server) -> None:
    arn = server.good("CreateStateMachine", name="null", definition=PASS, roleArn=ROLE, type=None)["stateMachineArn"]
    started = server.good("StartExecution", stateMachineArn=arn, input=None, name=None)
    assert server.good("DescribeExecution", executionArn=started["executionArn"])["input"] == "{}"
