"""A dispatcher that a test answers for."""

from collections.abc import Callable, Sequence

from sfc.tasks.job import Job, JobResult


class FakeDispatcher:
    """Keeps the jobs that are out; a test answers them when it likes."""

    def __init__(self) -> None:
        self.out: dict[str, Job] = {}
        self.sent: list[str] = []
        self.cancelled: list[str] = []
        self.hold: Callable[[Sequence[JobResult]], None] = lambda _results: None

    async def open(self, on_results: Callable[[Sequence[JobResult]], None], _written: object) -> None:
        self.hold = on_results

    def dispatch(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.sent.append(job.key)
            self.out[job.key] = job

    def cancel(self, keys: Sequence[str]) -> None:
        self.cancelled += keys
        for key in keys:
            self.out.pop(key, None)

    async def close(self) -> None:
        self.hold = lambda _results: None

    def only(self) -> Job:
        """The one job that is out."""
        (job,) = self.out.values()
        return job

    def answer(self, job: Job, output: str | None = "{}", error: str | None = None) -> None:
        self.out.pop(job.key, None)
        data = None if error is not None or output is None else output.encode()
        self.hold([JobResult(job.key, data, error, None, 0)])
