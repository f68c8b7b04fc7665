"""What tests of workers and pools share: an engine's end of the exchange, jobs that leave notes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from actors.clients import SchedulerClient
from actors.exchange import RayDispatcher
from sfc.tasks.job import Job, JobResult

HANDLERS = str(Path(__file__).with_name("worker_handlers.py"))


class Engine:
    """A dispatcher and all that came back."""

    def __init__(self, scheduler: SchedulerClient) -> None:
        self.dispatcher = RayDispatcher(scheduler)
        self.results: dict[str, JobResult] = {}

    def take(self, results: Sequence[JobResult]) -> None:
        self.results.update({result.key: result for result in results})

    async def has(self, count: int) -> None:
        await until(lambda: len(self.results) >= count)


@asynccontextmanager
async def engine_of(scheduler: SchedulerClient) -> AsyncIterator[Engine]:
    engine = Engine(scheduler)
    await engine.dispatcher.open(engine.take)
    try:
        yield engine
    finally:
        await engine.dispatcher.close()


async def until(is_so: Callable[[], Any]) -> None:
    while not is_so():  # noqa: ASYNC110 - files and other processes tell nobody
        await asyncio.sleep(0.02)


def jobs(task: str, count: int, notes: Path, *, first: int = 0, machine: str = "orders", **more: Any) -> list[Job]:
    """Numbered jobs of one task; their handlers write into `notes`."""
    return [
        Job(
            f"{notes}:{n}", "arn", machine, "State", f"task:{task}", orjson.dumps({"n": n, "notes": str(notes), **more})
        )
        for n in range(first, first + count)
    ]


def begun(notes: Path) -> list[tuple[int, int]]:
    """Number and worker of every begin."""
    return [(int(n), int(pid)) for n, pid in (line.split() for line in notes.read_text().splitlines())]
