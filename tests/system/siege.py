"""Attacks on pools under load, each chosen at random: what a cluster may do to jobs that run."""

import asyncio
import contextlib
import os
import random
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import psutil
import ray

from actors.clients import SchedulerClient
from sfc.tasks.job import Job
from tests.system.dispatching import Engine, begun, jobs

NODE: Final[dict[str, Any]] = {"num_cpus": 1, "resources": {"far": 1.0}, "object_store_memory": 80_000_000}
"""What pools find on a node that comes and goes."""
WAVE: Final = 100
"""Jobs of each pool that come between two attacks."""
BACKLOG: Final = 600
"""Jobs that may be under way when the next attack comes."""


class Siege:
    """One engine's jobs in these pools, each of a blueprint of that name; `killed` are the workers taken from them."""

    def __init__(
        self, scheduler: SchedulerClient, cluster: Any, pools: list[str], notes: Path, chance: random.Random
    ) -> None:
        self.scheduler = scheduler
        self.cluster = cluster
        self.pools = pools
        self.notes = notes
        self.chance = chance
        self.sent: dict[str, Job] = {}
        self.killed: set[int] = set()
        self.engine = Engine(scheduler)
        self.node: Any = None
        self.attacks: list[Callable[[], Awaitable[None]]] = [
            self.kill_a_worker, self.kill_a_worker, self.kill_the_scheduler, self.replace_the_node, self.resize,
            self.drain, self.replace_the_engine,
        ]  # fmt: skip

    async def begin(self) -> None:
        self.node = self.cluster.add_node(**NODE)
        await self.engine.dispatcher.open(self.engine.take)

    async def wave(self) -> None:
        """More jobs; returns when not too many are under way."""
        for pool in self.pools:
            more = jobs("note-and-rest", WAVE, self.notes, first=len(self.sent), machine=pool)
            self.sent.update({job.key: job for job in more})
            self.engine.dispatcher.dispatch(more)
        await self.engine.has(len(self.sent) - BACKLOG)

    async def attack(self) -> None:
        await self.chance.choice(self.attacks)()

    async def end(self) -> None:
        await self.engine.has(len(self.sent))
        await self.engine.dispatcher.close()

    def repeated(self) -> dict[int, list[int]]:
        """Workers that began the same job, where one but the last was not killed: these repeat nothing."""
        workers: dict[int, list[int]] = defaultdict(list)
        for n, pid in begun(self.notes):
            workers[n].append(pid)
        return {n: pids for n, pids in workers.items() if not self.killed.issuperset(pids[:-1])}

    # ---- attacks

    async def kill_a_worker(self) -> None:
        pids = [status.pid for status in (await self._asked(self.scheduler.statuses)).values()]
        if pids:
            self._kill(self.chance.choice(pids))

    async def kill_the_scheduler(self) -> None:
        self.scheduler.kill(restart=True)

    async def replace_the_node(self) -> None:
        """These block the loop for a moment: Ray sets signal handlers, which only the main thread may."""
        raylet = psutil.Process(self.node.all_processes["raylet"][0].process.pid)
        self.killed |= {process.pid for process in raylet.children(recursive=True)}
        self.cluster.remove_node(self.node, allow_graceful=False)
        self.node = self.cluster.add_node(**NODE)

    async def resize(self) -> None:
        pool, size = self.chance.choice(self.pools), self.chance.choice([1, 2, 3])
        await self._asked(lambda: self.scheduler.resize(size, pool))

    async def drain(self) -> None:
        pool = self.chance.choice(self.pools)
        await self._asked(lambda: self.scheduler.replace(pool))

    async def replace_the_engine(self) -> None:
        """The next one has the same jobs done, as it finds them in the journal."""
        await self.engine.dispatcher.close()
        known = self.engine.results
        self.engine = Engine(self.scheduler)
        self.engine.results = known
        await self._asked(lambda: self.engine.dispatcher.open(self.engine.take))
        self.engine.dispatcher.dispatch([job for key, job in self.sent.items() if key not in known])

    def _kill(self, pid: int) -> None:
        self.killed.add(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    async def _asked(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The scheduler's answer, once it is back."""
        while True:
            try:
                return await ask()
            except ray.exceptions.RayError:
                await asyncio.sleep(0.1)
