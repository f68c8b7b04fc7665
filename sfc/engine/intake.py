"""What the engine does with what was read from topics: each record is used exactly once.

    reader ─► chunk (read from offset f, up to n) ─► take: is f where the feed stands?
                                                       │ executions begin, answers are given, dead letters are kept
                                                       ▼ and the position goes on to n: all in one commit

The position is a row of the shard that the partition hashes to, so the lease of that shard fences it; besides, the row
must be what the chunk says when it changes. A reader that was given up, or is there twice, can do nothing: its chunks
are from where the feed does not stand any more. When a commit fails nothing of it happened, and the same records are
read again.
"""

import asyncio
import zlib
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from sfc.asl.expression import Failure
from sfc.engine.committer import Aside, NameTaken
from sfc.engine.host import Host
from sfc.engine.resident import Resident
from sfc.engine.starts import StartRequest, Starts
from sfc.errors import NotFound, SfcError, Superseded, Unavailable
from sfc.interpreter import task_token
from sfc.interpreter.commands import DispatchTask
from sfc.interpreter.entries import TaskFailed, TaskSucceeded
from sfc.kafka.chunk import Answer, Chunk, Control, Dead, Decision, Start
from sfc.store.feeds import DeadLetter, FeedStore, KeptLetter, Move, Place
from sfc.store.ids import shard_of
from sfc.store.journal import Kept, Waiting

T = TypeVar("T")


class Asked(NamedTuple):
    """What a control message made of the commit it is in."""

    kept: Kept | None = None
    dead: Dead | None = None
    """It is of no use."""


Obey = Callable[[Control], Asked]
"""Carries out a control message; called before the commit of its position. The rest of the chunk waits."""


class Taken(NamedTuple):
    """What became of a chunk. Everything below `next` is done with, on disk."""

    next: int
    starts: int = 0
    duplicates: int = 0
    """Starts whose name was taken: the event has its execution."""
    answers: int = 0
    strays: int = 0
    """Answers that nothing waits for."""
    dead: int = 0
    held: SfcError | None = None
    """Why the record at `next` was not taken. Overloaded, Unavailable and the like pass; others are about the record or
    its blueprint."""


@dataclass(slots=True)
class _Tally:
    starts: int = 0
    duplicates: int = 0
    answers: int = 0
    strays: int = 0
    error: SfcError | None = None

    def settle(self, result: Resident | SfcError) -> None:
        if not isinstance(result, SfcError):
            self.starts += 1
        elif isinstance(result, NameTaken):
            self.duplicates += 1
        else:
            self.error = result


class Intake:
    """Positions of the feeds whose partitions belong to the shards of this engine. On the event loop."""

    def __init__(
        self, host: Host, starts: Starts, flaw: Callable[[DispatchTask, bytes], Failure | None] = lambda *_: None
    ) -> None:
        """`flaw` tells what is wrong with the output of a job that was answered."""
        self.store: FeedStore = host.store
        """Blocks: for threads."""
        self._host = host
        self._starts = starts
        self._flaw = flaw
        self._shards: list[int] = []
        self._next: dict[Place, int] = {}
        self._busy: set[Place] = set()
        """Their change is on its way."""
        self._replaying: set[int] = set()

    async def open(self, shards: Sequence[int]) -> None:
        """Read the positions; `shards` are those that this engine owns. Raises Unavailable."""
        self._shards = list(shards)
        found = await self._host.threads.call(self._host.store.positions)
        self._next = {place: next for place, next in found if self.owns(place)}

    def owns(self, place: Place) -> bool:
        """Whether this engine is the one to read the partition for the feed."""
        return self._shard(place) in self._shards

    def positions(self, feed: str) -> dict[Place, int]:
        """Where the feed stands: by partition, the offset of the next record."""
        return {place: next for place, next in self._next.items() if place.feed == feed}

    def feeds(self) -> set[str]:
        """All that have a position."""
        return {place.feed for place in self._next}

    async def begin(self, positions: dict[Place, int]) -> None:
        """Partitions are read from now on, from these offsets; those known already stay as they are, and the others
        are kept in one commit. Raises Unavailable."""
        new = {place: next for place, next in positions.items() if place not in self._next and self.owns(place)}
        await _to_its_end(self._change([Move(place, None, next) for place, next in new.items()]))

    async def forget(self, feed: str, *, but: str | None = None) -> None:
        """The feed reads nothing any more; or only the topic with the id `but`. Raises Unavailable."""
        positions = self.positions(feed).items()
        gone = [Move(place, next, None) for place, next in positions if place.topic_id != but]
        if gone:
            await _to_its_end(self._change(gone))

    async def take(self, chunk: Chunk, blueprint: str = "", obey: Obey | None = None) -> Taken:
        """Use the records, as many of them as can be now. `blueprint` is what `Start`s start.

        Nothing happens to a chunk that was read from elsewhere than where the feed stands. Raises NotFound for a feed
        that does not read this partition, Unavailable when nothing was written; the feed stands where it stood then.
        """
        place = Place(chunk.feed, chunk.topic_id, chunk.partition)
        if place not in self._next:
            raise NotFound(f"{chunk.feed} does not read partition {chunk.partition} of {chunk.topic}")
        if place in self._busy or self._next[place] != chunk.first:
            return Taken(self._next[place])
        self._busy.add(place)
        return await _to_its_end(self._take_all(place, chunk, blueprint, obey))

    async def _take_all(self, place: Place, chunk: Chunk, blueprint: str, obey: Obey | None) -> Taken:
        try:
            await self._bring(chunk.decisions)
            return await self._take(place, chunk, blueprint, obey)
        except Superseded:
            await self._read_again(place)
            raise
        finally:
            self._busy.discard(place)

    async def _take(self, place: Place, chunk: Chunk, blueprint: str, obey: Obey | None) -> Taken:
        """All until the wait for the commit is one turn of the event loop, so it is in one batch."""
        tally, kept, shard = _Tally(), Kept(), self._shard(place)
        next = chunk.next
        dead: list[Dead] = []
        for index, decision in enumerate(chunk.decisions):
            if type(decision) is Start:
                self._start(decision, blueprint, shard, tally)
                if tally.error is not None:
                    next = decision.first
                    break
            elif type(decision) is Dead:
                dead.append(decision)
            elif type(decision) is Answer:
                self._answer(decision, tally)
            elif type(decision) is Control and obey is not None:
                asked = obey(decision)
                kept.add(asked.kept or Kept())
                dead += [asked.dead] if asked.dead is not None else []
                if index + 1 < len(chunk.decisions):
                    next = decision.first + 1
                break
        held, tally.error = tally.error, None
        kept.dead_letters += self._letters(chunk, dead)
        if next != chunk.first:
            kept.moves.append(Move(place, chunk.first, next))
            await self._write(shard, kept)
            self._next[place] = next
        return Taken(next, tally.starts, tally.duplicates, tally.answers, tally.strays, len(dead), held)

    def _start(self, start: Start, blueprint: str, shard: int, tally: _Tally) -> None:
        request = StartRequest(blueprint, name=start.name or start.fallback)
        self._starts.launch(request, tally.settle, shard=shard, checked=start.input)

    # Answers

    async def _bring(self, decisions: Iterable[Decision]) -> None:
        """Have all executions that are answered in memory at once, but those that have ended. Raises Unavailable."""
        found = [self._waiting(decision) for decision in decisions if type(decision) is Answer]
        waiting = {each.execution for each in found if each is not None}
        residence = self._host.residence
        while missing := waiting - residence.all.keys():  # while some are read, others may leave again
            for id, there in zip(
                missing, await asyncio.gather(*[residence.load(id, shard_of(id)) for id in missing]), strict=True
            ):
                if there is None:
                    waiting.discard(id)

    def _waiting(self, answer: Answer) -> Waiting | None:
        if answer.token is not None:
            place = task_token.read(self._host.secret, answer.token)
            return None if place is None else Waiting(*place)
        try:
            execution, task, attempt = (answer.key or "").split(":")
            return Waiting(int(execution, 16), int(task), int(attempt))
        except ValueError:
            return None

    def _answer(self, answer: Answer, tally: _Tally) -> None:
        host, waiting = self._host, self._waiting(answer)
        resident = None if waiting is None else host.residence.all.get(waiting.execution)
        job = None if waiting is None or resident is None else resident.run.open_job(waiting.task, waiting.attempt)
        if waiting is None or resident is None or job is None or not _may_answer(answer, job):
            tally.strays += 1
            return
        tally.answers += 1
        at = host.at(resident)
        if answer.heartbeat:
            host.heartbeats.heard(waiting, at)
            return
        failure = Failure(answer.error, answer.cause) if answer.output is None else self._flaw(job, answer.output)
        if failure is None:
            assert answer.output is not None
            host.apply(resident, TaskSucceeded(at=at, task=waiting.task, attempt=waiting.attempt, output=answer.output))
        else:
            host.apply(resident, TaskFailed(at=at, task=waiting.task, attempt=waiting.attempt, failure=failure))

    # Dead letters

    def _letters(self, chunk: Chunk, dead: Sequence[Dead]) -> list[DeadLetter]:
        now = self._host.clock()
        return [
            DeadLetter(
                chunk.feed, chunk.topic, chunk.topic_id, chunk.partition, each.first, now, each.reason, each.detail,
                each.record,
            )
            for each in dead
        ]  # fmt: skip

    async def replay(self, kept: KeptLetter, start: Start | None, blueprint: str) -> Taken:
        """The dead letter goes, and what it starts now begins, in one commit. None: it starts nothing.

        Raises what the start raises, NotFound when the dead letter is gone, Unavailable.
        """
        if kept.id in self._replaying:
            raise NotFound(f"the dead letter {kept.id} is being replayed", code="DeadLetterDoesNotExist")
        self._replaying.add(kept.id)
        return await _to_its_end(self._replay(kept, start, blueprint))

    async def _replay(self, kept: KeptLetter, start: Start | None, blueprint: str) -> Taken:
        try:
            tally, shard = _Tally(), self._shard_of(kept)
            if await self._host.threads.look_up(lambda: self._host.store.dead_letter(kept.id)) is None:
                raise _no_letter(kept.id)
            if start is not None:
                self._start(start, blueprint, shard, tally)
                if tally.error is not None:
                    raise tally.error
            await self._write(shard, Kept(buried=[kept.id]))
            return Taken(kept.letter.offset, tally.starts, tally.duplicates)
        finally:
            self._replaying.discard(kept.id)

    async def drop(self, kept: KeptLetter) -> None:
        """The dead letter goes. Raises NotFound, Unavailable."""
        await self.replay(kept, None, "")

    async def published(self, letters: Sequence[KeptLetter]) -> None:
        """The broker has these. Raises Unavailable."""
        now = self._host.clock()
        by_shard: dict[int, list[tuple[int, int]]] = {}
        for kept in letters:
            by_shard.setdefault(self._shard_of(kept), []).append((kept.id, now))
        for shard, marks in by_shard.items():
            await self._write(shard, Kept(published=marks))

    # Writing

    async def _change(self, moves: Sequence[Move]) -> None:
        by_shard: dict[int, list[Move]] = {}
        for move in moves:
            by_shard.setdefault(self._shard(move.place), []).append(move)
        for shard, of_shard in by_shard.items():
            await self._write(shard, Kept(moves=of_shard))
            for place, _, next in of_shard:
                if next is None:
                    self._next.pop(place, None)
                else:
                    self._next[place] = next

    async def _read_again(self, place: Place) -> None:
        found = dict(await self._host.threads.call(self._host.store.positions))
        if place in found:
            self._next[place] = found[place]
        else:
            self._next.pop(place, None)

    async def _write(self, shard: int, kept: Kept) -> None:
        """Everything that was begun in this turn of the loop, and `kept`, in one commit. Raises Unavailable."""
        if not self._host.committer.owns(shard):
            raise Unavailable("another engine has taken over this part of the store")
        decided: asyncio.Future[SfcError | None] = asyncio.get_running_loop().create_future()

        def answer(error: SfcError | None) -> None:
            if not decided.done():
                decided.set_result(error)

        self._host.committer.add_aside(Aside(shard, kept, answer))
        error = await decided
        if error is not None:
            raise error

    def _shard(self, place: Place) -> int:
        return zlib.crc32("\0".join(map(str, place)).encode()) % self._host.store.shards

    def _shard_of(self, kept: KeptLetter) -> int:
        letter = kept.letter
        return self._shard(Place(letter.feed, letter.topic_id, letter.partition))


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """A commit cannot be called back: whoever stops waiting for it must not keep its outcome from being noted."""
    return await asyncio.shield(asyncio.ensure_future(work))


def _may_answer(answer: Answer, job: DispatchTask) -> bool:
    """A token says by itself that its holder may answer; a key is no secret, so it is good for messages only."""
    return answer.token is not None or (job.resource.service == "kafka" and job.resource.is_answered_later)


def _no_letter(id: int) -> NotFound:
    return NotFound(f"there is no dead letter {id}", code="DeadLetterDoesNotExist")
