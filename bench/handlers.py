"""What the measured servers run: a task that returns its input."""

from typing import Any

from sfc.tasks import task


@task("echo")
async def echo(value: Any) -> Any:
    return value


@task("echo-sync")
def echo_sync(value: Any) -> Any:
    return value
