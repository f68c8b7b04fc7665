"""Activities and task tokens as boto3 and state machines see them."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.serve.sfn.test_endpoint import ROLE, STATES, ended, refusal


def machine(sfn: Any, name: str, **states: Any) -> str:
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    return str(sfn.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"])


def task(resource: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "End": True, **more}


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_an_activity_is_created_described_listed_tagged_and_deleted(sfn: Any) -> None:
    made = sfn.create_activity(name="pack", tags=[{"key": "a", "value": "1"}])
    arn = made["activityArn"]
    assert arn == f"{STATES}:activity:pack"
    assert sfn.create_activity(name="pack")["creationDate"] == made["creationDate"]
    assert without_metadata(sfn.describe_activity(activityArn=arn)) == {
        "activityArn": arn,
        "name": "pack",
        "creationDate": made["creationDate"],
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    }
    sfn.create_activity(name="ship")
    first = sfn.list_activities(maxResults=1)
    second = sfn.list_activities(maxResults=1, nextToken=first["nextToken"])
    assert [each["name"] for page in (first, second) for each in page["activities"]] == ["pack", "ship"]
    assert "nextToken" not in second
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "1"}]
    for _ in range(2):
        sfn.delete_activity(activityArn=arn)
    assert refusal(sfn.describe_activity, activityArn=arn) == (
        "ActivityDoesNotExist",
        f"Activity Does Not Exist: '{arn}'",
    )
    sfn.create_activity(name="pack")
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == []


def test_an_activity_with_another_key_is_another_one(sfn: Any) -> None:
    sfn.create_activity(name="pack")
    own = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k"}
    code, message = refusal(sfn.create_activity, name="pack", encryptionConfiguration=own)
    assert (code, message) == ("ActivityAlreadyExists", f"Activity Already Exists: '{STATES}:activity:pack'")


def test_a_worker_of_an_activity_gets_its_task_and_answers(sfn: Any) -> None:
    arn = sfn.create_activity(name="pack")["activityArn"]
    execution = sfn.start_execution(stateMachineArn=machine(sfn, "m", Pack=task(arn)), input='{"a":1}')["executionArn"]
    found = sfn.get_activity_task(activityArn=arn, workerName="w")
    assert found["input"] == '{"a":1}'
    sfn.send_task_heartbeat(taskToken=found["taskToken"])
    sfn.send_task_success(taskToken=found["taskToken"], output='"packed"')
    assert ended(sfn, execution)["output"] == '"packed"'
    for call in (sfn.send_task_success, sfn.send_task_failure, sfn.send_task_heartbeat):
        more = {"output": "1"} if call == sfn.send_task_success else {}
        assert refusal(call, taskToken=found["taskToken"], **more)[0] == "TaskTimedOut"


def test_a_worker_that_finds_no_task_hears_so(sfn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.sfn.activities.ACTIVITY_POLL_S", 0.01)
    arn = sfn.create_activity(name="pack")["activityArn"]
    assert without_metadata(sfn.get_activity_task(activityArn=arn)) == {}


def test_a_worker_that_hangs_up_takes_no_task_with_it(sfn: Any, url: str) -> None:
    arn = sfn.create_activity(name="pack")["activityArn"]
    headers = {"X-Amz-Target": "AWSStepFunctions.GetActivityTask"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(url, headers=headers, content=json.dumps({"activityArn": arn}), timeout=0.3)
    sfn.start_execution(stateMachineArn=machine(sfn, "m", Pack=task(arn)), input='"here"')
    assert sfn.get_activity_task(activityArn=arn)["input"] == '"here"'


def test_a_callback_in_jsonata_has_its_token_too(sfn: Any) -> None:
    arn = sfn.create_activity(name="pack")["activityArn"]
    asking = machine(
        sfn, "m", Ask=task(arn, QueryLanguage="JSONata", Arguments={"t": "{% $states.context.Task.Token %}"})
    )
    execution = sfn.start_execution(stateMachineArn=asking)["executionArn"]
    found = sfn.get_activity_task(activityArn=arn)
    assert json.loads(found["input"]) == {"t": found["taskToken"]}
    sfn.send_task_failure(taskToken=found["taskToken"], error="Torn")
    assert ended(sfn, execution)["error"] == "Torn"


@pytest.mark.parametrize(
    ("call", "parameters", "code", "message"),
    [
        ("create_activity", {"name": "a b"}, "InvalidName", "Invalid Name: 'a b'"),
        ("create_activity", {"name": "a", "tags": [{"key": str(n)} for n in range(51)]}, "TooManyTags", "at most 50"),
        ("get_activity_task", {"activityArn": f"{STATES}:activity:no"}, "ActivityDoesNotExist", "Does Not Exist"),
        ("get_activity_task", {"activityArn": f"{STATES}:stateMachine:no"}, "InvalidArn", "stateMachine"),
        ("send_task_success", {"taskToken": "x", "output": "{"}, "InvalidToken", "Invalid Token: 'Invalid token'"),
        ("send_task_success", {"taskToken": "x"}, "ValidationException", "'output'"),
        ("send_task_failure", {"taskToken": ""}, "ValidationException", "'taskToken'"),
        ("send_task_heartbeat", {"taskToken": "x" * 2_049}, "ValidationException", "2048"),
    ],
)
def test_refused(sfn: Any, call: str, parameters: dict[str, Any], code: str, message: str) -> None:
    found, text = refusal(getattr(sfn, call), **parameters)
    assert found == code
    assert message in text


def test_an_express_machine_waits_for_nobody(sfn: Any) -> None:
    for resource in (f"{STATES}:activity:pack", "arn:aws:states:::sqs:sendMessage.waitForTaskToken"):
        definition = json.dumps({"StartAt": "A", "States": {"A": task(resource)}})
        code, _ = refusal(
            sfn.create_state_machine, name="quick", definition=definition, roleArn=ROLE, type="EXPRESS"
        )  # fmt: skip
        assert code == "InvalidDefinition"


def test_a_state_machine_works_for_an_activity(sfn: Any) -> None:
    arn = sfn.create_activity(name="pack")["activityArn"]
    sdk = "arn:aws:states:::aws-sdk:sfn"
    worker = machine(
        sfn,
        "worker",
        Take={**task(f"{sdk}:getActivityTask", Parameters={"ActivityArn": arn, "WorkerName": "m"}), "Next": "Answer",
              "End": False},
        Answer=task(f"{sdk}:sendTaskSuccess", Parameters={"TaskToken.$": "$.TaskToken", "Output": {"packed": True}}),
    )  # fmt: skip
    working = sfn.start_execution(stateMachineArn=worker)["executionArn"]
    packing = sfn.start_execution(stateMachineArn=machine(sfn, "m", Pack=task(arn)))["executionArn"]
    assert ended(sfn, packing)["output"] == '{"packed":true}'
    assert ended(sfn, working)["output"] == "{}"


def test_a_state_machine_asks_about_executions(sfn: Any) -> None:
    asked = machine(sfn, "asked", A={"Type": "Pass", "End": True})
    other = sfn.start_execution(stateMachineArn=asked, name="x")["executionArn"]
    ended(sfn, other)
    resource = "arn:aws:states:::aws-sdk:sfn:describeExecution"
    asking = machine(sfn, "asking", Ask=task(resource, Parameters={"ExecutionArn": other}))
    answer = json.loads(ended(sfn, sfn.start_execution(stateMachineArn=asking)["executionArn"])["output"])
    assert (answer["Status"], answer["InputDetails"]) == ("SUCCEEDED", {"Included": True})
    assert answer["StartDate"].endswith("Z")


@pytest.mark.parametrize(
    ("action", "parameters", "error", "words"),
    [
        ("sendTaskHeartbeat", {"TaskToken": "x"}, "Sfn.InvalidTokenException", "Invalid Token"),
        ("sendTaskHeartbeat", {"taskToken": "x"}, "Sfn.ValidationException", "'taskToken' is not supported"),
        ("sendTaskHeartbeat", {}, "Sfn.ValidationException", "'taskToken'"),
        ("dance", {}, "Sfn.UnknownOperationException", "dance"),
    ],
)
def test_what_the_api_refuses_fails_the_task_as_the_sdk_words_it(
    sfn: Any, action: str, parameters: dict[str, Any], error: str, words: str
) -> None:
    asking = machine(sfn, "asking", Ask=task(f"arn:aws:states:::aws-sdk:sfn:{action}", Parameters=parameters))
    found = ended(sfn, sfn.start_execution(stateMachineArn=asking)["executionArn"])
    assert found["error"] == error
    assert words in found["cause"]
    assert found["cause"].endswith("(SDK Attempt Count: 1)")
