"""Installed requirements of packages: a directory for each set of them, made once by pip (or uv) and kept in a cache.

The directory stands in front of the worker's own packages, in a process of its own: the worker itself never sees it.
Where packages come from is pip's own configuration: `PIP_INDEX_URL` and the like.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sfc.jsonvalue import dumps
from sfc.limits import CAUSE_CHARS
from sfc.task_meta import digest_of
from sfc.tasks.context import TaskError

INSTALL_S: Final = 600.0


def cache_directory() -> Path:
    """Set by `SFC_CACHE`; else a directory of the user."""
    given = os.environ.get("SFC_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sfc"


def environment(requirements: Sequence[str]) -> Path:
    """The directory with these installed. Blocks, perhaps for minutes. Raises TaskError (SFC.TaskNotLoaded)."""
    wanted = [sysconfig.get_platform(), sysconfig.get_python_version(), *sorted(requirements)]
    directory = cache_directory() / "environments"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = directory / digest_of(dumps(wanted))[:32]
    with (directory / f"{made.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other workers of this machine want the same
        if not made.is_dir():
            unfinished = directory / f"{made.name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            _install(requirements, unfinished)
            unfinished.rename(made)
    return made


def _install(requirements: Sequence[str], target: Path) -> None:
    uv = shutil.which("uv")
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target)]
    else:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        command += ["--target", str(target)]
    try:
        done = subprocess.run(
            [*command, "--", *requirements], capture_output=True, text=True, timeout=INSTALL_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TaskError("SFC.TaskNotLoaded", f"installing took longer than {INSTALL_S:.0f} s") from None
    except OSError as error:
        raise TaskError("SFC.TaskNotLoaded", f"nothing here installs packages: {error}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise TaskError("SFC.TaskNotLoaded", f"the requirements cannot be installed: {said}"[-CAUSE_CHARS:])
