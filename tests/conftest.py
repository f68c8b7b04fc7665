"""What every test may use: where the recorded cases are, and rules that hold for the whole run."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.chance import MINUTES, SEED

# No deadline: how long an example takes depends on the machine, not on the code alone.
settings.register_profile("sfc", deadline=None, print_blob=True)
settings.load_profile("sfc")

pytest_plugins = (
    "sfc.pytest_plugin",  # also where SFC was installed before it had this entry point
    "tests.support.broker",
)

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Code that tests deploy is kept away from the cache of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFC_CACHE", str(tmp_path_factory.mktemp("sfc-cache")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded cases of other implementations: $SFC_SHARED, else ../shared beside the checkout."""
    root = Path(os.environ.get("SFC_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    if not root.is_dir():
        pytest.skip(f"no recorded cases in {root}; say where they are with SFC_SHARED")
    return root


def pytest_report_header(config: pytest.Config) -> str | None:
    return f"seed {SEED}, {MINUTES:g} minutes each" if _chaotic(config) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that take minutes, and the whole machine, run only when they are asked for."""
    if not _chaotic(config):
        left_out = [item for item in items if item.get_closest_marker("chaos")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _chaotic(config: pytest.Config) -> bool:
    return "chaos" in config.option.markexpr


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter is not None else 0


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test fails the run: a missing tool must not look like a passing test."""
    if IN_CI and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if IN_CI and _skipped(config):
        terminalreporter.write_line(f"{_skipped(config)} skipped, which CI=true does not allow", red=True)
