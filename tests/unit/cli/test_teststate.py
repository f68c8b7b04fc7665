"""`sfc test-state`: one state without its surroundings."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfc.errors import InvalidRequest
from tests.unit.cli.conftest import Call

Write = Callable[[Any], Path]
TASK = {
    "Type": "Task",
    "Resource": "task:none",
    "Catch": [{"ErrorEquals": ["No"], "Next": "Caught", "ResultPath": "$.error"}],
    "Next": "After",
}
MACHINE = {"StartAt": "T", "States": {"T": TASK, "After": {"Type": "Succeed"}, "Caught": {"Type": "Succeed"}}}


def test_a_mocked_result_leads_to_the_next_state(call: Call, blueprint: Write) -> None:
    result = call("test-state", blueprint(TASK), "--input", "1", "--mock-result", '{"a": 2}')
    told = json.loads(result.stdout)
    assert (result.exit_code, told["status"], told["nextState"], told["output"]) == (0, "SUCCEEDED", "After", {"a": 2})
    assert (told["inspectionData"]["input"], told["inspectionData"]["result"]) == (1, {"a": 2})


def test_a_mocked_error_is_caught_in_a_state_of_a_machine(call: Call, blueprint: Write) -> None:
    result = call("test-state", blueprint(MACHINE), "--state", "T", "--mock-error", "No", "--mock-cause", "never")
    told = json.loads(result.stdout)
    assert (told["status"], told["nextState"]) == ("CAUGHT_ERROR", "Caught")
    assert told["output"] == {"error": {"Error": "No", "Cause": "never"}}


def test_a_task_without_a_mock_is_really_called_and_a_failure_is_an_exit_code(call: Call, blueprint: Write) -> None:
    result = call("test-state", blueprint(TASK))
    told = json.loads(result.stdout)
    assert (result.exit_code, told["status"], told["error"]) == (1, "FAILED", "SFC.UnknownTask")


def test_what_does_not_go_together_is_refused(call: Call, blueprint: Write) -> None:
    result = call("test-state", blueprint({"Type": "Succeed"}), "--mock-result", "{}")
    with pytest.raises(InvalidRequest, match="State type 'Succeed' is not supported"):
        raise result.exception  # type: ignore[misc]
