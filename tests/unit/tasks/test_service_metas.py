"""Tasks of the catalog that are services: REST and gRPC."""

import base64
from typing import Any

import pytest

from sfc.task_meta import TaskMeta
from sfc.tasks import TaskRegistry
from sfc.tasks.job import JobResult
from sfc.tasks.runner import JobRunner
from tests.support.grpc_shop import Shop
from tests.unit.tasks.conftest import job, output
from tests.unit.tasks.test_http_and_lambda import url

__all__ = ["url"]  # a fixture


async def run(meta: TaskMeta, value: Any, **settings: Any) -> JobResult:
    async def fetch(digest: str) -> bytes:
        assert digest == meta.digest
        return meta.text

    runner = JobRunner(TaskRegistry(), fetch=fetch)
    try:
        return await runner.run(job(f"task:{meta.name}", value, meta=meta.digest, **settings))
    finally:
        await runner.close()


async def test_a_rest_task_calls_its_service(url: str) -> None:
    meta = TaskMeta(
        name="echo", version="1", kind="rest", settings={"url": f"{url}/items/{{sku}}", "headers": {"X-Team": "shop"}},
        output_schema={"required": ["path"], "properties": {"path": {"pattern": "^/items"}}},
    )  # fmt: skip
    told = output(await run(meta, {"sku": "a b"}))
    assert told == {"body": {"sku": "a b"}, "key": "1:2:3", "path": "/items/a%20b"}
    got = TaskMeta(name="echo", version="1", kind="rest", settings={"url": f"{url}/echo", "method": "GET"})
    assert output(await run(got, {"a": "1", "b": True}))["path"] == "/echo?a=1&b=true"


async def test_an_error_of_the_service_is_the_error_of_the_task(url: str) -> None:
    meta = TaskMeta(name="tea", version="1", kind="rest", settings={"url": f"{url}/teapot"})
    assert (await run(meta, {})).error == "States.Http.StatusCode.418"
    assert (await run(TaskMeta(name="tea", version="1", kind="rest", settings={"url": f"{url}/{{x}}"}), {})).error == (
        "SFC.InvalidInput"
    )


@pytest.mark.parametrize("reflects", [True, False], ids=["reflection", "descriptor set"])
async def test_a_grpc_task_calls_its_method(reflects: bool) -> None:
    async with Shop(reflects=reflects) as shop:
        settings: dict[str, Any] = {"url": shop.url("Charge")}
        if not reflects:
            settings["descriptors"] = base64.b64encode(shop.descriptor_set).decode()
        meta = TaskMeta(name="charge", version="1", kind="grpc", settings=settings)
        assert output(await run(meta, {"orderId": "o-1"}, timeout_s=20))["orderId"] == "o-1"


async def test_a_python_task_without_a_package_is_a_handler_of_the_workers() -> None:
    meta = TaskMeta(
        name="add", version="1", kind="python", settings={"handler": "plus"}, input_schema={"type": "integer"}
    )
    registry = TaskRegistry()
    registry.add("plus", lambda value: value + 1)

    async def fetch(_digest: str) -> bytes:
        return meta.text

    runner = JobRunner(registry, fetch=fetch)
    assert output(await runner.run(job("task:add", 1, meta=meta.digest))) == 2
    assert (await runner.run(job("task:add", "x", meta=meta.digest))).error == "SFC.InvalidInput"
    await runner.close()
