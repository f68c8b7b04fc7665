"""The worker: a Ray actor around a `JobRunner`.

An engine keeps one call parked here. A call brings new jobs and leaves with results as soon as there are any; a newer
call of the same engine releases the older one.
"""

import asyncio
import resource
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from actors.desk import Answer, Desk
from actors.letters import pack_answer, unpack_call
from actors.parcels import Parcels
from sfc.tasks import load_handlers
from sfc.tasks.aws.settings import AwsSettings
from sfc.tasks.job import Job, JobResult
from sfc.tasks.runner import JobRunner, TaskSettings

POLL_S: Final = 15.0
"""Longest time that a call is parked: a replica that shuts down waits for its calls."""
_TURNS: Final = 3
"""Turns of the loop in which a handler that never waits finishes its job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    handlers: tuple[str, ...] = ()
    """Modules and files to load; files by absolute path."""
    paths: tuple[str, ...] = ()
    """Put in front of sys.path, for modules that are not installed."""
    concurrency: int = 1_000
    """Jobs at once; threads limit those in plain functions further."""
    threads: int = 32
    lambda_endpoint: str | None = None
    aws: AwsSettings = field(default_factory=AwsSettings)
    memory_bytes: int | None = 4 << 30
    """What handlers may allocate before they get MemoryError; None: no limit."""
    cpus: float = 1.0
    """What Ray reserves; a fraction where everything shares a small machine."""
    gpus: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)
    """Custom resources of Ray."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables."""


class WorkerStatus(NamedTuple):
    pid: int
    running: int
    held: int
    lost_threads: int
    retiring: bool


class Worker:
    """Runs in its own process; `WorkerClient` is how others see it."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._desk = Desk()
        self._runner: JobRunner | None = None
        self._parcels: Parcels | None = None
        self._parked: dict[str, asyncio.Event] = {}
        self._retiring = False
        load_handlers(options.handlers, paths=options.paths)
        if options.memory_bytes is not None:
            limit_memory(options.memory_bytes)

    async def exchange(self, call: bytes) -> bytes:
        """Begin the jobs of the call; the results for its engine that it has not seen, waiting at most `poll_s` for the
        first.
        """
        return pack_answer(await self._exchange(*unpack_call(call)))

    async def _exchange(
        self, engine: str, jobs: list[Job], acknowledged: list[int], resend: bool, poll_s: float
    ) -> Answer:
        desk = self._desk
        desk.acknowledge(engine, acknowledged)
        if resend:
            desk.resend(engine)
        if self._runner is None:
            settings = TaskSettings(
                threads=self._options.threads, lambda_endpoint=self._options.lambda_endpoint, aws=self._options.aws
            )
            self._runner = JobRunner(settings=settings, fetch=self._wants().fetch)
        new = desk.accept(engine, jobs)
        if self._retiring and new:
            refused = [job.key for job in new]
            desk.forget(refused)
            return Answer(0, [], 0, refused)
        for job in new:
            self._runner.begin(job, self._finished)
        await self._park(engine, min(poll_s, POLL_S))
        number, results = desk.take(engine)
        free = 0 if self._retiring else self._options.concurrency - desk.running
        return Answer(number, results, free)

    async def cancel(self, keys: list[str]) -> None:
        self._desk.forget(keys)
        if self._runner is not None:
            self._runner.cancel(keys)

    async def wanted(self, poll_s: float) -> list[str]:
        """Digests of task metas and packages that jobs here wait for; waits at most `poll_s` for the first."""
        return await self._wants().wanted(min(poll_s, POLL_S))

    async def keep(self, digest: str, data: bytes | None, why: str) -> None:
        """What was wanted, or why there is no such thing."""
        self._wants().bring(digest, data, why)

    async def running(self) -> list[str]:
        """Keys of jobs that run here or whose result no engine acknowledged: a new owner asks this worker for them."""
        return self._desk.held()

    async def status(self) -> WorkerStatus:
        import os

        lost = 0 if self._runner is None else self._runner.lost_threads
        return WorkerStatus(os.getpid(), self._desk.running, len(self._desk.held()), lost, self._retiring)

    async def retire(self) -> None:
        """From now on it begins nothing: an engine that has not heard yet gets its new jobs back."""
        self._retiring = True

    async def lifetime(self) -> None:
        """Never returns: whoever awaits it learns at once when this worker dies."""
        await asyncio.Event().wait()

    def _wants(self) -> Parcels:
        if self._parcels is None:  # it belongs to the loop that runs now
            self._parcels = Parcels()
        return self._parcels

    async def _park(self, engine: str, poll_s: float) -> None:
        if self._desk.has_ready(engine):
            return
        older = self._parked.get(engine)
        event = self._parked[engine] = asyncio.Event()
        if older is not None:
            for _ in range(_TURNS):  # a job that is done by then leaves with the older call, and this one stays
                await asyncio.sleep(0)
                if self._desk.has_ready(engine):
                    break
            older.set()
            await asyncio.sleep(0)
        if not self._desk.has_ready(engine) and poll_s > 0:
            try:
                async with asyncio.timeout(poll_s):
                    await event.wait()
            except TimeoutError:
                pass
        if self._parked.get(engine) is event:
            del self._parked[engine]

    def _finished(self, result: JobResult) -> None:
        engine = self._desk.finish(result)
        if engine is not None and (parked := self._parked.get(engine)) is not None:
            parked.set()


def limit_memory(allowance: int) -> None:
    """Let this process allocate so many bytes more than it has now; then allocations raise MemoryError."""
    status = Path("/proc/self/status")
    if not status.exists():  # no such accounting outside Linux
        return
    has_kib = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmData:"))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = has_kib * 1024 + allowance
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
