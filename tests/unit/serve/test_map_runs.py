"""Map Runs over the Step Functions API and over REST."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from botocore.exceptions import ClientError


def mapping(kind: str, state: dict[str, Any]) -> str:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, "StartAt": "In",
        "States": {"In": {**state, "End": True}},
    }  # fmt: skip
    each = {"Type": "Map", "Label": "Each", "MaxConcurrency": 2, "ItemProcessor": processor, "End": True}
    return json.dumps({"StartAt": "All", "States": {"All": each}})


def begin(sfn: Any, kind: str, state: dict[str, Any], items: str = "[1, 2, 3]") -> tuple[str, str, str]:
    """ARNs of the machine, its execution and the Map Run."""
    machine = sfn.create_state_machine(name="maps", definition=mapping(kind, state), roleArn="arn:aws:iam::1:role/r")
    execution = sfn.start_execution(stateMachineArn=machine["stateMachineArn"], input=items)["executionArn"]
    while not (runs := sfn.list_map_runs(executionArn=execution)["mapRuns"]) or not count(sfn, runs[0]["mapRunArn"]):
        time.sleep(0.01)
    return machine["stateMachineArn"], execution, runs[0]["mapRunArn"]


def count(sfn: Any, run: str) -> int:
    return int(sfn.describe_map_run(mapRunArn=run)["itemCounts"]["total"])


@pytest.fixture
def rest(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20) as client:
        yield client


WAIT = {"Type": "Wait", "Seconds": 3600}


def test_a_map_run_is_listed_described_and_updated(sfn: Any) -> None:
    machine, execution, run = begin(sfn, "STANDARD", WAIT)
    (listed,) = sfn.list_map_runs(executionArn=execution)["mapRuns"]
    assert (listed["executionArn"], listed["stateMachineArn"]) == (execution, machine + "/Each")
    sfn.update_map_run(mapRunArn=run, maxConcurrency=1, toleratedFailurePercentage=5, toleratedFailureCount=4)
    told = sfn.describe_map_run(mapRunArn=run)
    assert (told["status"], told["executionArn"], told["maxConcurrency"]) == ("RUNNING", execution, 1)
    assert (told["toleratedFailurePercentage"], told["toleratedFailureCount"]) == (5, 4)
    assert told["itemCounts"] == told["executionCounts"]
    assert {name: number for name, number in told["itemCounts"].items() if number} == {
        "pending": 1, "running": 2, "total": 3,
    }  # fmt: skip
    sfn.stop_execution(executionArn=execution)
    told = sfn.describe_map_run(mapRunArn=run)
    assert (told["status"], told["itemCounts"]["aborted"], "stopDate" in told) == ("ABORTED", 3, True)


def test_children_are_listed_and_described_with_their_map_run(sfn: Any) -> None:
    machine, _execution, run = begin(sfn, "STANDARD", WAIT)
    children = sfn.list_executions(mapRunArn=run)["executions"]
    assert [(child["status"], child["mapRunArn"]) for child in children] == [("RUNNING", run)] * 2
    child = sfn.describe_execution(executionArn=children[0]["executionArn"])
    assert (child["mapRunArn"], child["stateMachineArn"], child["input"]) == (run, machine + "/Each", "2")
    of_child = sfn.describe_state_machine_for_execution(executionArn=children[0]["executionArn"])
    assert (of_child["mapRunArn"], of_child["label"], of_child["name"]) == (run, "Each", "maps")
    assert sfn.describe_state_machine(stateMachineArn=machine + "/Each")["label"] == "Each"
    assert len(sfn.list_executions(stateMachineArn=machine)["executions"]) == 1


def test_express_children_are_described_once_they_have_ended(sfn: Any) -> None:
    _machine, execution, run = begin(sfn, "EXPRESS", {"Type": "Pass"})
    while sfn.describe_execution(executionArn=execution)["status"] == "RUNNING":
        time.sleep(0.01)
    children = sfn.list_executions(mapRunArn=run, maxResults=2)
    assert [child["status"] for child in children["executions"]] == ["SUCCEEDED"] * 2
    (last,) = sfn.list_executions(mapRunArn=run, maxResults=2, nextToken=children["nextToken"])["executions"]
    told = sfn.describe_execution(executionArn=last["executionArn"])
    assert (told["output"], told["mapRunArn"], told["redriveStatus"]) == ("3", run, "NOT_REDRIVABLE")


@pytest.mark.parametrize(
    ("action", "arguments", "code"),
    [
        ("describe_map_run", {}, "ResourceNotFound"),
        ("describe_map_run", {"mapRunArn": "x"}, "InvalidArn"),
        ("update_map_run", {"maxConcurrency": 1}, "ResourceNotFound"),
        ("update_map_run", {}, "ValidationException"),
        ("update_map_run", {"maxConcurrency": -1}, "ValidationException"),
        ("update_map_run", {"toleratedFailurePercentage": 100.5}, "ValidationException"),
        ("list_executions", {}, "ResourceNotFound"),
    ],
)
def test_what_is_wrong_with_a_request_is_told(sfn: Any, action: str, arguments: dict[str, Any], code: str) -> None:
    unknown = "arn:aws:states:us-east-1:123456789012:mapRun:maps/Each:00000000-0000-0001-0001-000000000000"
    with pytest.raises(ClientError) as raised:
        getattr(sfn, action)(**{"mapRunArn": unknown, **arguments})
    assert raised.value.response["Error"]["Code"] == code


def test_rest_tells_of_map_runs_and_of_children_with_a_slash_in_their_arn(sfn: Any, rest: httpx.Client) -> None:
    _machine, execution, run = begin(sfn, "STANDARD", WAIT)
    (listed,) = rest.get(f"/api/executions/{execution}/map-runs").json()["items"]
    assert (listed["arn"], listed["items"]["running"], listed["stopped_at"]) == (run, 2, None)
    changed = rest.patch("/api/map-runs", params={"arn": run}, json={"max_concurrency": 3}).json()
    assert (changed["max_concurrency"], changed["tolerated_failure_count"]) == (3, 0)
    assert rest.patch("/api/map-runs", params={"arn": run}, json={"max_concurrency": -1}).status_code == 400
    while len(children := rest.get("/api/map-runs/children", params={"arn": run}).json()["items"]) < 3:
        time.sleep(0.01)
    path = "/api/executions/" + quote(children[0]["arn"], safe=":")
    assert rest.get(path).json()["status"] == "RUNNING"
    assert rest.get(path + "/history").json()["items"][0]["type"] == "ExecutionStarted"
    assert rest.post(path + "/stop").json()["status"] == "ABORTED"
    assert rest.get("/api/map-runs", params={"arn": run}).json()["status"] in ("RUNNING", "FAILED")
    assert rest.get("/api/map-runs", params={"arn": "x"}).status_code == 400
