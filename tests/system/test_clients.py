"""The Step Functions API as its own clients see it: the same story told by each of them."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.server import serving
from tests.system.clients import CLIENTS, Client, Refused

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

ROLE = "arn:aws:iam::123456789012:role/any"
WAIT = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}})
PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": [1, 2.5, "é"]}, "End": True}}})
FAIL = json.dumps({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "No", "Cause": "never"}}})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest, url: str) -> Iterator[Client]:
    made = CLIENTS[request.param](url)
    yield made
    made.close()


@pytest.fixture
def machine(client: Client, request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """Creates a machine under a name of its own; gives its ARN."""
    made: list[str] = []
    kind = request.node.callspec.params["client"]

    def create(definition: str = PASS, **more: Any) -> str:
        name = f"{request.node.originalname[5:40]}-{kind}-{len(made)}"
        answer = client.call("CreateStateMachine", name=name, definition=definition, roleArn=ROLE, **more)
        made.append(answer["stateMachineArn"])
        return made[-1]

    yield create
    for arn in made:
        client.call("DeleteStateMachine", stateMachineArn=arn)


def end_of(client: Client, arn: str) -> Any:
    """The execution at its end; the test's own time limit ends the waiting."""
    while (found := client.call("DescribeExecution", executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.05)
    return found


def test_create_start_describe_history_and_list(client: Client, machine: Callable[..., str]) -> None:
    arn = machine()
    described = client.call("DescribeStateMachine", stateMachineArn=arn)
    assert (described["status"], described["type"], json.loads(described["definition"])) == (
        "ACTIVE",
        "STANDARD",
        json.loads(PASS),
    )
    execution = client.call("StartExecution", stateMachineArn=arn, name="one", input='{"x": 1}')["executionArn"]
    ended = end_of(client, execution)
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"a": [1, 2.5, "é"]})
    assert {"startDate", "stopDate"} <= set(ended)
    first = client.call("GetExecutionHistory", executionArn=execution, maxResults=2)
    rest = client.call("GetExecutionHistory", executionArn=execution, nextToken=first["nextToken"])
    types = [event["type"] for event in first["events"] + rest["events"]]
    assert types == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert client.call("ListExecutions", stateMachineArn=arn)["executions"][0]["executionArn"] == execution
    assert client.call("ListExecutions", stateMachineArn=arn, statusFilter="FAILED")["executions"] == []


def test_stop_and_redrive(client: Client, machine: Callable[..., str]) -> None:
    execution = client.call("StartExecution", stateMachineArn=machine(WAIT))["executionArn"]
    assert client.call("StopExecution", executionArn=execution, error="Enough", cause="c")["stopDate"]
    assert end_of(client, execution)["error"] == "Enough"
    assert client.call("RedriveExecution", executionArn=execution)["redriveDate"]
    found = client.call("DescribeExecution", executionArn=execution)
    assert (found["status"], found["redriveCount"]) == ("RUNNING", 1)
    client.call("StopExecution", executionArn=execution)


def test_an_express_execution_is_answered_at_once(client: Client, machine: Callable[..., str]) -> None:
    good = client.call("StartSyncExecution", stateMachineArn=machine(type="EXPRESS"))
    assert (good["status"], json.loads(good["output"])["a"][0]) == ("SUCCEEDED", 1)
    assert good["billingDetails"]["billedDurationInMilliseconds"] >= 100
    bad = client.call("StartSyncExecution", stateMachineArn=machine(FAIL, type="EXPRESS"))
    assert (bad["status"], bad["error"], bad["cause"]) == ("FAILED", "No", "never")


def test_versions_and_aliases(client: Client, machine: Callable[..., str]) -> None:
    arn = machine()
    one = client.call("PublishStateMachineVersion", stateMachineArn=arn, description="first")["stateMachineVersionArn"]
    updated = client.call("UpdateStateMachine", stateMachineArn=arn, definition=FAIL, publish=True)
    two = updated["stateMachineVersionArn"]
    assert (one, two) == (f"{arn}:1", f"{arn}:2")
    listed = client.call("ListStateMachineVersions", stateMachineArn=arn)["stateMachineVersions"]
    assert [each["stateMachineVersionArn"] for each in listed] == [two, one]
    routes = [{"stateMachineVersionArn": one, "weight": 100}]
    alias = client.call("CreateStateMachineAlias", name="live", routingConfiguration=routes)["stateMachineAliasArn"]
    ended = end_of(client, client.call("StartExecution", stateMachineArn=alias)["executionArn"])
    assert (ended["status"], ended["stateMachineAliasArn"], ended["stateMachineVersionArn"]) == (
        "SUCCEEDED",
        alias,
        one,
    )
    routes = [{"stateMachineVersionArn": two, "weight": 100}]
    client.call("UpdateStateMachineAlias", stateMachineAliasArn=alias, routingConfiguration=routes)
    assert end_of(client, client.call("StartExecution", stateMachineArn=alias)["executionArn"])["status"] == "FAILED"
    described = client.call("DescribeStateMachineAlias", stateMachineAliasArn=alias)
    assert described["routingConfiguration"] == routes
    assert len(client.call("ListStateMachineAliases", stateMachineArn=arn)["stateMachineAliases"]) == 1
    with pytest.raises(Refused, match="ConflictException"):
        client.call("DeleteStateMachineVersion", stateMachineVersionArn=two)
    client.call("DeleteStateMachineAlias", stateMachineAliasArn=alias)
    client.call("DeleteStateMachineVersion", stateMachineVersionArn=two)


def test_tags(client: Client, machine: Callable[..., str]) -> None:
    arn = machine(tags=[{"key": "team", "value": "blue"}])
    client.call("TagResource", resourceArn=arn, tags=[{"key": "tier", "value": "1"}])
    client.call("UntagResource", resourceArn=arn, tagKeys=["team"])
    assert client.call("ListTagsForResource", resourceArn=arn)["tags"] == [{"key": "tier", "value": "1"}]


def test_an_activitys_worker_takes_tasks_beats_and_answers(client: Client, machine: Callable[..., str]) -> None:
    name = f"work-{time.monotonic_ns()}"
    activity = client.call("CreateActivity", name=name)["activityArn"]
    task = {"Type": "Task", "Resource": activity, "HeartbeatSeconds": 60, "End": True}
    arn = machine(json.dumps({"StartAt": "T", "States": {"T": task}}))
    good = client.call("StartExecution", stateMachineArn=arn, input='{"n": 1}')["executionArn"]
    taken = client.call("GetActivityTask", activityArn=activity, workerName="w")
    assert json.loads(taken["input"]) == {"n": 1}
    client.call("SendTaskHeartbeat", taskToken=taken["taskToken"])
    client.call("SendTaskSuccess", taskToken=taken["taskToken"], output='{"done": true}')
    assert json.loads(end_of(client, good)["output"]) == {"done": True}
    with pytest.raises(Refused) as found:
        client.call("SendTaskSuccess", taskToken=taken["taskToken"], output="1")
    assert found.value.code == "TaskTimedOut"
    bad = client.call("StartExecution", stateMachineArn=arn)["executionArn"]
    token = client.call("GetActivityTask", activityArn=activity)["taskToken"]
    client.call("SendTaskFailure", taskToken=token, error="No", cause="never")
    assert end_of(client, bad)["error"] == "No"
    assert client.call("DescribeActivity", activityArn=activity)["name"] == name
    assert activity in [each["activityArn"] for each in client.call("ListActivities")["activities"]]
    client.call("DeleteActivity", activityArn=activity)


def test_a_state_is_tested_alone(client: Client) -> None:
    state = json.dumps({"Type": "Pass", "Parameters": {"b.$": "$.a"}, "Next": "Elsewhere"})
    found = client.call("TestState", definition=state, roleArn=ROLE, input='{"a": 1}', inspectionLevel="DEBUG")
    assert (found["status"], json.loads(found["output"]), found["nextState"]) == ("SUCCEEDED", {"b": 1}, "Elsewhere")


def test_validation(client: Client) -> None:
    assert client.call("ValidateStateMachineDefinition", definition=PASS)["result"] == "OK"
    found = client.call("ValidateStateMachineDefinition", definition='{"StartAt": "X", "States": {}}')
    assert found["result"] == "FAIL"
    assert {"severity", "code", "message"} <= set(found["diagnostics"][0])


def test_what_is_wrong_is_an_error_that_the_client_knows(client: Client, machine: Callable[..., str]) -> None:
    arn = machine()
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        ("StateMachineDoesNotExist", "StartExecution", {"stateMachineArn": f"{arn}-none"}),
        ("InvalidExecutionInput", "StartExecution", {"stateMachineArn": arn, "input": "{"}),
        (
            "ExecutionDoesNotExist",
            "DescribeExecution",
            {"executionArn": arn.replace(":stateMachine:", ":execution:") + ":x"},
        ),
        ("InvalidDefinition", "CreateStateMachine", {"name": "bad", "definition": "{}", "roleArn": ROLE}),
        ("InvalidArn", "DescribeStateMachine", {"stateMachineArn": "nonsense"}),
        ("ResourceNotFound", "ListTagsForResource", {"resourceArn": f"{arn}-none"}),
    ]
    for code, action, parameters in wrong:
        with pytest.raises(Refused) as found:
            client.call(action, **parameters)
        assert found.value.code == code
