"""Workflows that other people published are valid."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sfc.asl import parse

FOLDER = Path(os.environ.get("SFC_SHARED") or Path(__file__).resolve().parents[3] / "shared") / "conformance/workflows"


@pytest.fixture(autouse=True)
def _recorded(shared: Path) -> None:
    """Skips, with the reason, where the recorded cases are absent."""


def _workflows() -> list[Any]:
    files = sorted(FOLDER.glob("*.json"))
    cases = [case for file in files for case in json.loads(file.read_text()) if not case.get("doubtful")]
    return [pytest.param(case, id=case["id"]) for case in cases]


@pytest.mark.parametrize("case", _workflows())
def test_a_published_workflow_is_valid(case: dict[str, Any]) -> None:
    parsed = parse(json.dumps(case["definition"]), kind=case.get("type") or "STANDARD")
    assert [each for each in parsed.diagnostics if each.severity == "ERROR"] == []
    assert parsed.machine is not None or parsed.unsupported
