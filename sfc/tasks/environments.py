"""Installed requirements of packages: a directory for each set of them, made once by pip (or uv).

The directory stands in front of the worker's own packages, in a process of its own: the worker itself never sees it.
Where packages come from is pip's own configuration: `PIP_INDEX_URL` and the like.
"""

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
from sfc.tasks.cache import Kept, keep
from sfc.tasks.context import TaskError

INSTALL_S: Final = 600.0


def environment(requirements: Sequence[str]) -> Kept:
    """The directory with these installed. Blocks, perhaps for minutes. Raises TaskError, OSError."""
    wanted = [sysconfig.get_platform(), sysconfig.get_python_version(), *sorted(requirements)]
    return keep("environments", digest_of(dumps(wanted)), lambda target: _install(requirements, target))


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
