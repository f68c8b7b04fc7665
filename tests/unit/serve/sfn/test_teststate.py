"""TestState as boto3 sees it."""

import json
from typing import Any

import pytest

from tests.unit.serve.sfn.test_endpoint import ROLE, refusal

TASK = json.dumps({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "ResultPath": "$.r", "Next": "After"})


def asked(sfn: Any, **parameters: Any) -> dict[str, Any]:
    found: dict[str, Any] = sfn.test_state(**parameters)
    del found["ResponseMetadata"]
    return found


def test_info_tells_what_came_of_it(sfn: Any) -> None:
    found = asked(sfn, definition=TASK, input='{"a":1}', mock={"result": '{"Payload":2}'})
    assert found == {"status": "SUCCEEDED", "output": '{"a":1,"r":{"Payload":2}}', "nextState": "After"}


def test_trace_tells_how(sfn: Any) -> None:
    found = asked(
        sfn,
        definition=TASK,
        inspectionLevel="TRACE",
        mock={"errorOutput": {"error": "No", "cause": "never"}},
        stateConfiguration={"retrierRetryCount": 1},
    )
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "No", "never")
    assert found["inspectionData"] == {"input": "{}", "afterInputPath": "{}", "afterParameters": "{}"}


def test_a_task_is_really_called_without_a_mock(sfn: Any) -> None:
    task = json.dumps({"Type": "Task", "Resource": "task:nobody-does-this", "End": True})
    found = asked(sfn, definition=task, roleArn=ROLE)
    assert (found["status"], found["error"]) == ("FAILED", "SFC.UnknownTask")


HTTP = {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "End": True}


def http_task(address: str, **parameters: Any) -> str:
    return json.dumps({**HTTP, "Parameters": {"ApiEndpoint": address, "Method": "GET", **parameters}})


def test_trace_shows_the_request_and_the_response_of_an_http_task(sfn: Any, url: str) -> None:
    definition = http_task(
        f"{url}/api/blueprints",
        Method="POST",
        Headers={"X-One": "1"},
        QueryParameters={"q": "a b"},
        RequestBody={"name": "made", "definition": {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}},
    )
    data = asked(sfn, definition=definition, inspectionLevel="TRACE", roleArn=ROLE)["inspectionData"]
    request, response = data["request"], data["response"]
    assert "X-One: 1, Content-Type: application/json" in request.pop("headers")
    assert request == {
        "protocol": "http",
        "method": "POST",
        "url": f"{url}/api/blueprints?q=a+b",
        "body": '{"name":"made","definition":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}}',
    }
    assert (response["protocol"], response["statusCode"], response["statusMessage"]) == ("http", "201", "Created")
    assert "content-type: application/json" in response["headers"]
    assert json.loads(response["body"])["name"] == "made"


def test_of_a_refused_request_the_status_and_the_answer_are_shown(sfn: Any, url: str) -> None:
    definition = http_task(f"{url}/api/blueprints/nobody")
    found = asked(sfn, definition=definition, inspectionLevel="TRACE", roleArn=ROLE)
    assert found["error"] == "States.Http.StatusCode.404"
    response = found["inspectionData"]["response"]
    assert json.loads(response.pop("body"))["error"] == "StateMachineDoesNotExist"
    assert response == {"protocol": "http", "statusCode": "404", "statusMessage": "Not Found"}


def test_a_request_that_nobody_answers_is_shown_alone(sfn: Any) -> None:
    found = asked(sfn, definition=http_task("http://127.0.0.1:1/"), inspectionLevel="TRACE", roleArn=ROLE)
    assert found["error"] == "States.Http.Socket"
    assert found["inspectionData"]["request"]["url"] == "http://127.0.0.1:1/"
    assert "response" not in found["inspectionData"]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"definition": http_task("http://127.0.0.1:1/"), "inspectionLevel": "DEBUG"}, id="at DEBUG"),
        pytest.param({"definition": http_task("http://127.0.0.1:1/"), "mock": {"result": "{}"}}, id="of a mock"),
        pytest.param({"definition": json.dumps({**HTTP, "Parameters": {"Method": "GET"}})}, id="when nothing is sent"),
    ],
)
def test_no_request_is_shown(sfn: Any, more: dict[str, Any]) -> None:
    data = asked(sfn, **{"inspectionLevel": "TRACE", "roleArn": ROLE, **more})["inspectionData"]
    assert not {"request", "response"} & data.keys()


def test_a_request_that_breaks_a_constraint_is_refused(sfn: Any) -> None:
    code, message = refusal(sfn.test_state, definition=TASK, mock={"fieldValidationMode": "LOOSE"})
    assert code == "ValidationException"
    assert "'mock.fieldValidationMode' failed to satisfy constraint" in message
