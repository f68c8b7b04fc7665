"""New code for tasks while executions run, with Ray and without."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.wheels import write_wheel
from tests.system.cluster import WORKER, Cluster
from tests.system.test_no_ray import Server

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

CODE = """import asyncio, os
from pathlib import Path
from sfc.tasks import task
import what

@task("slow")
async def slow(value):
    with Path(value["notes"]).open("a") as notes:
        notes.write(f"{value['n']} {what.VERSION} {os.getpid()}\\n")
    while not Path(value["file"]).exists():
        await asyncio.sleep(0.02)
    return {**value, "versions": [*value.get("versions", []), what.VERSION]}
"""
FLOW = {
    "StartAt": "One",
    "States": {
        "One": {"Type": "Task", "Resource": "task:slow", "Next": "Two"},
        "Two": {"Type": "Task", "Resource": "task:slow", "End": True},
    },
}


def deploy(url: str, directory: Path, version: int) -> str:
    code = directory / f"code{version}"
    code.mkdir()
    (code / "handlers.py").write_text(CODE)
    (code / "what.py").write_text(f"VERSION = {version}\n")
    return run_deploy(url, code)


def run_deploy(url: str, path: Path, *options: str) -> str:
    command = [Path(sys.executable).with_name("sfc"), "task", "deploy", path, "--url", url, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Flows:
    """Executions that wait in their first task until `release`."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.notes = directory / "notes"
        self.notes.write_text("")
        self.file = directory / "go"
        made = httpx.put(f"{url}/api/blueprints/flow", json={"definition": FLOW}, timeout=30)
        assert made.status_code == 201, made.text

    def start(self, *numbers: int) -> None:
        for n in numbers:
            value = {"n": n, "notes": str(self.notes), "file": str(self.file)}
            body = {"blueprint": "flow", "name": f"x{n}", "input": value}
            assert httpx.post(f"{self.url}/api/executions", json=body, timeout=30).status_code == 201

    def begun(self) -> list[tuple[int, int, int]]:
        """(number, version, process) of each job that was begun, in order."""
        rows = [line.split() for line in self.notes.read_text().splitlines()]
        return [(int(n), int(version), int(pid)) for n, version, pid in rows]

    def await_begun(self, count: int) -> None:
        end = time.monotonic() + 60
        while len(self.begun()) < count and time.monotonic() < end:
            time.sleep(0.05)
        assert len(self.begun()) == count

    def release(self) -> None:
        self.file.touch()

    def versions(self, n: int) -> list[int]:
        """Which code did the two tasks of the execution."""
        record = {"status": "RUNNING"}
        end = time.monotonic() + 60
        while record["status"] == "RUNNING" and time.monotonic() < end:
            answer = httpx.get(f"{self.url}/api/executions/flow:x{n}", params={"wait": 5}, timeout=30)
            record = answer.json()
        assert record["status"] == "SUCCEEDED", record
        found: list[int] = record["output"]["versions"]  # type: ignore[index]
        return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("deploys")
    for version in ("1.0", "2.0"):
        write_wheel(directory, "tinydep", version, f"VERSION = {version!r}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(directory))
        patch.setenv("UV_NO_INDEX", "1")
        patch.setenv("UV_FIND_LINKS", str(directory))
        patch.setenv("SFC_CACHE", str(directory / "cache"))
        with Cluster(directory / "data") as cluster:
            yield cluster


def test_each_execution_keeps_its_version_and_no_job_is_interrupted(cluster: Cluster, tmp_path: Path) -> None:
    flows = Flows(cluster.url, tmp_path)
    assert deploy(cluster.url, tmp_path, 1) == "slow version 1\n"
    flows.start(*range(20))
    flows.await_begun(20)
    workers = {process.pid for process in cluster.processes(WORKER)}
    assert deploy(cluster.url, tmp_path, 2) == "slow version 2\n"
    flows.start(*range(20, 40))
    flows.await_begun(40)
    flows.release()
    assert {tuple(flows.versions(n)) for n in range(20)} == {(1, 1)}
    assert {tuple(flows.versions(n)) for n in range(20, 40)} == {(2, 2)}
    begun = flows.begun()
    assert sorted((n, version) for n, version, _ in begun) == sorted((n, 1 + n // 20) for n in range(40) for _ in "12")
    assert {process.pid for process in cluster.processes(WORKER)} == workers
    both = [{version for _, version, pid in begun if pid == worker} for worker in workers]
    assert {1, 2} in both


def test_code_with_requirements_runs_beside_the_workers(cluster: Cluster, tmp_path: Path) -> None:
    flow = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "task:dep", "End": True}}}
    httpx.put(f"{cluster.url}/api/blueprints/dep", json={"definition": flow}, timeout=30).raise_for_status()
    for version in ("1.0", "2.0"):
        code = tmp_path / "dep.py"
        header = f'# /// script\n# dependencies = ["tinydep=={version}"]\n# ///\n'
        code.write_text(f"{header}import tinydep\ndef dep(value):\n    return tinydep.VERSION\n")
        run_deploy(cluster.url, code, "--handler", "dep:dep", "--name", "dep")
        answer = httpx.post(f"{cluster.url}/triggers/dep", params={"wait": 15}, json={}, timeout=30)
        assert (answer.status_code, answer.json()) == (200, version)


def test_an_execution_keeps_its_version_over_a_kill_without_ray(tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        flows = Flows(server.url, tmp_path)
        deploy(server.url, tmp_path, 1)
        flows.start(1)
        flows.await_begun(1)
        deploy(server.url, tmp_path, 2)
        server.process.kill()
        server.process.communicate(timeout=10)
        server.start()
        flows.start(2)
        flows.release()
        assert (flows.versions(1), flows.versions(2)) == ([1, 1], [2, 2])
        assert json.loads(httpx.get(f"{server.url}/api/tasks/slow/versions").text)["items"][0]["version"] == "2"
    finally:
        server.stop()
