"""Commands in this process, with what they print."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sfc.cli.app import app
from tests.support.server import serving

Call = Callable[..., Result]


@pytest.fixture
def call() -> Call:
    """Runs `sfc ARGUMENTS`; an exception raised on purpose is in `result.exception`."""

    def run(*arguments: object, input: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=input)

    return run


@pytest.fixture
def blueprint(tmp_path: Path) -> Callable[[Any], Path]:
    """Writes a definition to a file of its own."""
    import json

    def write(definition: Any, name: str = "flow") -> Path:
        path = tmp_path / f"{name}.asl.json"
        path.write_text(definition if isinstance(definition, str) else json.dumps(definition))
        return path

    return write


@pytest.fixture
def url() -> Iterator[str]:
    """Of a server with an engine in memory."""
    with serving() as url:
        yield url
