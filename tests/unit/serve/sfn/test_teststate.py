"""TestState as boto3 sees it."""

import json
from typing import Any

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


def test_a_request_that_breaks_a_constraint_is_refused(sfn: Any) -> None:
    code, message = refusal(sfn.test_state, definition=TASK, mock={"fieldValidationMode": "LOOSE"})
    assert code == "ValidationException"
    assert "'mock.fieldValidationMode' failed to satisfy constraint" in message
