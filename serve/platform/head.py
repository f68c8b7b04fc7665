"""A Ray head of our own: loopback, own ports, own directory, a token that only this user can read.

Ray has no recovery of its head, and needs none here: what must last is in the store, so a lost head is replaced by a
new one.
"""

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import psutil

from serve.platform.state import ProcessId, end
from sfc.errors import SfcError

_LONGEST_DIRECTORY: Final = 40
"""Ray puts Unix sockets below its directory, and their names may have 107 characters."""
_START_S: Final = 60.0
_OBJECT_STORE_BYTES: Final = 160_000_000
"""Jobs travel in calls; nothing of ours is kept in Ray's object store."""
_PR_SET_PDEATHSIG: Final = 1


class HeadFailed(SfcError):
    """Ray did not start; the message ends with what it said last."""

    status = 503
    code = "RayFailed"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def _directory() -> Path:
    parent = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="sfc-", dir=parent if len(parent) < _LONGEST_DIRECTORY else "/tmp"))  # noqa: S108


class RayHead:
    """Starts and ends one head. `environment` is what a process needs to join it."""

    def __init__(self, data: Path, cpus: int) -> None:
        self.directory = _directory()
        self._cpus = cpus
        self._log = data / "ray.log"
        self._ports = _free_ports(5)
        self.address = f"127.0.0.1:{self._ports[0]}"
        token = self.directory / "token"
        token.touch(0o600)
        token.write_text(secrets.token_hex(32), encoding="ascii")
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("RAY_")},
            # Handlers are found where `sfc up` was called, as they are by `sfc run`.
            "PYTHONPATH": os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH")))),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            # Ray gives its workers the lowest priority but four; the engine and the workers are the service itself.
            "RAY_worker_niceness": "0",
            # The switch that makes Ray stay on 127.0.0.1 instead of looking for an address that others can reach.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_SERVE_LOG_TO_STDERR": "0",
            "SFC_RAY_ADDRESS": self.address,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when the head takes connections. Raises HeadFailed."""
        gcs, client, dashboard, agent, metrics = self._ports
        command = [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
            *("--node-ip-address", "127.0.0.1", "--port", str(gcs), "--ray-client-server-port", str(client)),
            *("--include-dashboard", "false", "--dashboard-port", str(dashboard), "--disable-usage-stats"),
            *("--dashboard-agent-listen-port", str(agent), "--metrics-export-port", str(metrics)),
            *("--min-worker-port", "0", "--max-worker-port", "0", "--include-log-monitor", "false"),
            *("--temp-dir", str(self.directory), "--num-cpus", str(self._cpus), "--log-style", "record"),
            *("--object-store-memory", str(_OBJECT_STORE_BYTES)),
        ]
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C in the terminal must reach only us, who end things in order.
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment,
                start_new_session=True, preexec_fn=_die_with_parent,  # noqa: PLW1509 (there is one thread)
            )  # fmt: skip
        self._wait_until_up()

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self.exit_code() is not None:
                raise HeadFailed(f"Ray did not start (see {self._log}): {self._last_words()}")
            if b"Ray runtime started" in self._log.read_bytes():
                return
            time.sleep(0.05)
        raise HeadFailed(f"Ray did not start within {_START_S:.0f} s (see {self._log})")

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"

    def exit_code(self) -> int | None:
        """None while it lives. It ends by itself when one of Ray's processes dies."""
        return None if self._process is None else self._process.poll()

    def processes(self) -> tuple[ProcessId, ...]:
        """All its processes, as they are now."""
        if self._process is None:
            return ()
        try:
            root = psutil.Process(self._process.pid)
            return tuple(ProcessId.of(process) for process in (root, *root.children(recursive=True)))
        except psutil.Error:
            return ()

    def stop(self, known: tuple[ProcessId, ...] = ()) -> None:
        """Ends all its processes, `known` ones included, and removes its directory."""
        end((*known, *self.processes()))
        if self._process is not None:
            self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def _die_with_parent() -> None:
    """Runs in the child: SIGTERM comes when the parent dies, so that a killed `sfc up` leaves no Ray behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
