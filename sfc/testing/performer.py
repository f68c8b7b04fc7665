"""Does tasks that are not mocked: handlers, HTTP calls, AWS services, in this process."""

import asyncio
from types import TracebackType

from sfc.interpreter.commands import DispatchTask
from sfc.jsonvalue import loads
from sfc.tasks.job import Job
from sfc.tasks.mocks import Answer, Return, Throw
from sfc.tasks.runner import JobRunner, TaskSettings


class Performer:
    """A context manager; while it is open it is a `Perform` for `sfc.testing.play`."""

    def __init__(self, settings: TaskSettings | None = None) -> None:
        self._loop = asyncio.Runner()
        self._runner = JobRunner(settings=settings)
        self._count = 0

    def __call__(self, task: DispatchTask) -> Answer:
        self._count += 1
        job = Job(
            f"{self._count:x}:{task.task}:{task.attempt}", "", "", task.state, task.resource.text, task.input,
            task.retry_count, task.timeout_s, task.heartbeat_s,
        )  # fmt: skip
        result = self._loop.run(self._runner.run(job))
        if result.output is None:
            return Throw(result.error or "", result.cause or "")
        return Return(loads(result.output))

    def __enter__(self) -> "Performer":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._loop.run(self._runner.close())
        self._loop.close()
