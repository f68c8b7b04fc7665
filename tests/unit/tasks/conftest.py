"""A registry of its own and a runner for each test."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest

from sfc.tasks.job import Job, JobResult
from sfc.tasks.registry import TaskRegistry
from sfc.tasks.runner import JobRunner, TaskSettings

Does = Callable[..., Any]


@pytest.fixture
def registry() -> TaskRegistry:
    return TaskRegistry()


@pytest.fixture
async def runner(registry: TaskRegistry) -> AsyncIterator[JobRunner]:
    runner = JobRunner(registry, TaskSettings(threads=2))
    yield runner
    await runner.close()
    assert runner.running == 0


def job(resource: str, value: Any = None, key: str = "1:2:3", **settings: Any) -> Job:
    execution = "arn:aws:states:us-east-1:123456789012:execution:orders:one"
    return Job(key, execution, "orders", "Charge", resource, orjson.dumps(value), **settings)


def output(result: JobResult) -> Any:
    assert result.output is not None, (result.error, result.cause)
    return orjson.loads(result.output)
