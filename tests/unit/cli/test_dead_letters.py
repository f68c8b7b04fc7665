"""`sfc kafka dlq …` against a server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.dead_letters import bridge, engine_with, letter
from tests.support.server import serving
from tests.unit.cli.conftest import Call

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch, call: Call, blueprint: Callable[[Any], Path]) -> Any:
    letters = [letter(offset, b"no json") for offset in range(3)]
    letters.append(letter(3, b"\xff", headers=[("trace", b"abc")]))
    with serving(make=lambda: (engine_with(*letters), None), bridge=bridge) as url:
        monkeypatch.setenv("SFC_URL", url)
        call("blueprints", "put", blueprint(PASS))
        trigger(call)
        yield


def trigger(call: Call, *more: str) -> None:
    assert call("trigger", "set", "orders", "--blueprint", "flow", "--topic", "orders", *more).exit_code == 0


def left(call: Call) -> list[int]:
    return [each["id"] for each in json.loads(call("kafka", "dlq", "list", "--json").stdout)["items"]]


def test_they_are_listed_and_shown(call: Call) -> None:
    listed = call("kafka", "dlq", "list", "--trigger", "orders")
    assert "NotInFormat" in listed.stdout
    shown = call("kafka", "dlq", "show", "4").stdout
    assert "base64:/w==" in shown
    assert '{"trace":"abc"}' in shown
    assert json.loads(call("kafka", "dlq", "show", "1", "--json").stdout)["record"]["value"]["text"] == "no json"
    assert "there are more than 2" in call("kafka", "dlq", "list", "--limit", "2").stderr


def test_what_is_still_of_no_use_stays_and_is_told(call: Call) -> None:
    tried = call("kafka", "dlq", "replay", "1", "2")
    assert "2 could not be replayed and stay" in str(tried.exception)
    assert left(call) == [4, 3, 2, 1]


def test_all_are_replayed_after_the_trigger_was_changed(call: Call) -> None:
    trigger(call, "--setting", 'format="bytes"')
    assert "1 started" in call("kafka", "dlq", "replay", "1").stderr
    assert "3 started" in call("kafka", "dlq", "replay", "--all", "--trigger", "orders").stderr
    assert left(call) == []


def test_they_are_dropped(call: Call) -> None:
    assert "1 dropped" in call("kafka", "dlq", "drop", "2").stderr
    assert left(call) == [4, 3, 1]
    assert "3 dropped" in call("kafka", "dlq", "drop", "--all").stderr
    assert left(call) == []


@pytest.mark.parametrize("arguments", [(), ("1", "--all"), ("1", "--trigger", "orders")])
def test_it_must_be_said_which_are_meant(call: Call, arguments: tuple[str, ...]) -> None:
    assert call("kafka", "dlq", "drop", *arguments).exit_code == 2
    assert left(call) == [4, 3, 2, 1]
