"""The example of three services that know only their topics."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.system
@pytest.mark.timeout(300)
def test_every_order_goes_its_way_once(kafka: str) -> None:
    command = [sys.executable, "-m", "examples.relay", "--kafka", kafka]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Every order was priced and shipped once." in told.stdout
