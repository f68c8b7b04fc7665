"""Group commit: what all executions of this engine produced goes to the store in one transaction after the other.

There is no timer and no size to wait for: when nothing is under way, a batch is what one turn of the event loop
produced; while a commit is under way, the next batch gathers. Whatever follows from a step happens in
`Sink.committed`, after the commit.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sfc.engine.resident import Answer, Work
from sfc.engine.settings import EngineSettings
from sfc.engine.threads import Threads
from sfc.errors import OutcomeUnknown, SfcError, Unavailable
from sfc.interpreter.entries import encode
from sfc.store.journal import WRITTEN, Batch, JournalRow, Kept, Lease, Outcome, Part, Store

log = logging.getLogger(__name__)
_BUSY = 4
"""Steps in one commit from which on the next one may wait for company."""
_LONGEST_GATHERING_S = 0.003


class NameTaken(SfcError):
    """Another execution of this machine has the name."""


@dataclass(frozen=True, slots=True)
class Aside:
    """What is written of no execution: how far topics are read, dead letters."""

    shard: int
    kept: Kept
    answer: Answer


class Sink(Protocol):
    """Who is told what became of the work. Called on the event loop; must not raise."""

    def committed(self, works: Sequence[Work]) -> None: ...

    def refused(self, works: Sequence[Work], error: SfcError) -> None:
        """Nothing of these was written, and nothing that was gathered after them will be."""
        ...

    def shard_lost(self, shard: int) -> None: ...


@dataclass(slots=True)
class CommitFigures:
    commits: int = 0
    entries: int = 0
    largest: int = 0


class Committer:
    def __init__(
        self,
        store: Store,
        owner: str,
        sink: Sink,
        threads: Threads,
        settings: EngineSettings,
    ) -> None:
        self._store = store
        self._owner = owner
        self._sink = sink
        self._threads = threads
        self._settings = settings
        self._epochs: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._gathered: list[Work] = []
        self._asides: list[Aside] = []
        self._draining: asyncio.Task[None] | None = None
        self._rounds = 0
        self._decided = asyncio.Event()
        self.figures = CommitFigures()

    def own(self, lease: Lease) -> None:
        self._epochs[lease.shard] = lease.epoch
        self._next[lease.shard] = lease.next_position

    def add(self, work: Work) -> None:
        """Have this step committed, after all that were added before it."""
        self._gathered.append(work)
        self._begin()

    def add_aside(self, aside: Aside) -> None:
        """Have this committed, in one batch with every step that was added in this turn of the event loop."""
        self._asides.append(aside)
        self._begin()

    def _begin(self) -> None:
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain())

    def owns(self, shard: int) -> bool:
        return shard in self._epochs

    def next_position(self, shard: int) -> int:
        """Of the fact that is written next."""
        return self._next[shard]

    def owns_any(self) -> bool:
        return bool(self._epochs)

    async def settled(self) -> None:
        """Returns when all that was added before is decided."""
        until = self._rounds + 2  # the batch under way, and the one that gathers
        while self._draining is not None and self._rounds < until:
            await self._decided.wait()

    async def close(self) -> None:
        """Decide what was added, if the store answers within the longest time between two tries."""
        if self._draining is not None:
            await asyncio.wait({self._draining}, timeout=self._settings.retry_most_s)
        if self._draining is not None:
            self._draining.cancel()

    async def _drain(self) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while self._gathered or self._asides:
                works, self._gathered = self._gathered, []
                asides, self._asides = self._asides, []
                began = clock()
                try:
                    await self._commit(works, asides)
                except Exception as error:
                    log.exception("a commit failed in an unforeseen way")
                    self._refuse(works, asides, Unavailable(f"the commit failed: {error!r}"))
                self._round_over()
                # What the commit set free may produce the next batch. When much is under way, a batch gathers for as
                # long as the last commit took, so that waiting for the disk takes half of the time at most.
                busy = len(works) >= _BUSY
                await asyncio.sleep(min(clock() - began, _LONGEST_GATHERING_S) if busy else 0)
        finally:
            self._draining = None
            self._round_over()

    def _round_over(self) -> None:
        self._rounds += 1
        self._decided.set()
        self._decided = asyncio.Event()

    async def _commit(self, works: list[Work], asides: list[Aside]) -> None:
        works, asides = self._without_lost(works, asides)
        while works or asides:
            batch = self._batch(works, asides)
            try:
                outcome = await self._send(batch)
            except Unavailable as error:
                self._refuse(works, asides, error)
                return
            if outcome.written:
                self._written(batch, works, asides)
                return
            for shard in outcome.lost:
                self._lose(shard)
            taken = [work for work in works if work.new is not None and work.new.id in outcome.taken]
            if taken:
                works = [work for work in works if work.resident.id not in outcome.taken]
                # Told only after the rest is written: the other one of that name may be in this very batch.
                await self._commit(works, asides)
                self._sink.refused(taken, NameTaken("the name is taken"))
                return
            works, asides = self._without_lost(works, asides)

    def _batch(self, works: Sequence[Work], asides: Sequence[Aside]) -> Batch:
        parts: dict[int, Part] = {}
        for work in works:
            part = self._part(parts, work.resident.shard)
            if work.new is not None:
                part.new.append(work.new)
            if work.kept is not None:
                part.kept = part.kept or Kept()
                part.kept.add(work.kept)
            if work.journalled:
                assert work.entry is not None
                work.position = part.first_position + len(part.rows)
                kind, at, task, attempt, began, data = encode(work.entry)
                part.rows.append(
                    JournalRow(work.position, work.resident.id, kind, at, task, attempt, began, data, work.digest)
                )
        for aside in asides:
            part = self._part(parts, aside.shard)
            part.kept = part.kept or Kept()
            part.kept.add(aside.kept)
        for part in parts.values():
            changes = {
                work.change.id: work.change
                for work in works
                if work.change is not None and work.resident.shard == part.shard
            }
            part.changes = list(changes.values())  # one each: the last of an execution stands for all
        return Batch(random.getrandbits(63), self._owner, list(parts.values()))

    def _part(self, parts: dict[int, Part], shard: int) -> Part:
        part = parts.get(shard)
        if part is None:
            part = parts[shard] = Part(shard, self._epochs[shard], self._next[shard])
        return part

    async def _send(self, batch: Batch) -> Outcome:
        """Raises Unavailable when the batch was certainly not written; waits as long as that is not known."""
        try:
            if self._store.inline:
                return self._store.commit(batch)
            return await self._threads.call(lambda: self._store.commit(batch))
        except OutcomeUnknown:
            delay = self._settings.retry_first_s
            while True:
                try:
                    written = await self._threads.call(lambda: self._store.settle(batch))
                except Unavailable:
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, self._settings.retry_most_s)
                    continue
                if written:
                    return WRITTEN
                raise Unavailable("the store did not take the commit") from None

    def _written(self, batch: Batch, works: list[Work], asides: list[Aside]) -> None:
        for part in batch.parts:
            self._next[part.shard] += len(part.rows)
            self.figures.entries += len(part.rows)
            self.figures.largest = max(self.figures.largest, len(part.rows))
        self.figures.commits += 1
        self._sink.committed(works)
        for aside in asides:
            aside.answer(None)

    def _refuse(self, works: list[Work], asides: list[Aside], error: SfcError) -> None:
        # What was gathered meanwhile may build on what was not written, and the store is away for it too.
        later, self._gathered = self._gathered, []
        asides_later, self._asides = self._asides, []
        self._sink.refused([*works, *later], error)
        for aside in (*asides, *asides_later):
            aside.answer(error)

    def _lose(self, shard: int) -> None:
        if self._epochs.pop(shard, None) is not None:
            self._sink.shard_lost(shard)

    def _without_lost(self, works: list[Work], asides: list[Aside]) -> tuple[list[Work], list[Aside]]:
        lost = [work for work in works if work.resident.shard not in self._epochs]
        lost_asides = [aside for aside in asides if aside.shard not in self._epochs]
        if not lost and not lost_asides:
            return works, asides
        error = Unavailable("another engine has taken over this part of the store")
        self._sink.refused(lost, error)
        for aside in lost_asides:
            aside.answer(error)
        return (
            [work for work in works if work.resident.shard in self._epochs],
            [aside for aside in asides if aside.shard in self._epochs],
        )
