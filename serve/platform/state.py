"""What is known of a running `sfc up`: a file beside its data, and a lock that says whether it lives.

The lock is held by the process itself, so it is free the moment that process is gone, however it went. The file names
the processes it started, each with its time of creation: a process id alone may belong to somebody else by now.
"""

import fcntl
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psutil

from sfc.errors import SfcError

_GRACE_S = 2.0


class AlreadyRunning(SfcError):
    """Another `sfc up` works on the same data."""

    status = 409
    code = "AlreadyRunning"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process for all time: its number and when it was created (seconds since 1970)."""

    pid: int
    created: float

    @classmethod
    def of(cls, process: psutil.Process) -> "ProcessId":
        return cls(process.pid, process.create_time())

    def find(self) -> psutil.Process | None:
        """The process, if it still lives and is the same one."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 0.05 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return process if same else None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The contents of the file."""

    up: ProcessId
    url: str
    ray_address: str | None = None
    ray_directory: str | None = None
    """Temporary directory of its Ray head."""
    processes: tuple[ProcessId, ...] = field(default=())
    """Everything it started, its children included."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "State":
        processes = tuple(ProcessId(**process) for process in value["processes"])
        return cls(**{**value, "up": ProcessId(**value["up"]), "processes": processes})


def state_file(directory: Path) -> Path:
    return directory / "up.json"


def write_state(directory: Path, state: State) -> None:
    """Replaces the file in one step."""
    fresh = directory / f"up.json.{os.getpid()}"
    fresh.write_bytes(orjson.dumps(asdict(state), option=orjson.OPT_INDENT_2))
    fresh.replace(state_file(directory))


def read_state(directory: Path) -> State | None:
    """What the last `sfc up` on this data left; None when there was none or the file is not readable."""
    try:
        return State.from_json(orjson.loads(state_file(directory).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def lock(directory: Path) -> int:
    """Become the one `sfc up` of this data; the lock is held until the process ends. Raises AlreadyRunning."""
    handle = os.open(directory / "up.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        known = read_state(directory)
        where = f" at {known.url} (pid {known.up.pid})" if known else ""
        raise AlreadyRunning(f"`sfc up` runs on {directory} already{where}; end it with `sfc down`") from None
    return handle


def is_locked(directory: Path) -> bool:
    """Whether an `sfc up` lives on this data."""
    try:
        os.close(lock(directory))
    except AlreadyRunning:
        return True
    except OSError:
        return False
    return False


def family(roots: Iterable[ProcessId]) -> list[psutil.Process]:
    """The processes that still live, and all their children."""
    found: dict[int, psutil.Process] = {}
    for root in roots:
        process = root.find()
        if process is None:
            continue
        found[process.pid] = process
        try:
            found.update({child.pid: child for child in process.children(recursive=True)})
        except psutil.Error:
            continue
    return list(found.values())


def end(roots: Iterable[ProcessId]) -> int:
    """Ends what is left of these processes and their children: asks first, then kills. Returns how many there were."""
    processes = family(roots)
    for process in processes:
        _quietly(process.terminate)
    for process in _await_end(processes):
        _quietly(process.kill)
    _await_end(processes)
    return len(processes)


def _await_end(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still live after the grace. A zombie is dead, whoever may be late to bury it."""
    deadline = time.monotonic() + _GRACE_S
    while alive := [process for process in processes if _lives(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _quietly(act: Any) -> None:
    try:
        act()
    except psutil.NoSuchProcess:
        pass
