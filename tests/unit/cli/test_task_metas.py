"""Tasks deployed from files, over the real REST API, and run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Call

HANDLERS = """from sfc.tasks import task

import rates


@task("price")
def price(order):
    return order["n"] * rates.RATE
"""
FLOW = {"StartAt": "P", "States": {"P": {"Type": "Task", "Resource": "task:price", "End": True}}}
Write = Callable[[Any], Path]


@pytest.fixture(autouse=True)
def server(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFC_URL", url)


def code(directory: Path, rate: int) -> Path:
    directory.mkdir()
    (directory / "handlers.py").write_text(HANDLERS)
    (directory / "rates.py").write_text(f"RATE = {rate}\n")
    return directory


def test_code_is_deployed_and_two_versions_live_side_by_side(call: Call, blueprint: Write, tmp_path: Path) -> None:
    call("blueprints", "put", blueprint(FLOW))
    assert call("task", "deploy", code(tmp_path / "one", 2)).stdout == "price version 1\n"
    assert call("start", "flow", "--input", '{"n": 3}', "--wait").stdout == "6\n"
    call("start", "flow", "--name", "x", "--input", '{"n": 3}', "--wait")
    assert call("task", "deploy", code(tmp_path / "two", 5)).stdout == "price version 2\n"
    used = json.loads(call("executions", "tasks", "flow:x", "--json").stdout)["items"]
    assert [(each["name"], each["version"]) for each in used] == [("price", "1")]
    assert "price" in call("executions", "tasks", "flow:x").stdout
    assert call("start", "flow", "--input", '{"n": 3}', "--wait").stdout == "15\n"
    pinned = {"StartAt": "P", "States": {"P": {"Type": "Task", "Resource": "task:price:1", "End": True}}}
    call("blueprints", "put", blueprint(pinned), "--name", "pinned")
    assert call("start", "pinned", "--input", '{"n": 3}', "--wait").stdout == "6\n"


def test_deploying_the_same_again_makes_no_version(call: Call, tmp_path: Path) -> None:
    source = code(tmp_path / "one", 2)
    assert [call("task", "deploy", source).stdout for _ in range(2)] == ["price version 1\n"] * 2
    assert "price" in call("task", "list").stdout
    shown = json.loads(call("task", "show", "price", "--json").stdout)
    assert (shown["type"], shown["handler"], shown["version"]) == ("python", "handlers:price", "1")
    assert "versions" in call("task", "show", "price").stdout
    changed = call("task", "deploy", code(tmp_path / "two", 3), "--version", "1")
    assert "TaskVersionAlreadyExists" in str(changed.exception)


def test_a_deleted_task_is_found_no_more(call: Call, tmp_path: Path) -> None:
    call("task", "deploy", code(tmp_path / "one", 2))
    assert call("task", "delete", "price").exit_code == 0
    assert "TaskDoesNotExist" in str(call("task", "show", "price").exception)
    assert json.loads(call("task", "list", "--json").stdout)["items"] == []


def test_a_meta_in_a_file_is_deployed(call: Call, tmp_path: Path) -> None:
    meta = tmp_path / "stock.json"
    meta.write_text(json.dumps({"type": "rest", "url": "https://stock.example/{sku}", "method": "GET"}))
    assert call("task", "deploy", meta).stdout == "stock version 1\n"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps({"type": "rest", "url": "ftp://stock.example"}))
    assert "url" in str(call("task", "deploy", broken).exception)


def test_a_schema_that_an_input_does_not_fit_fails_the_task(call: Call, blueprint: Write, tmp_path: Path) -> None:
    meta = tmp_path / "meta.json"
    meta.write_text(json.dumps({"input_schema": {"properties": {"n": {"type": "integer"}}, "required": ["n"]}}))
    call("blueprints", "put", blueprint(FLOW))
    call("task", "deploy", code(tmp_path / "one", 2), "--meta", meta)
    failed = call("start", "flow", "--input", '{"n": "x"}', "--wait")
    assert (
        "SFC.InvalidInput: The input of task price version 1 does not fit its schema: $.n: 'x' is not of type"
        in str(failed.exception)
    )


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("x = 1", (), "no function"),
        ("from sfc.tasks import task\n@task('a')\ndef f(x): ...\n@task('a')\ndef g(x): ...", (), "two functions"),
        (
            "from sfc.tasks import task\n@task('a')\ndef f(x): ...\n@task('b')\ndef g(x): ...",
            ("--name", "c"),
            "It has: a, b",
        ),
        ("def f(x", (), "no Python"),
        ("def f(x): ...", ("--handler", "code:f"), "say how it is called"),
    ],
)
def test_what_cannot_be_deployed_is_a_usage_error(
    call: Call, tmp_path: Path, source: str, options: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "code.py"
    file.write_text(source)
    result = call("task", "deploy", file, *options)
    assert (result.exit_code, said in " ".join(result.stderr.replace("│", " ").split())) == (2, True), result.stderr


def test_a_function_without_a_decorator_is_deployed_under_a_name(call: Call, tmp_path: Path, blueprint: Write) -> None:
    file = tmp_path / "code.py"
    file.write_text("def f(order):\n    return order['n']\n")
    call("blueprints", "put", blueprint(FLOW))
    assert call("task", "deploy", file, "--handler", "code:f", "--name", "price").stdout == "price version 1\n"
    assert call("start", "flow", "--input", '{"n": 3}', "--wait").stdout == "3\n"


def test_sfc_run_takes_what_would_be_deployed(call: Call, blueprint: Write, tmp_path: Path) -> None:
    source = code(tmp_path / "one", 2)
    assert call("run", blueprint(FLOW), "--task", source, "--input", '{"n": 3}').stdout == "6\n"
    wrong = tmp_path / "price.json"
    wrong.write_text(json.dumps({"type": "rest", "urls": []}))
    assert "a task has no field 'urls'" in str(call("run", blueprint(FLOW), "--task", wrong).exception)
