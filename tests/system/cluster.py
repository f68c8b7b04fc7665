"""A real `sfc up` on Ray for a test: started, spoken to, killed in parts, started again."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import psutil

from serve.platform.state import family, read_state

READY_S = 120
ROLE = "arn:aws:iam::123456789012:role/test"
ROOT = Path(__file__).parents[2]
WORKER, SCHEDULER, REPLICA = "ray::Worker", "ray::Scheduler", "ray::ServeReplica"
"""How Ray names the processes of our actors."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """`sfc up` on `data`; use as a context manager."""

    def __init__(self, data: Path, *options: str, workers: int = 2) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = ("--workers", str(workers), *options)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = data.parent / f"{data.name}.log"

    def __enter__(self) -> "Cluster":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        self.kill_everything()

    def start(self) -> None:
        """Returns when it is ready."""
        sfc = Path(sys.executable).with_name("sfc")
        with self.log.open("ab") as log:
            command = [sfc, "up", "--port", str(self.port), "--data", self.data, *self.options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT)
        self.await_ready()

    def stop(self) -> None:
        """As Ctrl-C does it. Returns when it has ended. Raises TimeoutExpired."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(40)

    def await_ready(self) -> None:
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return
            time.sleep(0.2)
        raise AssertionError(f"not ready after {READY_S} s: {self.log.read_text()[-2000:]}")

    def processes(self, title: str = "") -> list[psutil.Process]:
        """Its living processes, oldest first; with `title` those that Ray named so."""
        state = read_state(self.data)
        found = []
        for process in family(state.processes) if state else []:
            with contextlib.suppress(psutil.Error):
                if " ".join(process.cmdline()).startswith(title):
                    found.append(process)
        return sorted(found, key=lambda process: process.pid)

    def kill(self, title: str, which: int = 0) -> bool:
        """kill -9 of one process of that title; False when there is none at the moment."""
        processes = self.processes(title)
        if not processes:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            processes[which % len(processes)].kill()
        return True

    def kill_everything(self) -> None:
        """kill -9 of `sfc up` and of all of Ray at once."""
        victims = self.processes()
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        psutil.wait_procs(victims, timeout=10)

    def call(self, action: str, **body: Any) -> dict[str, Any]:
        """One Step Functions action. Raises httpx errors when the server is not there, AssertionError when it
        refuses.
        """
        headers = {"x-amz-target": f"AWSStepFunctions.{action}", "content-type": "application/x-amz-json-1.0"}
        answer = httpx.post(self.url, content=json.dumps(body), headers=headers, timeout=30)
        if answer.status_code >= 500:
            answer.raise_for_status()
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def call_until_answered(self, action: str, *, patience_s: float = 120, **body: Any) -> dict[str, Any]:
        """`call`, again and again while the server is away."""
        end = time.monotonic() + patience_s
        while True:
            try:
                return self.call(action, **body)
            except httpx.HTTPError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)


def create(cluster: Cluster, name: str, definition: dict[str, Any]) -> str:
    made = cluster.call_until_answered("CreateStateMachine", name=name, definition=json.dumps(definition), roleArn=ROLE)
    return str(made["stateMachineArn"])


def await_end(cluster: Cluster, execution: str, patience_s: float = 120) -> dict[str, Any]:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        record = cluster.call_until_answered("DescribeExecution", executionArn=execution)
        if record["status"] != "RUNNING":
            return record
        time.sleep(0.1)
    raise AssertionError(f"{execution} still runs: {record}")


def wait_for(is_so: Callable[[], Any], patience_s: float = 120) -> None:
    """Returns when it is so; processes and files tell nobody."""
    end = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end, f"not so after {patience_s:g} s"
        time.sleep(0.05)
