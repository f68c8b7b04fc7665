"""A server of an example's own."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
SLOWEST_START_S = 180


@contextlib.contextmanager
def server(data: str, *options: str | Path) -> Iterator[str]:
    """`sfc up` with these options on a free port; stopped at the end. Yields the URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sfc = Path(sys.executable).with_name("sfc")
    process = subprocess.Popen([sfc, "up", "--port", str(port), "--data", data, *options], cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(process, url)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _await_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    end = time.monotonic() + SLOWEST_START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"sfc up ended with {process.returncode}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health").status_code == 200:
                return
        time.sleep(0.3)
    raise SystemExit(f"sfc up was not ready within {SLOWEST_START_S} s")
