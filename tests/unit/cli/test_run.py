"""`sfc run` and `sfc validate`: in this process, without a server."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfc.cli.output import Failed
from tests.unit.cli.conftest import Call

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "No", "Cause": "never"}}}
TASK = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "task:cli-double", "End": True}}}
Write = Callable[[Any], Path]


def test_the_output_is_on_stdout_alone(call: Call, blueprint: Write) -> None:
    result = call("run", blueprint(PASS), "--input", '{"a": [1, 2.0]}', "--history")
    assert (result.exit_code, result.stdout) == (0, '{"a":[1,2.0]}\n')
    assert "PassStateEntered" in result.stderr


def test_input_comes_from_a_file_or_from_stdin(call: Call, blueprint: Write, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text("[1]")
    assert call("run", blueprint(PASS), "--input", f"@{tmp_path / 'in.json'}").stdout == "[1]\n"
    assert call("run", blueprint(PASS), "--input", "-", input="[2]").stdout == "[2]\n"


def test_a_failure_is_told_in_one_line(call: Call, blueprint: Write) -> None:
    result = call("run", blueprint(FAIL))
    assert isinstance(result.exception, Failed)
    assert str(result.exception) == "FAILED: No: never"
    assert result.stdout == ""


def test_json_tells_everything_whether_it_succeeds_or_not(call: Call, blueprint: Write) -> None:
    result = call("run", blueprint(FAIL), "--json", "--history")
    facts = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (facts["status"], facts["error"], facts["cause"]) == ("FAILED", "No", "never")
    assert [event["type"] for event in facts["history"]] == ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]


def test_tasks_are_done_by_the_handlers_of_a_file(call: Call, blueprint: Write, tmp_path: Path) -> None:
    (tmp_path / "handlers.py").write_text(
        "from sfc.tasks import task\n\n@task('cli-double')\ndef double(n: int) -> int:\n    return 2 * n\n"
    )
    result = call("run", blueprint(TASK), "--input", "21", "--handlers", tmp_path / "handlers.py")
    assert (result.exit_code, result.stdout) == (0, "42\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--input", "{"], "not JSON"),
        (["--input", "@/no/such/file"], "cannot read"),
        (["--nonsense"], "No such option"),
        (["--aws-endpoint", "sqs"], "neither URL nor SERVICE=URL"),
    ],
)
def test_a_wrong_call_is_a_usage_error(call: Call, blueprint: Write, arguments: list[str], reason: str) -> None:
    result = call("run", blueprint(PASS), *arguments)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_validate_lists_every_finding_of_every_file(call: Call, blueprint: Callable[..., Path]) -> None:
    broken = blueprint({"StartAt": "X", "States": {"A": {"Type": "Pass", "Next": "Y"}}}, "broken")
    result = call("validate", blueprint(PASS), broken)
    assert result.exit_code == 1
    assert "/StartAt" in result.stdout
    assert "/States/A/Next" in result.stdout
    found = json.loads(call("validate", broken, "--json").stdout)
    assert {finding["file"] for finding in found} == {str(broken)}
    good = call("validate", blueprint(PASS), "--json")
    assert (good.exit_code, json.loads(good.stdout)) == (0, [])


def test_the_script_ends_with_one_line_and_status_one(blueprint: Write) -> None:
    command = [sys.executable, "-c", "from sfc.cli import main; main()", "run", str(blueprint(FAIL))]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "sfc: FAILED: No: never\n")
