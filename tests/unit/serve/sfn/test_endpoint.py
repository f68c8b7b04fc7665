"""The Step Functions API as boto3 sees it, over a real engine in memory."""

import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::123456789012:role/any"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"a": 1}, "End": True}}})
WAIT = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}})
FAIL = json.dumps({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "No", "Cause": "never"}}})
STATES = "arn:aws:states:us-east-1:123456789012"


def ended(sfn: Any, arn: str) -> dict[str, Any]:
    """The description of an execution once it is no longer running."""
    while True:
        found: dict[str, Any] = sfn.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING":
            return found


def wait_until_gone(sfn: Any, arn: str) -> None:
    with suppress(ClientError):
        while sfn.describe_state_machine(stateMachineArn=arn)["status"] == "DELETING":
            pass


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as found:
        call(**parameters)
    error = found.value.response["Error"]
    assert found.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert found.value.response["ResponseMetadata"]["RequestId"]
    return error["Code"], error["Message"]


def test_a_machine_is_created_described_listed_and_deleted(sfn: Any) -> None:
    made = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)
    arn = made["stateMachineArn"]
    assert arn == f"{STATES}:stateMachine:one"
    described = sfn.describe_state_machine(stateMachineArn=arn)
    del described["ResponseMetadata"]
    assert described == {
        "stateMachineArn": arn,
        "name": "one",
        "status": "ACTIVE",
        "definition": PASS,
        "roleArn": ROLE,
        "type": "STANDARD",
        "creationDate": made["creationDate"],
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    }
    listed = sfn.list_state_machines()["stateMachines"]
    assert listed == [{"stateMachineArn": arn, "name": "one", "type": "STANDARD", "creationDate": made["creationDate"]}]
    sfn.delete_state_machine(stateMachineArn=arn)
    sfn.delete_state_machine(stateMachineArn=arn)
    assert sfn.list_state_machines()["stateMachines"] == []
    wait_until_gone(sfn, arn)
    assert refusal(sfn.describe_state_machine, stateMachineArn=arn) == (
        "StateMachineDoesNotExist",
        f"State Machine Does Not Exist: '{arn}'",
    )


def test_creating_the_same_machine_again_is_no_error_and_another_of_its_name_is(sfn: Any) -> None:
    first = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)
    again = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)
    assert again["stateMachineArn"] == first["stateMachineArn"]
    assert again["creationDate"] == first["creationDate"]
    assert refusal(sfn.create_state_machine, name="one", definition=WAIT, roleArn=ROLE) == (
        "StateMachineAlreadyExists",
        f"State Machine Already Exists: '{first['stateMachineArn']}'",
    )


def test_an_update_gives_a_new_revision(sfn: Any) -> None:
    arn = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    updated = sfn.update_state_machine(stateMachineArn=arn, definition=WAIT)
    described = sfn.describe_state_machine(stateMachineArn=arn)
    assert described["definition"] == WAIT
    assert described["revisionId"] == updated["revisionId"]
    assert refusal(sfn.update_state_machine, stateMachineArn=arn)[0] == "MissingRequiredParameter"


def test_an_execution_runs_and_tells_how_it_ended(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    started = sfn.start_execution(stateMachineArn=machine, name="x", input='{"in": 1}')
    assert started["executionArn"] == f"{STATES}:execution:one:x"
    found = ended(sfn, started["executionArn"])
    assert {key: value for key, value in found.items() if key not in ("ResponseMetadata", "stopDate")} == {
        "executionArn": started["executionArn"],
        "stateMachineArn": machine,
        "name": "x",
        "status": "SUCCEEDED",
        "startDate": started["startDate"],
        "input": '{"in": 1}',
        "inputDetails": {"included": True},
        "output": '{"a":1}',
        "outputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }
    (listed,) = sfn.list_executions(stateMachineArn=machine)["executions"]
    assert listed["executionArn"] == started["executionArn"]
    assert listed["redriveCount"] == 0


def test_a_failed_execution_tells_error_and_cause(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="one", definition=FAIL, roleArn=ROLE)["stateMachineArn"]
    found = ended(sfn, sfn.start_execution(stateMachineArn=machine)["executionArn"])
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "No", "never")
    assert "output" not in found


def test_without_data_an_execution_is_described_without_them(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    arn = sfn.start_execution(stateMachineArn=machine)["executionArn"]
    ended(sfn, arn)
    found = sfn.describe_execution(executionArn=arn, includedData="METADATA_ONLY")
    assert found["inputDetails"] == {"included": False}
    assert "input" not in found
    assert "output" not in found


def test_the_same_name_with_the_same_input_is_the_same_execution_while_it_runs(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="one", definition=WAIT, roleArn=ROLE)["stateMachineArn"]
    first = sfn.start_execution(stateMachineArn=machine, name="x", input='{"a": 1}')
    again = sfn.start_execution(stateMachineArn=machine, name="x", input='{"a": 1}')
    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    assert refusal(sfn.start_execution, stateMachineArn=machine, name="x", input='{"a": 2}') == (
        "ExecutionAlreadyExists",
        f"Execution Already Exists: '{first['executionArn']}'",
    )


def test_a_running_execution_is_stopped(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="one", definition=WAIT, roleArn=ROLE)["stateMachineArn"]
    arn = sfn.start_execution(stateMachineArn=machine)["executionArn"]
    stopped = sfn.stop_execution(executionArn=arn, error="Enough", cause="too long")
    found = sfn.describe_execution(executionArn=arn)
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "Enough", "too long")
    assert found["stopDate"] == stopped["stopDate"]
    assert found["redriveStatus"] == "REDRIVABLE"


def test_history_is_told_in_pages_both_ways(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    arn = sfn.start_execution(stateMachineArn=machine)["executionArn"]
    ended(sfn, arn)
    first = sfn.get_execution_history(executionArn=arn, maxResults=3)
    rest = sfn.get_execution_history(executionArn=arn, maxResults=3, nextToken=first["nextToken"])
    kinds = [event["type"] for event in first["events"] + rest["events"]]
    assert kinds == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert "nextToken" not in rest
    backwards = sfn.get_execution_history(executionArn=arn, reverseOrder=True)["events"]
    assert [event["type"] for event in backwards] == kinds[::-1]
    bare = sfn.get_execution_history(executionArn=arn, includeExecutionData=False)["events"]
    assert "input" not in bare[0]["executionStartedEventDetails"]


def test_machines_and_executions_come_in_pages(sfn: Any) -> None:
    for name in "abc":
        machine = sfn.create_state_machine(name=name, definition=PASS, roleArn=ROLE)["stateMachineArn"]
    pages = list(sfn.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["stateMachines"]) for page in pages] == [2, 1]
    arns = {sfn.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(3)}
    paginator = sfn.get_paginator("list_executions")
    found = list(paginator.paginate(stateMachineArn=machine, PaginationConfig={"PageSize": 2}))
    assert {execution["executionArn"] for page in found for execution in page["executions"]} == arns


def test_a_synchronous_execution_answers_with_its_end(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE, type="EXPRESS")["stateMachineArn"]
    found = sfn.start_sync_execution(stateMachineArn=machine, name="x", input="{}")
    assert found["executionArn"].startswith(f"{STATES}:express:one:x:")
    assert (found["status"], found["output"]) == ("SUCCEEDED", '{"a":1}')
    assert found["billingDetails"]["billedDurationInMilliseconds"] >= 100
    assert refusal(sfn.describe_execution, executionArn=found["executionArn"]) == (
        "InvalidArn",
        "Invalid Arn: 'Resource type not valid in this context: express'",
    )
    assert refusal(sfn.list_executions, stateMachineArn=machine) == (
        "StateMachineTypeNotSupported",
        "This operation is not supported by this type of state machine",
    )


def test_a_definition_is_checked_without_being_kept(sfn: Any) -> None:
    found = sfn.validate_state_machine_definition(definition="{}")
    assert found["result"] == "FAIL"
    assert found["truncated"] is False
    assert found["diagnostics"][0]["severity"] == "ERROR"
    good = sfn.validate_state_machine_definition(definition=PASS)
    assert (good["result"], good["diagnostics"]) == ("OK", [])


def test_a_failed_execution_is_redriven(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="one", definition=FAIL, roleArn=ROLE)["stateMachineArn"]
    arn = sfn.start_execution(stateMachineArn=machine)["executionArn"]
    assert ended(sfn, arn)["redriveStatus"] == "REDRIVABLE"
    redriven = sfn.redrive_execution(executionArn=arn)["redriveDate"]
    described = ended(sfn, arn)
    assert (described["status"], described["redriveCount"], described["redriveDate"]) == ("FAILED", 1, redriven)
    listed = sfn.list_executions(stateMachineArn=machine, redriveFilter="REDRIVEN")["executions"]
    assert [(each["executionArn"], each["redriveCount"]) for each in listed] == [(arn, 1)]
    assert sfn.list_executions(stateMachineArn=machine, redriveFilter="NOT_REDRIVEN")["executions"] == []
    events = sfn.get_execution_history(executionArn=arn)["events"]
    assert events[3]["executionRedrivenEventDetails"] == {"redriveCount": 1}


def test_what_succeeded_is_not_redriven(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    arn = sfn.start_execution(stateMachineArn=machine)["executionArn"]
    reason = "Execution is SUCCEEDED and cannot be redriven"
    assert ended(sfn, arn)["redriveStatusReason"] == reason
    assert refusal(sfn.redrive_execution, executionArn=arn) == ("ExecutionNotRedrivable", reason)


REFUSED = [
    pytest.param(
        "describe_execution", {"executionArn": "nonsense"}, "InvalidArn", "Invalid ARN prefix: nonsense", id="a bad ARN"
    ),
    pytest.param(
        "describe_execution",
        {"executionArn": f"{STATES}:execution:one:none"},
        "ExecutionDoesNotExist",
        f"Execution Does Not Exist: '{STATES}:execution:one:none'",
        id="an unknown execution",
    ),
    pytest.param(
        "start_execution",
        {"stateMachineArn": f"{STATES}:stateMachine:none"},
        "StateMachineDoesNotExist",
        f"State Machine Does Not Exist: '{STATES}:stateMachine:none'",
        id="an unknown machine",
    ),
    pytest.param(
        "create_state_machine",
        {"name": "a b", "definition": PASS, "roleArn": ROLE},
        "InvalidName",
        "Invalid Name: 'a b'",
        id="a bad name",
    ),
    pytest.param(
        "create_state_machine",
        {"name": "a", "definition": "{", "roleArn": ROLE},
        "InvalidDefinition",
        "Invalid State Machine Definition",
        id="a definition that is no JSON",
    ),
    pytest.param(
        "create_state_machine",
        {"name": "a", "definition": " " * 1_048_577, "roleArn": ROLE},
        "ValidationException",
        "Value at 'definition' failed to satisfy constraint: Member must have length less than or equal to 1048576",
        id="a definition of more than a megabyte",
    ),
    pytest.param(
        "create_state_machine",
        {"name": "a", "definition": PASS, "roleArn": ROLE, "loggingConfiguration": {"level": "ALL"}},
        "InvalidLoggingConfiguration",
        "Invalid Logging Configuration: Must specify exactly one Log Destination.",
        id="logging to nowhere",
    ),
    pytest.param(
        "create_state_machine",
        {"name": "a", "definition": PASS, "roleArn": ROLE, "versionDescription": "x"},
        "ValidationException",
        "Version description can only be set when publish is true",
        id="a description of no version",
    ),
    pytest.param("list_state_machines", {"nextToken": "x"}, "InvalidToken", "", id="a token of somebody else"),
]


@pytest.mark.parametrize(("call", "parameters", "code", "message"), REFUSED)
def test_refused_is(sfn: Any, call: str, parameters: dict[str, Any], code: str, message: str) -> None:
    found, text = refusal(getattr(sfn, call), **parameters)
    assert found == code
    assert message in text


@pytest.mark.parametrize("text", ["not some json", "{'not': 'json'}", "[" * 1_000 + "]" * 1_000, ""])
def test_an_input_that_is_no_json_is_refused(sfn: Any, text: str) -> None:
    machine = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    assert refusal(sfn.start_execution, stateMachineArn=machine, input=text)[0] == "InvalidExecutionInput"


def test_an_input_above_256_kib_is_refused_and_one_of_just_that_is_not(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    assert sfn.start_execution(stateMachineArn=machine, input='"' + "x" * 262_142 + '"')["executionArn"]
    assert refusal(sfn.start_execution, stateMachineArn=machine, input='"' + "x" * 262_143 + '"')[0] in (
        "ValidationException",
        "InvalidExecutionInput",
    )


RAW = [
    pytest.param({"x-amz-target": "AWSStepFunctions.StartExecution"}, b"{", "SerializationException", id="broken JSON"),
    pytest.param({"x-amz-target": "AWSStepFunctions.StartExecution"}, b"[]", "SerializationException", id="no object"),
    pytest.param({}, b"{}", "UnknownOperationException", id="no target"),
    pytest.param({"x-amz-target": "AWSStepFunctions.Dance"}, b"{}", "UnknownOperationException", id="no action"),
    pytest.param({"x-amz-target": "DynamoDB.GetItem"}, b"{}", "UnknownOperationException", id="another service"),
]


@pytest.mark.parametrize(("headers", "body", "code"), RAW)
def test_a_malformed_request_is_refused(url: str, headers: dict[str, str], body: bytes, code: str) -> None:
    answer = httpx.post(url, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["__type"] == code
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"


def test_a_request_of_many_megabytes_is_refused_unread(url: str) -> None:
    headers = {"x-amz-target": "AWSStepFunctions.StartExecution"}
    answer = httpx.post(url, content=b" " * 5_000_000, headers=headers)
    assert (answer.status_code, answer.json()["__type"]) == (413, "RequestTooLarge")
