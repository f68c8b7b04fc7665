"""Replay recorded Step Functions cases against a server started for it, and stop that server again.

    python scripts/conformance.py                        every case that can be told apart, with their floors
    python scripts/conformance.py --tier core -v         any arguments of the runner instead

The runner, its cases and its arguments are `run.py` in $SFC_SHARED/conformance (default: ../shared beside us).

Some recordings hold the word "RequestId" where the service gave the id of a request, and the runner takes the word for
what an engine has to answer. Such cases are counted apart: an engine that answered this word would be wrong.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SFC_SHARED") or ROOT.parent / "shared")
CASES = SHARED / "conformance" / "sfn"
DEFAULTS = ["--with", "sqs"]
MIN_OUTCOME = 98.0
MIN_FULL = 95.0
WORD_FOR_AN_ID = re.compile(r'.*\.SdkResponseMetadata\.RequestId: expected "RequestId", got "[0-9a-f-]{36}"')
LAMBDA_PORT = 9001
START_S = 180.0
STOP_S = 60.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_healthy(server: subprocess.Popen[bytes], endpoint: str) -> None:
    """Returns when the server answers. Raises RuntimeError when it ended or did not answer in START_S seconds."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with status {server.returncode} before it answered")
        try:
            with urllib.request.urlopen(f"{endpoint}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"the server did not answer within {START_S:.0f} s")


def stop(server: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C would; the whole process group when it does not end by itself."""
    if server.poll() is not None:
        return
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def told_apart(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases whose recordings do not ask for the word of an id."""
    return [
        case
        for case in results
        if case["full"]
        or not all(WORD_FOR_AN_ID.fullmatch(each) for found in case["differences"].values() for each in found)
    ]


def summary(report: Path) -> bool:
    """Print the shares without the cases that no right engine can pass; whether they reach the floors."""
    results = json.loads(report.read_text())["results"]
    counted = told_apart(results)
    if not counted:
        return True
    outcome, full = (100 * sum(case[level] for case in counted) / len(counted) for level in ("outcome", "full"))
    print(
        f"{len(results) - len(counted)} cases differ in nothing but the word RequestId for a request's id; "
        f"without them: outcome {outcome:.1f} %, full {full:.1f} % of {len(counted)} cases"
    )
    return outcome >= MIN_OUTCOME and full >= MIN_FULL


def main(arguments: list[str]) -> int:
    if not CASES.is_dir():
        print(f"no recorded cases in {CASES}; say where they are with SFC_SHARED", file=sys.stderr)
        return 2
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    runner = [sys.executable, str(SHARED / "conformance" / "run.py"), str(CASES)]
    runner += ["--endpoint", endpoint, "--lambda-port", str(LAMBDA_PORT), *(arguments or DEFAULTS)]
    with tempfile.TemporaryDirectory(prefix="sfc-conformance-") as data:
        command = [str(Path(sys.executable).with_name("sfc")), "up", "--port", str(port), "--data", data]
        command += ["--lambda-endpoint", f"http://127.0.0.1:{LAMBDA_PORT}"]
        command += ["--aws-endpoint", f"sqs=http://127.0.0.1:{LAMBDA_PORT}"]
        server = subprocess.Popen(command, start_new_session=True, stdout=sys.stderr)
        try:
            wait_until_healthy(server, endpoint)
            report = Path(data) / "report.json"
            ended = subprocess.run([*runner, "--json", str(report)], check=False).returncode
            if not report.exists():
                return ended
            return 0 if summary(report) or arguments else 1
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            stop(server)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
