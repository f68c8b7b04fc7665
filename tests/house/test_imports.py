"""Who may import whom, and what a cold start may load."""

import subprocess
import sys

import pytest

from tests.house.tree import ROOT

HEAVY = ("ray", "fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "httpx", "jsonpath_ng", "boto3", "pydantic")


def test_the_import_contracts_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    checked = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("module", ["sfc.cli", "sfc.interpreter.step", "sfc.asl.model"])
def test_a_cold_start_loads_nothing_heavy(module: str) -> None:
    """`sfc run` of a small blueprint shall take less than half a second; each of these alone costs 50 to 1,500 ms."""
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(HEAVY) & set(loaded.stdout.split()) == set()
