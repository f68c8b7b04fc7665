"""What `make bundle` takes from the lock."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


LOCK = """# Made by hand
Ab_C==1.0 \\
    --hash=sha256:11 \\
    --hash=sha256:22
x==2 \\
    --hash=sha256:33
"""


def test_an_entry_of_the_lock_is_found_by_its_normalised_name_with_all_its_hashes() -> None:
    from bundle import pins

    entries = pins(LOCK)
    assert list(entries) == ["ab-c", "x"]
    assert entries["ab-c"].count("--hash") == 2


def test_what_is_needed_includes_what_that_needs_and_leaves_out_other_extras() -> None:
    from bundle import needed

    found = needed(["httpx>=0.28"])
    assert {"httpx", "httpcore", "h11", "idna", "certifi"} <= found
    assert "pytest" not in found


def test_everything_that_sfc_needs_is_pinned() -> None:
    import tomllib

    from bundle import needed, pins

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert needed(project["dependencies"]) <= set(pins((ROOT / "constraints.txt").read_text()))
