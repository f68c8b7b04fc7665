"""Typed handles of the actors: `@ray.remote` hides their types, so only this module calls `.remote`."""

from collections.abc import Awaitable, Generator, Mapping
from typing import Any, Final

from actors.chronicle import Decision
from actors.desk import Answer
from actors.letters import pack_call, unpack_answer
from actors.overview import Overview, PoolOverview
from actors.roster import PoolView, Reports, Roster, Standings
from actors.worker import WorkerOptions, WorkerStatus
from sfc.catalog.pool_policy import COMMON, PoolPolicy
from sfc.tasks.job import Job

NAMESPACE: Final = "sfc"


class _Answered:
    """The answer of a call that is under way."""

    def __init__(self, ref: Any) -> None:
        self._ref = ref

    def __await__(self) -> Generator[Any, None, Answer]:
        return unpack_answer((yield from self._ref.__await__()))


class WorkerClient:
    """A worker, wherever it runs. Every call may raise ActorDiedError or ActorUnavailableError of Ray."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def exchange(
        self, engine: str, jobs: list[Job], acknowledged: list[int], resend: bool, poll_s: float
    ) -> Awaitable[Answer]:
        call = pack_call(engine, jobs, acknowledged, resend, poll_s)
        return _Answered(self._handle.exchange.remote(call))

    def cancel(self, keys: list[str]) -> Awaitable[None]:
        ref: Awaitable[None] = self._handle.cancel.remote(keys)
        return ref

    def wanted(self, poll_s: float) -> Awaitable[list[str]]:
        ref: Awaitable[list[str]] = self._handle.wanted.remote(poll_s)
        return ref

    def keep(self, digest: str, data: bytes | None, why: str) -> Awaitable[None]:
        ref: Awaitable[None] = self._handle.keep.remote(digest, data, why)
        return ref

    def running(self) -> Awaitable[list[str]]:
        ref: Awaitable[list[str]] = self._handle.running.remote()
        return ref

    def status(self) -> Awaitable[WorkerStatus]:
        ref: Awaitable[WorkerStatus] = self._handle.status.remote()
        return ref

    def retire(self) -> Awaitable[None]:
        ref: Awaitable[None] = self._handle.retire.remote()
        return ref

    def lifetime(self) -> Awaitable[None]:
        ref: Awaitable[None] = self._handle.lifetime.remote()
        return ref

    def kill(self) -> None:
        import ray

        ray.kill(self._handle)


class SchedulerClient:
    """The scheduler. Every call may raise RayActorError: it comes back within seconds, with the same pools."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def members(self, known_version: int, poll_s: float) -> Roster:
        """The workers, as soon as the version is another than the known one or `poll_s` is over."""
        roster: Roster = await self._handle.members.remote(known_version, poll_s)
        pools = {
            name: PoolView(
                {worker: WorkerClient(handle) for worker, handle in view.open.items()},
                {worker: WorkerClient(handle) for worker, handle in view.leaving.items()},
            )
            for name, view in roster.pools.items()
        }
        return roster._replace(pools=pools)

    async def report(self, engine: str, reports: Reports) -> None:
        """What an engine has to do, by blueprint; only what is new since its last report."""
        await self._handle.report.remote(engine, {name: tuple(report) for name, report in reports.items()})

    async def apply(self, policies: Mapping[str, PoolPolicy | None], *, whole: bool = False) -> None:
        """The policies of these blueprints from now on, None for the default; `whole`: there are no others."""
        await self._handle.apply.remote(dict(policies), whole)

    async def resize(self, size: int | None, pool: str = COMMON) -> None:
        """Fix the size of a pool; None: it follows the load again."""
        await self._handle.resize.remote(size, pool)

    async def replace(self, pool: str) -> None:
        """Have all workers of a pool drain, and new ones take their place."""
        await self._handle.replace.remote(pool)

    async def standings(self) -> Standings:
        """Which blueprints are promoted, and how often each was executed in the last 24 hours."""
        found: Standings = await self._handle.standings.remote()
        return found

    async def recall(self, standings: Standings) -> None:
        """What an earlier cluster knew; what this one knows already stays."""
        await self._handle.recall.remote(standings)

    async def overview(self) -> Overview:
        """All pools, and blueprints with work."""
        found: Overview = await self._handle.overview.remote()
        return found

    async def pool(self, name: str) -> PoolOverview:
        """One of them, or any other blueprint."""
        found: PoolOverview = await self._handle.pool.remote(name)
        return found

    async def why(self, name: str) -> list[Decision]:
        """The latest decisions about a pool or blueprint, latest last."""
        found: list[Decision] = await self._handle.why.remote(name)
        return found

    async def statuses(self) -> dict[str, WorkerStatus]:
        """Of all workers that answer."""
        found: dict[str, WorkerStatus] = await self._handle.statuses.remote()
        return found

    async def trouble(self) -> str | None:
        """Why the last worker died young, as Ray tells it; None when workers live."""
        why: str | None = await self._handle.trouble.remote()
        return why

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
            num_gpus=options.gpus,
            resources=dict(options.resources) or None,
            runtime_env={"env_vars": dict(options.env)} if options.env else None,
            max_restarts=0,  # a restarted worker would have forgotten its jobs: the scheduler starts another instead
            max_concurrency=10_000,
        )
        .remote(options)
    )
