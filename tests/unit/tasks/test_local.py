"""The dispatcher of one process."""

import asyncio
from collections.abc import Sequence

from sfc.tasks import TaskRegistry
from sfc.tasks.job import JobResult
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner
from tests.unit.tasks.conftest import job, output


async def test_results_of_one_turn_come_in_one_batch_and_a_key_is_begun_once(
    runner: JobRunner, registry: TaskRegistry
) -> None:
    begun: list[int] = []

    async def note(value: int) -> int:
        begun.append(value)
        return value

    registry.add("note", note)
    dispatcher = LocalDispatcher(runner)
    batches: list[Sequence[JobResult]] = []
    await dispatcher.open(batches.append)
    jobs = [job("task:note", n, key=str(n)) for n in range(100)]
    dispatcher.dispatch([*jobs, *jobs])
    while not batches:  # noqa: ASYNC110 - counts turns of the loop
        await asyncio.sleep(0)
    dispatcher.dispatch(jobs)
    assert [output(result) for result in batches[0]] == begun == list(range(100))


async def test_no_more_run_at_once_than_allowed_and_cancelled_ones_make_room(
    runner: JobRunner, registry: TaskRegistry
) -> None:
    begun: asyncio.Queue[int] = asyncio.Queue()
    finish = asyncio.Event()

    async def wait(value: int) -> int:
        begun.put_nowait(value)
        await finish.wait()
        return value

    registry.add("wait", wait)
    dispatcher = LocalDispatcher(runner, concurrency=2)
    done: asyncio.Queue[JobResult] = asyncio.Queue()
    await dispatcher.open(lambda results: [done.put_nowait(result) for result in results] and None)
    dispatcher.dispatch([job("task:wait", n, key=str(n)) for n in range(5)])
    assert [await begun.get(), await begun.get()] == [0, 1]
    assert runner.running == 2
    dispatcher.cancel(["0", "3"])
    assert await begun.get() == 2
    finish.set()
    assert {output(await done.get()) for _ in range(3)} == {1, 2, 4}
    await dispatcher.close()
