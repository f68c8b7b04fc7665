"""Packages with requirements: installed by pip from a directory of wheels, run in processes of their own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import uv

from sfc.task_meta import TaskMeta, digest_of
from sfc.task_package import zipped
from sfc.tasks import TaskError, TaskRegistry, deployed, environments
from sfc.tasks.runner import JobRunner, TaskSettings
from tests.support.wheels import write_wheel
from tests.unit.tasks.conftest import job, output

CODE = b"""
import os
import time
from pathlib import Path

import tinydep
from sfc.tasks import TaskError, task


@task("where")
def where(value, ctx):
    return {"version": tinydep.VERSION, "pid": os.getpid(), "value": value, "key": ctx.idempotency_key}

async def refuse(value):
    raise TaskError("Declined", {"why": value})

def raises(value):
    raise KeyError(value)

def slow(value, ctx):
    for _ in range(value):
        time.sleep(0.05)
        ctx.heartbeat()
    return "slow"

def dies(value):
    with Path(value["notes"]).open("a") as notes:
        notes.write("x")
    if Path(value["notes"]).stat().st_size <= value["times"]:
        os._exit(3)
    return "lives"
"""


class Source:
    """Metas and packages by digest."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def meta(self, function: str, *requirements: str, code: bytes = CODE) -> str:
        package = zipped({"shop.py": code})
        settings = {"package": digest_of(package), "handler": f"shop:{function}", "requirements": list(requirements)}
        meta = TaskMeta(name=function, version="1", kind="python", settings=settings)
        self.blobs.update({digest_of(package): package, meta.digest: meta.text})
        return meta.digest

    async def fetch(self, digest: str) -> bytes:
        return self.blobs[digest]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        write_wheel(directory, "tinydep", version, f"VERSION = {version!r}\n")
    return directory


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def source(wheels: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("SFC_CACHE", str(cache))
    return Source()


@pytest.fixture
async def runner(source: Source) -> AsyncIterator[JobRunner]:
    runner = JobRunner(TaskRegistry(), TaskSettings(threads=4), source.fetch)
    yield runner
    await runner.close()


async def test_versions_of_a_requirement_live_beside_each_other(runner: JobRunner, source: Source) -> None:
    metas = [source.meta("where", f"tinydep=={version}") for version in ("1.0", "2.0")]
    results = await asyncio.gather(
        *(runner.run(job("task:where", n, key=f"{n}:2:3", meta=meta)) for n in range(4) for meta in metas)
    )
    told = [output(each) for each in results]
    assert [(each["version"], each["value"]) for each in told] == [(v, n) for n in range(4) for v in ("1.0", "2.0")]
    assert [each["key"] for each in told[:2]] == ["0:2:3", "0:2:3"]
    assert len({each["pid"] for each in told} | {os.getpid()}) == 3
    assert "tinydep" not in sys.modules


async def test_what_cannot_be_installed_or_imported_fails_the_job(runner: JobRunner, source: Source) -> None:
    absent = await runner.run(job("task:where", 1, meta=source.meta("where", "tinydep==9.9")))
    assert (absent.error, "tinydep==9.9" in str(absent.cause)) == ("SFC.TaskNotLoaded", True), absent
    broken = source.meta("where", "tinydep==1.0", code=b"raise ValueError('broken')")
    result = await runner.run(job("task:where", 1, meta=broken))
    assert (result.error, "broken" in str(result.cause)) == ("SFC.TaskNotLoaded", True), result
    missing = await runner.run(job("task:where", 1, meta=source.meta("absent", "tinydep==1.0")))
    assert (missing.error, "no function 'absent'" in str(missing.cause)) == ("SFC.TaskNotLoaded", True), missing


async def test_what_a_function_raises_is_the_error(runner: JobRunner, source: Source) -> None:
    refused = await runner.run(job("task:refuse", 5, meta=source.meta("refuse", "tinydep==1.0")))
    assert (refused.error, refused.cause) == ("Declined", '{"why":5}')
    raised = await runner.run(job("task:raises", "x", meta=source.meta("raises", "tinydep==1.0")))
    assert (raised.error, '"errorType":"KeyError"' in str(raised.cause)) == ("KeyError", True)


async def test_time_and_heartbeats_are_kept_there(runner: JobRunner, source: Source) -> None:
    meta = source.meta("slow", "tinydep==1.0")
    assert output(await runner.run(job("task:slow", 8, meta=meta, heartbeat_s=0.3))) == "slow"
    assert (await runner.run(job("task:slow", 100, meta=meta, timeout_s=0.2))).error == "States.Timeout"
    running = asyncio.ensure_future(runner.run(job("task:slow", 20, key="9:1:1", meta=meta)))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert runner.running == 0


@pytest.mark.parametrize(("times", "want"), [(1, "lives"), (2, "lives"), (3, "SFC.WorkerLost")])
async def test_a_job_whose_process_dies_is_begun_again_twice(
    runner: JobRunner, source: Source, tmp_path: Path, times: int, want: str
) -> None:
    value = {"notes": str(tmp_path / "notes"), "times": times}
    result = await runner.run(job("task:dies", value, meta=source.meta("dies", "tinydep==1.0")))
    assert (result.error or output(result)) == want
    assert (tmp_path / "notes").read_text() == "x" * min(times + 1, 3)


async def test_a_process_that_no_job_uses_ends(runner: JobRunner, source: Source) -> None:
    meta = source.meta("where", "tinydep==1.0")
    told = output(await runner.run(job("task:where", 1, meta=meta)))
    found = runner._deployments.ready(meta)
    assert found is not None
    process = psutil.Process(told["pid"])
    runner._deployments.let_go(found.used_at + deployed._UNUSED_S + 1)
    await asyncio.gather(*runner._deployments._closing)
    assert not process.is_running()
    assert output(await runner.run(job("task:where", 1, meta=meta)))["pid"] != told["pid"]


def test_an_environment_is_made_once(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    first = environments.environment(["tinydep==1.0"])
    assert (first.directory / "tinydep.py").exists()
    first.release()

    def install(*_: Any) -> None:
        raise AssertionError("it is there")

    monkeypatch.setattr(environments, "_install", install)
    again = environments.environment(["tinydep==1.0"])
    assert again.directory == first.directory
    again.release()


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_uv_installs_where_it_is_on_the_path_and_pip_where_not(
    installer: str, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    if installer == "uv":
        (tools / "uv").symlink_to(uv.find_uv_bin())
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("SFC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    made = environments.environment(["tinydep==1.0"])
    assert (made.directory / "tinydep.py").read_text() == "VERSION = '1.0'\n"
    assert (made.directory / "tinydep-1.0.dist-info" / "INSTALLER").read_text().strip() == installer
    made.release()
    with pytest.raises(TaskError) as refused:
        environments.environment(["tinydep==9.9"])
    assert (refused.value.error, "tinydep==9.9" in str(refused.value.cause)) == ("SFC.TaskNotLoaded", True)
