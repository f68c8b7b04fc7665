"""More handlers for the tests of pools."""

import asyncio
import os
from pathlib import Path
from typing import Any

from sfc.tasks import task


@task("note-and-rest")
async def note_and_rest(value: dict[str, Any]) -> int:
    with Path(value["notes"]).open("a") as notes:  # noqa: ASYNC230 - one short line
        notes.write(f"{value['n']} {os.getpid()}\n")
    await asyncio.sleep(0.05)
    return int(value["n"])


@task("variable")
async def variable(value: dict[str, Any]) -> str | None:
    return os.environ.get(value["name"])
