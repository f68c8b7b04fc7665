"""Credentials of a Task: the role goes with the job and shows in the history."""

from typing import Any

import pytest

from tests.support.play import Play, compiled

ROLE = "arn:aws:iam::123456789012:role/trusted"


def flow(credentials: Any, **more: Any) -> Any:
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Credentials": credentials, "End": True}
    return compiled({"StartAt": "T", "States": {"T": task}, **more})


@pytest.mark.parametrize(
    ("credentials", "more"),
    [
        ({"RoleArn": ROLE}, {}),
        ({"RoleArn.$": "$.role"}, {}),
        ({"RoleArn.$": "States.Format('arn:aws:iam::123456789012:role/{}', $.name)"}, {}),
        ({"RoleArn": "{% $states.input.role %}"}, {"QueryLanguage": "JSONata"}),
    ],
)
def test_the_role_is_told_to_the_worker_and_in_the_history(credentials: Any, more: Any) -> None:
    play = Play(flow(credentials, **more), {"role": ROLE, "name": "trusted"})
    assert play.job("T").role_arn == ROLE
    details = next(e["taskScheduledEventDetails"] for e in play.run.events or () if e["type"] == "TaskScheduled")
    assert details["taskCredentials"] == {"roleArn": ROLE}


@pytest.mark.parametrize("role", [None, 1, "", ["x"], "x" * 3_000])
def test_what_is_no_role_ends_the_execution(role: Any) -> None:
    play = Play(flow({"RoleArn.$": "$.role"}), {"role": role})
    assert play.run.failure is not None
    assert play.run.failure.error == "States.Runtime"
    assert "RoleArn" in (play.run.failure.cause or "")
