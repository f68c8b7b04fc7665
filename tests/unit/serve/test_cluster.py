"""`sfc deploy`: what it checks, and what it says when there is no cluster to deploy on."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from serve.cli import app
from serve.settings import Settings


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def pretend(monkeypatch: pytest.MonkeyPatch, directory: Path, script: str) -> None:
    """This script stands for the Python that joins Ray."""
    python = directory / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


def test_what_joins_ray_is_given_the_settings_and_the_address(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, tmp_path, f'echo "$SFC_RAY_ADDRESS $3" > {tmp_path}/said; echo "$4" > {tmp_path}/settings')
    words = f"deploy --data {data} --workers 3 --headroom-cpus 16 --address 192.0.2.10:6379 --port 9000"
    result = call(*words.split())
    assert result.exit_code == 0, result.output
    assert result.stderr == "ready at http://127.0.0.1:9000 on the cluster's head\n"
    assert (tmp_path / "said").read_text() == "192.0.2.10:6379 deploy\n"
    settings = Settings.from_json(json.loads((tmp_path / "settings").read_text()))
    assert settings == Settings(data=str(data), port=9000, workers=3, headroom_cpus=16.0)


def test_a_failure_is_told_with_its_last_words_and_its_log(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, tmp_path, "echo trying; echo ConnectionError: no head there >&2; exit 1")
    result = call("deploy", "--data", str(data))
    log = data / "deploy.log"
    assert str(result.exception) == f"deploy failed (see {log}): ConnectionError: no head there"
    assert log.read_text() == "trying\nConnectionError: no head there\n"


def test_undeploy_of_data_that_are_not_there_says_so(data: Path) -> None:
    result = call("undeploy", "--data", str(data))
    assert str(result.exception) == f"cannot write {data}/deploy.log: No such file or directory"


@pytest.mark.parametrize(
    ("option", "value"), [("--workers", "0"), ("--headroom-cpus", "-1"), ("--blueprints", "/nowhere"), ("--port", "0")]
)
def test_what_makes_no_sense_is_refused_by_its_option(data: Path, option: str, value: str) -> None:
    result = call("deploy", "--data", str(data), option, value)
    assert result.exit_code == 2
    assert option in result.stderr
    assert not data.exists()


def test_an_open_address_is_warned_of(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, tmp_path, "exit 0")
    result = call("deploy", "--data", str(data), "--host", "192.0.2.10")
    assert result.stderr.startswith("warning: 192.0.2.10:8000 is open to whoever can reach it")
