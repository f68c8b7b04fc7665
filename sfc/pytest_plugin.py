"""Fixtures for pytest, which finds this module by the entry point `pytest11`.

It is loaded at the start of every run of pytest where SFC is installed: what it needs is imported by who asks for it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from sfc.testing import MockConfig, Played


class PlayBlueprint(Protocol):
    def __call__(self, definition: Any, input: Any = None, **options: Any) -> "Played": ...


@pytest.fixture
def play_blueprint(request: pytest.FixtureRequest) -> PlayBlueprint:
    """`sfc.testing.play`, with files found beside the test that asks."""
    from sfc.testing import play

    folder = request.path.parent

    def found(definition: Any, input: Any = None, **options: Any) -> "Played":
        is_file = isinstance(definition, Path) or (
            isinstance(definition, str) and not definition.lstrip().startswith("{")
        )
        return play(folder / definition if is_file else definition, input, **options)

    return found


@pytest.fixture
def mock_config(request: pytest.FixtureRequest) -> "Callable[[str | Path], MockConfig]":
    """Reads a mock configuration file beside the test that asks."""
    from sfc.testing import read_mocks

    folder = request.path.parent
    return lambda file: read_mocks((folder / file).read_text(encoding="utf-8"))
