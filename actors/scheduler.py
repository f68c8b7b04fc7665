"""The scheduler: one detached actor that keeps the common pool at its size.

It is on no job's path: engines know the workers they have and exchange with them directly. When it dies Ray starts it
again, and it finds the workers by their names.
"""

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

import ray
from ray.exceptions import ActorUnavailableError, RayActorError

from actors.clients import NAMESPACE, SchedulerClient, WorkerClient, start_worker
from actors.policy import PoolLimits, PoolLoad, desired_size
from actors.pool import Pool
from actors.worker import POLL_S, WorkerOptions, WorkerStatus

SCHEDULER: Final = "scheduler"
_TICK_S: Final = 1.0
_RESTART_S: Final = 0.5
_LONGEST_RESTART_S: Final = 10.0
"""Between a worker's death and the next start: handlers that end their process, or cannot be loaded, must not keep the
node busy. Doubled while workers die young.
"""
_YOUNG_S: Final = 5.0
_KEPT_S: Final = 60.0
"""So long a drained worker keeps results that no engine acknowledged: theirs may have died after the commit."""
_log = logging.getLogger("sfc.scheduler")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    pool: str = "common"
    """Part of the workers' names: a scheduler finds only its own."""
    size: int = 2
    """Workers of the common pool."""
    worker: WorkerOptions = field(default_factory=WorkerOptions)


class Scheduler:
    """Runs in its own process; `SchedulerClient` is how others see it."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self._settings = settings
        self._prefix = f"worker-{settings.pool}-"
        self._limits = PoolLimits(min_size=settings.size, max_size=settings.size)
        self._pool: Pool[Any] = Pool(first_version=time.time_ns() // 1_000_000)
        self._changed = asyncio.Event()
        self._watchers: set[asyncio.Task[None]] = set()
        self._restart_s = _RESTART_S
        self._trouble: str | None = None
        self._drained_at: dict[str, float] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._found = {
            found["name"]: ray.get_actor(found["name"], namespace=NAMESPACE)
            for found in ray.util.list_named_actors(all_namespaces=True)
            if found["namespace"] == NAMESPACE and found["name"].startswith(self._prefix)
        }

    async def members(self, known_version: int, poll_s: float) -> tuple[int, dict[str, Any]]:
        """Version and handles of the workers that take jobs."""
        self._begin()
        if known_version == self._pool.version:
            changed = self._changed
            try:
                async with asyncio.timeout(min(poll_s, POLL_S)):
                    await changed.wait()
            except TimeoutError:
                pass
        return self._pool.version, self._pool.open()

    async def statuses(self) -> dict[str, WorkerStatus]:
        self._begin()
        members = self._pool.members()
        answers = await asyncio.gather(*map(_status, members.values()))
        return {name: answer for name, answer in zip(members, answers, strict=True) if answer is not None}

    async def trouble(self) -> str | None:
        """Why workers die as soon as they start: handlers that cannot be loaded, for one."""
        self._begin()
        return self._trouble

    async def resize(self, size: int) -> None:
        """Holds until the scheduler restarts; the size it starts with is a setting."""
        self._limits = PoolLimits(min_size=size, max_size=size)
        self._begin()
        self._keep_size()

    def _begin(self) -> None:
        """The first call starts what must run on the loop."""
        if self._keeper is None:
            for name, handle in self._found.items():
                self._add(name, handle)
            self._keep_size()
            self._keeper = asyncio.create_task(self._keep())

    def _keep_size(self) -> None:
        desired = desired_size(PoolLoad(), self._limits)
        for name in self._pool.surplus(desired):
            self._pool.drain(name)
        for _ in range(self._pool.missing(desired)):
            name = f"{self._prefix}{uuid.uuid4().hex[:12]}"
            self._add(name, start_worker(name, self._settings.worker))
        self._publish()

    def _add(self, name: str, handle: Any) -> None:
        self._pool.join(name, handle)
        watcher = asyncio.create_task(self._watch(name, WorkerClient(handle)))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, name: str, worker: WorkerClient) -> None:
        began = time.monotonic()
        why = ""
        while True:
            try:
                await worker.lifetime()
            except ActorUnavailableError:
                await asyncio.sleep(_TICK_S)
            except RayActorError as error:
                _log.warning("worker %s is gone: %s", name, error)
                why = str(error).strip()
                break
        young = time.monotonic() - began < _YOUNG_S and name not in self._pool.draining()
        self._pool.leave(name)
        self._drained_at.pop(name, None)
        self._publish()
        self._restart_s = min(self._restart_s * 2, _LONGEST_RESTART_S) if young else _RESTART_S
        self._trouble = why if young else None
        await asyncio.sleep(self._restart_s)
        self._keep_size()

    async def _keep(self) -> None:
        """Replace workers that lost too many threads; end those that have drained."""
        while True:
            await asyncio.sleep(_TICK_S)
            members = self._pool.members()
            for name, status in (await self.statuses()).items():
                if name in self._pool.draining():
                    since = self._drained_at.setdefault(name, time.monotonic())
                    kept_long = time.monotonic() - since > _KEPT_S
                    if not status.running and (not status.held or kept_long):
                        WorkerClient(members[name]).kill()
                elif status.lost_threads * 2 > self._settings.worker.threads:
                    self._pool.drain(name)
                    self._keep_size()

    def _publish(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def _status(handle: Any) -> WorkerStatus | None:
    try:
        async with asyncio.timeout(_TICK_S):
            return await WorkerClient(handle).status()
    except (RayActorError, TimeoutError):
        return None


def connect_scheduler(settings: SchedulerSettings) -> SchedulerClient:
    """The scheduler of this cluster, started with these settings if there is none yet. Blocks for a round trip."""
    handle = (
        ray.remote(Scheduler)
        .options(
            name=SCHEDULER,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
            max_concurrency=10_000,
        )
        .remote(settings)
    )
    return SchedulerClient(handle)
