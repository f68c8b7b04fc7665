"""The lock: every line is a pin with hashes, and it belongs to pyproject.toml."""

import re
import subprocess
import sys

from tests.house.tree import ROOT

LOCK = ROOT / "constraints.txt"


def test_the_lock_was_made_from_this_pyproject() -> None:
    command = [sys.executable, "scripts/lock.py", "--check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_every_requirement_of_the_lock_is_one_version_with_hashes() -> None:
    text = LOCK.read_text().replace("\\\n", " ")
    for line in text.splitlines():
        assert (
            not line
            or line.startswith("#")
            or re.fullmatch(r"[\w.\-]+==\S+( ;.*?)?( +--hash=sha256:[0-9a-f]{64})+", line)
        ), line
