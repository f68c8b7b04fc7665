"""`sfc trigger …` against a server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Call

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


@pytest.fixture(autouse=True)
def server(url: str, monkeypatch: pytest.MonkeyPatch, call: Call, blueprint: Callable[[Any], Path]) -> None:
    monkeypatch.setenv("SFC_URL", url)
    call("blueprints", "put", blueprint(PASS))


def settings(call: Call, name: str) -> Any:
    return json.loads(call("trigger", "show", name, "--json").stdout)["settings"]


def test_a_schedule_is_set_listed_shown_paused_and_deleted(call: Call) -> None:
    made = call(
        "trigger", "set", "nightly", "--blueprint", "flow", "--cron", "0 3 * * *", "--timezone", "Europe/Berlin",
        "--missed", "skip", "--overlap", "skip", "--input", '{"at.$": "$.time"}',
    )  # fmt: skip
    assert "0 3 * * *" in made.stdout
    assert settings(call, "nightly") == {
        "cron": "0 3 * * *", "timezone": "Europe/Berlin", "missed": "skip", "overlap": "skip",
        "input": {"at.$": "$.time"},
    }  # fmt: skip
    assert "nightly" in call("trigger", "list").stdout
    assert call("trigger", "pause", "nightly").exit_code == 0
    assert json.loads(call("trigger", "list", "--json").stdout)["items"][0]["paused"] is True
    assert call("trigger", "resume", "nightly").exit_code == 0
    assert "next" in call("trigger", "show", "nightly").stdout
    assert call("trigger", "delete", "nightly").exit_code == 0
    assert "TriggerDoesNotExist" in str(call("trigger", "show", "nightly").exception)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("1h30m", 5_400), ("2d", 172_800)])
def test_an_interval_is_a_duration(call: Call, text: str, seconds: int) -> None:
    call("trigger", "set", "t", "--blueprint", "flow", "--every", text)
    assert settings(call, "t") == {"every_s": seconds}


@pytest.mark.parametrize("text", ["5", "", "m", "5x", "1.5h", "5m x"])
def test_what_is_no_duration_is_a_usage_error(call: Call, text: str) -> None:
    assert call("trigger", "set", "t", "--blueprint", "flow", "--every", text).exit_code == 2


def test_a_webhook_is_set_with_a_preset_or_with_everything(call: Call, tmp_path: Path) -> None:
    call("trigger", "set", "pushes", "--blueprint", "flow", "--webhook", "github", "--secret", "${env:A}",
         "--filter", "{% $states.input.body.ref = 'main' %}")  # fmt: skip
    assert settings(call, "pushes") == {
        "signature": {"preset": "github", "secret": ["${env:A}"]},
        "filter": "{% $states.input.body.ref = 'main' %}",
    }
    assert "/hooks/pushes" in call("trigger", "show", "pushes").stdout
    own = '{"header": "X-Sig", "secret": "${env:A}"}'
    call("trigger", "set", "own", "--blueprint", "flow", "--setting", f"signature={own}", "--setting", "dedupe=X-Id")
    assert settings(call, "own") == {"signature": json.loads(own), "dedupe": "X-Id"}


def test_a_file_says_it_all_and_options_go_over_it(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "trigger.json"
    file.write_text(json.dumps({"kind": "schedule", "blueprint": "flow", "settings": {"every_s": 60}}))
    assert call("trigger", "set", "t", "--file", file, "--missed", "all", "--paused").exit_code == 0
    shown = json.loads(call("trigger", "show", "t", "--json").stdout)
    assert (shown["settings"], shown["paused"]) == ({"every_s": 60, "missed": "all"}, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--blueprint", "flow"],
        ["--blueprint", "flow", "--secret", "${env:A}"],
        ["--blueprint", "flow", "--every", "5m", "--setting", "jitter_s"],
        ["--file", "/nowhere"],
    ],
)
def test_what_is_called_wrongly_is_a_usage_error(call: Call, arguments: list[str]) -> None:
    assert call("trigger", "set", "t", *arguments).exit_code == 2


@pytest.mark.parametrize("text", ["[]", "{", '{"settings": []}'])
def test_a_file_that_holds_no_trigger_is_a_usage_error(call: Call, tmp_path: Path, text: str) -> None:
    file = tmp_path / "trigger.json"
    file.write_text(text)
    assert call("trigger", "set", "t", "--file", file).exit_code == 2


def test_backfill_tells_what_it_started(call: Call) -> None:
    call("trigger", "set", "hourly", "--blueprint", "flow", "--every", "1h")
    done = call("trigger", "backfill", "hourly", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T02:00:00Z")
    assert "3" in done.stdout.splitlines()[0]
    assert call("executions", "show", "flow:hourly-20260101T020000Z").exit_code == 0
    call("trigger", "set", "hourly", "--blueprint", "flow", "--every", "1h", "--input", "$.nothing")
    failed = call("trigger", "backfill", "hourly", "--from", "2026-02-01T00:00:00Z", "--to", "2026-02-01T00:00:00Z")
    assert (failed.exit_code, "nothing" in failed.stdout) == (1, True)
