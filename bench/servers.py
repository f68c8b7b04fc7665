"""A server to measure: `sfc up` in a process of its own, on a free port, with data that goes with it."""

import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

READY_S = 120
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    pid: int
    data: Path


@contextlib.contextmanager
def sfc_up(*options: str, workers: int = 2) -> Iterator[Server]:
    """Ready when it is yielded; ended afterwards. `options` go to `sfc up`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="sfc-bench-") as data:
        command = [Path(sys.executable).with_name("sfc"), "up", "--port", str(port), "--data", data]
        command += ["--workers", str(workers), "--handlers", "bench.handlers", *options]
        process = subprocess.Popen(command, cwd=ROOT, stdout=sys.stderr)
        try:
            _await_ready(process, f"http://127.0.0.1:{port}")
            yield Server(f"http://127.0.0.1:{port}", process.pid, Path(data))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _await_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"sfc up ended with {process.returncode}")
        if _answers(url):
            return
        time.sleep(0.2)
    raise RuntimeError(f"sfc up was not ready within {READY_S} s")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
