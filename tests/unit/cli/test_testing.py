"""`sfc test`: the cases of a mock file."""

import json
from pathlib import Path
from typing import Any

import pytest

from sfc.cli.output import Failed
from tests.unit.cli.conftest import Call

FOLDER = Path(__file__).parents[1] / "testing"
ORDER, MOCKS = FOLDER / "order.asl.json", FOLDER / "order.mocks.json"


@pytest.fixture
def changed(tmp_path: Path) -> Any:
    """The mock file with other expectations."""

    def write(**expected: Any) -> Path:
        mocks = json.loads(MOCKS.read_text())
        mocks["StateMachines"]["order"]["Expected"] = expected
        (tmp_path / "m.json").write_text(json.dumps(mocks))
        return tmp_path / "m.json"

    return write


def test_every_case_is_run_and_shown(call: Call) -> None:
    result = call("test", ORDER, "--mocks", MOCKS)
    assert result.exit_code == 0, result.output
    assert "Busy" in result.stdout
    assert "Charge → Refuse" in result.stdout
    assert "15 s" in result.stdout
    assert result.stderr == "3 passed, 0 failed\n"


def test_one_case_may_be_chosen(call: Call) -> None:
    result = call("test", ORDER, "--mocks", MOCKS, "--case", "Paid")
    assert (result.exit_code, result.stderr) == (0, "1 passed, 0 failed\n")


def test_a_case_that_ends_otherwise_fails_the_command_and_says_how(call: Call, changed: Any) -> None:
    result = call("test", ORDER, "--mocks", changed(Paid={"Output": 1}))
    assert result.exit_code == 1
    assert 'Paid: Output is {"receipt":{"number":"r-1"}}, not 1\n' in result.stderr
    assert "Declined: Status is FAILED (Refused), not SUCCEEDED\n" in result.stderr
    assert result.stderr.endswith("1 passed, 2 failed\n")


def test_json_tells_everything(call: Call, changed: Any) -> None:
    result = call(
        "test", ORDER, "--mocks", changed(), "--case", "Paid", "--case", "Declined", "--json", "-i", '{"a":1}'
    )
    paid, declined = json.loads(result.stdout)
    assert paid["passed"]
    assert paid["output"] == {"a": 1, "receipt": {"number": "r-1"}}
    assert (declined["case"], declined["passed"], declined["error"]) == ("Declined", False, "Refused")
    assert declined["path"] == ["Charge", "Refuse"]


def test_what_is_not_mocked_fails_its_case_or_is_done_by_a_handler(call: Call, tmp_path: Path) -> None:
    mocks = json.loads(MOCKS.read_text())
    del mocks["StateMachines"]["order"]["TestCases"]["Paid"]["Ship"]
    (tmp_path / "m.json").write_text(json.dumps(mocks))
    arguments = ("test", ORDER, "--mocks", tmp_path / "m.json", "--case", "Paid")
    result = call(*arguments)
    assert result.exit_code == 1
    assert "Paid: state 'Ship' called task:ship, which is not mocked" in result.stderr
    (tmp_path / "handlers.py").write_text("from sfc.tasks import task\n\ntask('ship')(lambda order: {'sent': True})\n")
    assert call(*arguments, "--handlers", tmp_path / "handlers.py").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--case", "None"], "state machine 'order' has no test case 'None'; there are: Paid, Busy, Declined"),
        (["--name", "other"], "the mock configuration has no state machine 'other'; there are: order"),
    ],
)
def test_what_is_not_in_the_file_is_told(call: Call, arguments: list[str], reason: str) -> None:
    result = call("test", ORDER, "--mocks", MOCKS, *arguments)
    assert isinstance(result.exception, Failed)
    assert str(result.exception).startswith(reason)


def test_a_file_that_cannot_be_read_is_a_usage_error(call: Call) -> None:
    assert call("test", ORDER, "--mocks", "/no/such/file").exit_code == 2
