"""Handlers with side effects that can be counted afterwards: every call adds a line to a file."""

import os
import time
from typing import Any

from sfc.tasks import TaskContext, task


@task("note")
def note(value: dict[str, Any], ctx: TaskContext) -> dict[str, Any]:
    """Writes "execution state key" in one append, works a moment, hands its input on."""
    line = f"{ctx.execution} {ctx.state} {ctx.idempotency_key}\n".encode()
    handle = os.open(value["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)
    time.sleep(value.get("work_s", 0.02))
    return value


@task("echo")
def echo(value: dict[str, Any]) -> dict[str, Any]:
    """Its input."""
    return value


@task("die")
def die(value: dict[str, Any]) -> None:
    """Takes its whole process with it."""
    os._exit(17)
