"""Packages of handlers in one process."""

import asyncio
import sys
from typing import Any

import pytest

from sfc import task_package
from sfc.errors import NotFound
from sfc.task_meta import TaskMeta, digest_of
from sfc.task_package import InvalidPackage
from sfc.tasks import TaskError, TaskRegistry, deployed
from sfc.tasks.deployed import Deployments
from sfc.tasks.packages import Package
from sfc.tasks.rest import request_of
from sfc.tasks.routes import Routes
from sfc.tasks.runner import JobRunner, TaskSettings
from tests.unit.tasks.conftest import job, output

SHOP = {
    "shop/__init__.py": b"",
    "shop/prices.py": b"from dataclasses import dataclass\n@dataclass\nclass Price:\n    cents: 'int' = 1\n",
    "shop/tasks.py": b"""
import json
import shop.prices
from shop.prices import Price
from . import prices as relative
from sfc.tasks import task

@task("charge", timeout_s=9)
def charge(order):
    import shop.prices as late
    assert late is relative is shop.prices and late.Price is Price
    return json.loads(json.dumps({"cents": Price().cents * order, "module": __name__.partition(".")[2]}))

async def plain(order, ctx):
    return ctx.idempotency_key
""",
}


def loaded(files: dict[str, bytes]) -> Package:
    data = task_package.zipped(files)
    return Package(digest_of(data), data)


def test_two_versions_of_a_module_live_beside_each_other() -> None:
    one = loaded(SHOP)
    two = loaded({**SHOP, "shop/prices.py": SHOP["shop/prices.py"].replace(b"= 1", b"= 2")})
    handlers = [package.handler("shop.tasks:charge") for package in (one, two)]
    assert [each.function(10)["cents"] for each in handlers] == [10, 20]
    assert handlers[0].timeout_s == 9
    assert handlers[0].function(1)["module"] == "shop.tasks"
    assert "shop" not in sys.modules
    one.close()
    assert [name for name in sys.modules if name.startswith(one.root)] == []
    assert handlers[1].function(1)["cents"] == 2
    two.close()


def test_a_function_that_is_not_there_is_told() -> None:
    package = loaded(SHOP)
    with pytest.raises(LookupError, match="no function 'refund'"):
        package.handler("shop.tasks:refund")
    with pytest.raises(ModuleNotFoundError):
        package.handler("shop.absent:refund")
    package.close()


@pytest.mark.parametrize(
    "names", [["../a.py"], ["/a.py"], ["a\\..\\b.py"]], ids=["parent", "absolute", "of another system"]
)
def test_a_file_outside_of_its_package_is_refused(names: list[str]) -> None:
    with pytest.raises(InvalidPackage):
        task_package.zipped(dict.fromkeys(names, b""))


def test_a_package_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidPackage, match="no zip"):
        task_package.check(b"PK")
    monkeypatch.setattr(task_package, "PACKAGE_BYTES", 200)
    with pytest.raises(InvalidPackage, match="at most 200 bytes"):
        task_package.zipped({"a" * 200 + ".py": b""})
    monkeypatch.setattr(task_package, "PACKAGE_UNPACKED_BYTES", 10)
    with pytest.raises(InvalidPackage, match="at most 10 bytes"):
        task_package.zipped({"a.py": b"x" * 11})
    monkeypatch.setattr(task_package, "PACKAGE_FILES", 1)
    with pytest.raises(InvalidPackage, match="at most 1 files"):
        task_package.zipped({"a.py": b"", "b.py": b""})


def test_packing_depends_on_nothing_but_the_files(tmp_path: Any) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "shop" / "__pycache__").mkdir(parents=True)
        (tmp_path / name / "shop" / "__pycache__" / "x.py").write_text(name)
        (tmp_path / name / "shop" / "__init__.py").write_text("")
        (tmp_path / name / "shop" / ".secret.py").write_text(name)
    packed = [task_package.pack(tmp_path / name / "shop") for name in ("one", "two")]
    assert packed[0] == packed[1]
    assert list(task_package.sources(packed[0])) == ["shop/__init__.py"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidPackage, match="no Python file"):
        task_package.pack(tmp_path / "empty")
    with pytest.raises(InvalidPackage, match="there is no file"):
        task_package.pack(tmp_path / "three")


class Source:
    """A catalog of blobs; counts what was fetched."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.fetched: list[str] = []

    def add(self, data: bytes) -> str:
        self.blobs[digest_of(data)] = data
        return digest_of(data)

    def meta(self, handler: str = "shop.tasks:charge", files: dict[str, bytes] = SHOP, **fields: Any) -> str:
        settings = {"package": self.add(task_package.zipped(files)), "handler": handler}
        return self.add(TaskMeta(name="charge", version="1", kind="python", settings=settings, **fields).text)

    async def fetch(self, digest: str) -> bytes:
        await asyncio.sleep(0)
        self.fetched.append(digest)
        if digest not in self.blobs:
            raise NotFound("there is no such package")
        return self.blobs[digest]


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def runner(source: Source) -> Any:
    runner = JobRunner(TaskRegistry(), TaskSettings(threads=2), source.fetch)
    yield runner
    await runner.close()


async def test_a_package_is_fetched_once_for_many_jobs(runner: JobRunner, source: Source) -> None:
    meta = source.meta()
    jobs = [job("task:charge", number, key=f"1:{number}:1", meta=meta) for number in range(20)]
    results = await asyncio.gather(*map(runner.run, jobs))
    assert [output(each)["cents"] for each in results] == list(range(20))
    assert len(source.fetched) == 2
    other = source.meta("shop.tasks:plain")
    assert output(await runner.run(job("task:plain", 1, meta=other))) == "1:2:3"
    assert len(source.fetched) == 3


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.py": b"raise ValueError('broken')"}, "broken"),
        ({"a.py": b"raise SystemExit(3)"}, "SystemExit"),
        ({"a.py": b""}, "no function 'f'"),
    ],
    ids=["raises", "exits", "empty"],
)
async def test_a_package_that_cannot_be_loaded_fails_the_job(
    runner: JobRunner, source: Source, files: dict[str, bytes], said: str
) -> None:
    result = await runner.run(job("task:charge", 1, meta=source.meta("a:f", files)))
    assert (result.error, said in str(result.cause)) == ("SFC.TaskNotLoaded", True), result


async def test_what_is_not_there_or_something_else_fails_the_job(runner: JobRunner, source: Source) -> None:
    assert (await runner.run(job("task:charge", 1, meta="0" * 64))).error == "SFC.TaskNotLoaded"
    source.blobs["1" * 64] = b"{}"
    result = await runner.run(job("task:charge", 1, meta="1" * 64))
    assert (result.error, "something else" in str(result.cause)) == ("SFC.TaskNotLoaded", True)


async def test_input_and_result_must_fit_their_schemas(runner: JobRunner, source: Source) -> None:
    number = {"type": "integer", "maximum": 5}
    cents = {"properties": {"cents": {"$ref": "#/$defs/small"}}, "$defs": {"small": number}}
    meta = source.meta(input_schema=number, output_schema=cents)
    assert output(await runner.run(job("task:charge", 5, meta=meta)))["cents"] == 5
    wrong = await runner.run(job("task:charge", "x", meta=meta))
    assert (wrong.error, "$: 'x' is not of type 'integer'" in str(wrong.cause)) == ("SFC.InvalidInput", True)
    meta = source.meta(output_schema=cents)
    wrong = await runner.run(job("task:charge", 9, meta=meta))
    assert (wrong.error, "$.cents: 9 is greater" in str(wrong.cause)) == ("SFC.InvalidResult", True)


async def test_what_no_job_uses_is_let_go_and_what_runs_is_not(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    deployments = Deployments(Routes(TaskRegistry(), None), source.fetch)
    used, unused = await deployments.get(source.meta()), await deployments.get(source.meta("shop.tasks:plain"))
    assert used.package is unused.package
    assert used.package is not None
    with used.in_use():
        deployments.let_go(unused.used_at + deployed._UNUSED_S + 60)
        assert deployments.ready(used.meta.digest) is used
        assert deployments.ready(unused.meta.digest) is None
        assert used.package.root in sys.modules
    deployments.let_go(used.used_at + deployed._UNUSED_S + 60)
    assert used.package.root not in sys.modules
    await deployments.close()


async def test_a_package_that_could_not_be_loaded_is_let_go(source: Source) -> None:
    deployments = Deployments(Routes(TaskRegistry(), None), source.fetch)
    with pytest.raises(TaskError):
        await deployments.get(source.meta("a:f", {"a.py": b"raise ValueError"}))
    (package,) = deployments._packages.values()
    await asyncio.sleep(0)  # the load is over
    deployments.let_go(0)
    assert deployments._packages == {}
    assert isinstance(package, Package)
    assert package.root not in sys.modules
    await deployments.close()


def a_meta(**settings: Any) -> TaskMeta:
    return TaskMeta(name="stock", version="1", kind="rest", settings=settings)


@pytest.mark.parametrize(
    ("settings", "value", "want"),
    [
        ({}, {"a": 1}, {"method": "POST", "json": {"a": 1}, "url": "https://s.example/x"}),
        ({"method": "GET"}, {"a": 1, "b": ["x", 2]}, {"params": {"a": "1", "b": ["x", "2"]}}),
        ({"url": "https://s.example/{sku}"}, {"sku": "a/b"}, {"url": "https://s.example/a%2Fb"}),
        ({"headers": {"X-Team": "shop"}}, [1], {"headers": {"Idempotency-Key": "k", "X-Team": "shop"}, "json": [1]}),
    ],
    ids=["body", "query", "path", "headers"],
)  # fmt: skip
def test_a_rest_task_makes_its_request_of_the_input(settings: Any, value: Any, want: Any) -> None:
    made = request_of(a_meta(**{"url": "https://s.example/x", **settings}), value, "k")
    assert {name: made[name] for name in want} == want


@pytest.mark.parametrize("value", [{}, {"sku": ""}, {"sku": {}}, []])
def test_a_field_that_the_url_needs_must_be_there(value: Any) -> None:
    with pytest.raises(TaskError, match="InvalidInput"):
        request_of(a_meta(url="https://s.example/{sku}"), value, "k")


async def test_a_job_that_is_called_back_while_its_code_is_loaded_leaves_nothing(
    runner: JobRunner, source: Source
) -> None:
    running = asyncio.ensure_future(runner.run(job("task:charge", 1, meta=source.meta("a:f", {"a.py": b"x ="}))))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert runner.running == 0
    assert output(await runner.run(job("task:charge", 1, key="2:2:2", meta=source.meta())))["cents"] == 1
