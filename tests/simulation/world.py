"""A world for simulations: an engine that dies at any commit, over a store and workers that last.

Everything is driven by a seed, so that a failure can be played again.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

from sfc.arn import Partition
from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.engine.engine import Engine
from sfc.engine.resident import info_of
from sfc.engine.settings import EngineSettings
from sfc.errors import OutcomeUnknown, SfcError, Unavailable
from sfc.interpreter import Run, step
from sfc.interpreter.entries import REDRIVEN, decode
from sfc.store.journal import Batch, Child, Outcome
from sfc.store.memory import MemoryStore
from sfc.tasks.job import Job, JobResult

EXECUTIONS = 5
ROLE = "arn:aws:iam::123456789012:role/test"
QUICK = EngineSettings(retry_first_s=0.001, retry_most_s=0.005)


class Remembering(MemoryStore):
    """Keeps every child row that was ever written."""

    def __init__(self) -> None:
        super().__init__()
        self.children_ever: list[Child] = []

    def commit(self, batch: Batch) -> Outcome:
        outcome = super().commit(batch)
        if outcome.written:
            for part in batch.parts:
                self.children_ever += part.kept.children if part.kept is not None else ()
        return outcome


class Dying:
    """The store as one life of the engine sees it: at a chosen commit it dies, before or after the write."""

    inline = True
    shards = 1

    def __init__(self, inner: MemoryStore, chance: random.Random) -> None:
        self.inner = inner
        self.left = chance.randrange(1, 40)
        self.after = chance.random() < 0.5
        self.flaky = chance.random() < 0.3
        self.chance = chance
        self.dead = False

    def commit(self, batch: Batch) -> Outcome:
        if self.dead:
            raise Unavailable("dead")
        self.left -= 1
        if self.left <= 0:
            self.dead = True
            if self.after:
                self.inner.commit(batch)
            raise Unavailable("died")
        if self.flaky and self.chance.random() < 0.1:
            if self.chance.random() < 0.5:
                self.inner.commit(batch)
            raise OutcomeUnknown("the answer was lost")
        return self.inner.commit(batch)

    def settle(self, batch: Batch) -> bool:
        if self.dead:
            raise Unavailable("dead")
        return self.inner.settle(batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def replayed(store: MemoryStore, catalog: Catalog, execution: int) -> Run:
    """The run that the journal makes; every digest must agree."""
    row = store.get(execution)
    assert row is not None
    version = catalog.version(row.version)
    journal = store.journal(execution)
    keeps = any(entry.kind == REDRIVEN for entry in journal)
    run = Run(version.machine, info_of(Partition(), version, row, store.secret()), keeps=keeps)
    for entry in journal:
        step(run, decode((entry.kind, entry.at, entry.task, entry.attempt, entry.began, entry.data)))
        assert run.digest == entry.digest
    return run


class Workers:
    """A dispatcher that outlives engines; checks that every job's cause is in the store before it goes out."""

    def __init__(self, store: MemoryStore, catalog: Catalog) -> None:
        self.store = store
        self.catalog = catalog
        self.out: dict[str, Job] = {}
        self.seen: dict[str, Job] = {}
        self.on_results: Callable[[Sequence[JobResult]], None] = lambda results: None

    async def open(self, on_results: Callable[[Sequence[JobResult]], None], _written: object) -> None:
        self.on_results = on_results

    def dispatch(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            execution, number, attempt = job.key.split(":")
            sent = replayed(self.store, self.catalog, int(execution, 16)).jobs[int(number)]
            assert sent.attempt == int(attempt)
            assert self.seen.setdefault(job.key, job) == job, "a key stands for one job for ever"
            self.out[job.key] = job

    def cancel(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.out.pop(key, None)

    async def close(self) -> None:
        self.on_results = lambda results: None

    def answer(self, key: str, error: str | None) -> None:
        self.out.pop(key, None)
        output = None if error else b"[1, 2]"
        self.on_results([JobResult(key, output, error, "a cause" if error else None, 0)])


class World:
    """Store, catalog and workers last; engines come and go."""

    machine = "flow"
    """What is started."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = 1_700_000_000_000
        self.store = Remembering()
        self.catalog = Catalog(MemoryShelf())
        self.workers = Workers(self.store, self.catalog)
        self.acknowledged: set[str] = set()
        self.redriven: dict[str, int] = {}
        """How often a redrive was acknowledged."""
        self.engine: Engine
        self.view: Any

    async def begin(self, *, mortal: bool = True) -> None:
        self.view = Dying(self.store, self.chance) if mortal else self.store
        self.workers.out.clear()
        self.engine = Engine(self.view, self.catalog, self.workers, clock=lambda: self.now, owner="one", settings=QUICK)
        await self.engine.open()

    async def die(self) -> None:
        self.workers.on_results = lambda results: None
        await self.engine.close()
        await self.begin()

    async def settle(self) -> None:
        for _ in range(12):
            await asyncio.sleep(0)

    async def start(self) -> None:
        name = f"e-{len(self.acknowledged)}"
        try:
            record = await asyncio.wait_for(self.engine.start(self.machine, '{"a": 1}', name), 2)
        except (SfcError, TimeoutError):
            return
        self.acknowledged.add(record.arn)

    async def act(self) -> None:
        """One thing that may happen."""
        what = self.chance.random()
        if what < 0.2 and len(self.acknowledged) < EXECUTIONS:
            await self.start()
        elif what < 0.75 and self.workers.out:
            key = self.chance.choice(sorted(self.workers.out))
            self.workers.answer(key, "Busy" if self.chance.random() < 0.3 else None)
            if self.chance.random() < 0.2:
                self.workers.answer(key, None)
        elif what < 0.8 and self.workers.seen:
            self.workers.answer(self.chance.choice(sorted(self.workers.seen)), None)
        elif what < 0.85 and self.acknowledged:
            await self.stop_or_redrive(self.chance.choice(sorted(self.acknowledged)))
        else:
            self.now += self.chance.randrange(40_000)
            await self.engine.advance()
        await self.settle()
        if getattr(self.view, "dead", False):
            await self.die()

    async def stop_or_redrive(self, arn: str) -> None:
        try:
            if self.chance.random() < 0.4:
                await asyncio.wait_for(self.engine.stop(arn), 2)
            else:
                await asyncio.wait_for(self.engine.redrive(arn), 2)
                self.redriven[arn] = self.redriven.get(arn, 0) + 1
        except (SfcError, TimeoutError):
            pass

    async def answer_all(self) -> None:
        """Whoever is waited for answers well."""
        for key in sorted(self.workers.out):
            self.workers.answer(key, None)

    async def finish(self) -> None:
        """A last engine that lives: everything must come to its end."""
        await self.engine.close()
        await self.begin(mortal=False)
        for _ in range(400):
            await self.settle()
            await self.answer_all()
            self.now += 5_000
            await self.engine.advance()
            if (await self.engine.counts()).get("RUNNING", 0) == 0:
                return
        raise AssertionError(f"still running: {await self.engine.counts()}")
