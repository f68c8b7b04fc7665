"""Handlers that the tests' workers load. Each notes in a file that it was begun: one line per begin."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from sfc.tasks import task


def _note(value: dict[str, Any]) -> None:
    with Path(value["notes"]).open("a") as notes:
        notes.write(f"{value['n']} {os.getpid()}\n")


@task("note")
async def note(value: dict[str, Any]) -> int:
    _note(value)
    return int(value["n"])


@task("note-in-thread")
def note_in_thread(value: dict[str, Any]) -> int:
    _note(value)
    return int(value["n"])


@task("wait-for-file")
async def wait_for_file(value: dict[str, Any]) -> int:
    _note(value)
    while not Path(value["file"]).exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
        await asyncio.sleep(0.02)
    return int(value["n"])


@task("end-the-process")
def end_the_process(value: dict[str, Any]) -> None:
    _note(value)
    time.sleep(0.05)
    os._exit(7)


@task("eat-memory")
def eat_memory(size: int) -> int:
    return len(bytearray(size))
