"""Typed handles of the actors: `@ray.remote` hides their types, so only this module calls `.remote`."""

from collections.abc import Awaitable
from typing import Any, Final

from actors.desk import Answer
from actors.worker import WorkerOptions, WorkerStatus
from sfc.tasks.job import Job

NAMESPACE: Final = "sfc"


class WorkerClient:
    """A worker, wherever it runs. Every call may raise ActorDiedError or ActorUnavailableError of Ray."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def exchange(
        self, engine: str, jobs: list[Job], acknowledged: list[int], resend: bool, poll_s: float
    ) -> Awaitable[Answer]:
        plain = [tuple(job) for job in jobs]  # a plain tuple is pickled in a third of the time of a named one
        ref: Awaitable[Answer] = self._handle.exchange.remote(engine, plain, acknowledged, resend, poll_s)
        return ref

    def cancel(self, keys: list[str]) -> Awaitable[None]:
        ref: Awaitable[None] = self._handle.cancel.remote(keys)
        return ref

    def running(self) -> Awaitable[list[str]]:
        ref: Awaitable[list[str]] = self._handle.running.remote()
        return ref

    def status(self) -> Awaitable[WorkerStatus]:
        ref: Awaitable[WorkerStatus] = self._handle.status.remote()
        return ref

    def lifetime(self) -> Awaitable[None]:
        ref: Awaitable[None] = self._handle.lifetime.remote()
        return ref

    def kill(self) -> None:
        import ray

        ray.kill(self._handle)


class SchedulerClient:
    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def members(self, known_version: int, poll_s: float) -> tuple[int, dict[str, WorkerClient]]:
        """The workers that take jobs, as soon as the version is another than the known one or `poll_s` is over."""
        version, handles = await self._handle.members.remote(known_version, poll_s)
        return version, {name: WorkerClient(handle) for name, handle in handles.items()}

    async def statuses(self) -> dict[str, WorkerStatus]:
        """Of all workers that answer."""
        found: dict[str, WorkerStatus] = await self._handle.statuses.remote()
        return found

    async def trouble(self) -> str | None:
        """Why the last worker died young, as Ray tells it; None when workers live."""
        why: str | None = await self._handle.trouble.remote()
        return why

    async def resize(self, size: int) -> None:
        await self._handle.resize.remote(size)

    def kill(self, *, restart: bool) -> None:
        import ray

        ray.kill(self._handle, no_restart=not restart)


def start_worker(name: str, options: WorkerOptions) -> Any:
    """The handle of a new detached worker; it outlives whoever started it."""
    import ray

    from actors.worker import Worker

    return (
        ray.remote(Worker)
        .options(
            name=name,
            namespace=NAMESPACE,
            lifetime="detached",
            num_cpus=options.cpus,
            max_restarts=0,  # a restarted worker would have forgotten its jobs: the scheduler starts another instead
            max_concurrency=10_000,
        )
        .remote(options)
    )
