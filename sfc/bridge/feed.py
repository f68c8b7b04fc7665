"""One feed at work: a topic is read, partition by partition, and what was read goes to the intake.

    find the topic ─► begin the partitions that are new ─► for each group of partitions, again and again:
    take a chunk of each ─► intake ─► where they stand now

A feed holds nothing that must last. It may be stopped anywhere, and another one goes on where the positions stand.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from sfc.bridge.pace import Pace
from sfc.bridge.source import FeedFigures, FeedState, ReaderLost, ReaderPool, Source, TopicsClient
from sfc.engine.intake import Intake
from sfc.errors import NotFound, SfcError, Unavailable
from sfc.kafka.chunk import Chunk
from sfc.kafka.program import Condemned
from sfc.kafka.reader import Plan
from sfc.kafka.topics import Topic
from sfc.store.feeds import Place

log = logging.getLogger(__name__)

_LOOK_S: Final = 5.0
"""How often the topic is looked at: new partitions, another topic of the same name."""
_WAIT_S: Final = 2.0
"""Longest wait of one call to a reader."""
_AGAIN_S: Final = 0.2
_STAYS: Final = 4
"""So often in a row is a trouble met, over more than a second, before it is told."""
_LONGEST_AGAIN_S: Final = 5.0
_PASSES: Final = (429, 503)
"""Statuses of errors that pass: the record waits."""


class Standing(NamedTuple):
    partition: int
    next: int
    end: int | None
    """None: not read yet."""

    @property
    def lag(self) -> int | None:
        """Records that wait."""
        return None if self.end is None else max(self.end - self.next, 0)


class Feed:
    """Runs until it is cancelled. `trouble` says what keeps it from reading, None: nothing."""

    def __init__(
        self,
        source: Source,
        intake: Intake,
        readers: ReaderPool,
        topics: TopicsClient,
        figures: FeedFigures,
        now: Callable[[], int],
    ) -> None:
        self.source = source
        self.figures = figures
        self.trouble: str | None = None
        self.trouble_at: int | None = None
        self._met = 0
        self._intake = intake
        self._readers = readers
        self._topics = topics
        self._now = now
        self._clock = asyncio.get_running_loop().time
        self._pace = Pace(source.rate, self._clock)
        self._open = asyncio.Event()
        self._open.set()
        self._topic: Topic | None = None
        self._until = 0.0
        """When the topic is looked at again."""
        self._ends: dict[int, int] = {}
        self._condemned: tuple[tuple[int, int, str, str], ...] = ()
        self._everything: tuple[str, str] | None = None

    # What others ask of it

    def pause(self) -> None:
        """Take no more records; what was taken goes on."""
        self._open.clear()

    def resume(self, rate: float | None = None) -> None:
        """Go on, with at most `rate` records a second if that is less than the feed's own."""
        given = [each for each in (rate, self.source.rate) if each is not None]
        self._pace.set(min(given, default=None))
        self._open.set()

    @property
    def paused(self) -> bool:
        return not self._open.is_set()

    def standing(self) -> list[Standing]:
        """How far each partition is read."""
        topic = self._topic
        if topic is None:
            return []
        return sorted(
            Standing(place.partition, next, self._ends.get(place.partition))
            for place, next in self._intake.positions(self.source.feed).items()
            if place.topic_id == topic.id
        )

    def state(self) -> FeedState:
        """How it fares."""
        return FeedState(
            name=self.source.name,
            topic=self.source.topic,
            figures=self.figures,
            lag=sum(each.lag or 0 for each in self.standing()),
            trouble=self.trouble is not None,
        )

    # At work

    async def run(self) -> None:
        """Read, whatever comes, until cancelled."""
        delay = _AGAIN_S
        while True:
            try:
                topic = await self._look()
                delay = _AGAIN_S
                await self._read(topic)
                continue
            except SfcError as error:
                self._complain(error.message)
            except Exception as error:
                log.exception("the feed of %s failed in an unforeseen way", self.source.topic)
                self._complain(repr(error))
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_AGAIN_S)

    def _complain(self, trouble: str | None) -> None:
        """One line for each trouble that stays, not for each time it is met: many pass at the next try."""
        self._met = self._met + 1 if trouble == self.trouble else 1
        if trouble is not None and self._met == _STAYS:
            log.warning("topic %s waits, for %s: %s", self.source.topic, self.source.group, trouble)
        self.trouble = trouble
        self.trouble_at = None if trouble is None else self._now()

    async def _look(self) -> Topic:
        """The topic as it is, with a position for each of its partitions. Raises SfcError."""
        source = self.source
        known = self._intake.positions(source.feed)
        try:
            topic = await self._topics.look(source.topic)
        except NotFound:
            if not known:  # all that it will ever hold comes later than this
                await self._intake.begin({Place(source.feed, "", -1): 0})
            raise
        self._note_remake(topic, known)
        places = {Place(source.feed, topic.id, partition): 0 for partition in topic.partitions}
        if not known:
            offsets = await self._topics.offsets(topic.name, topic.partitions, source.begin)
            places = {place: offsets[place.partition] for place in places}
        if any(place not in known for place in places):
            await self._intake.begin(places)
            await self._intake.forget(source.feed, but=topic.id)
        self._topic = topic
        return topic

    def _note_remake(self, topic: Topic, known: dict[Place, int]) -> None:
        before = {place.topic_id for place in known} - {""}
        if before and topic.id not in before:
            log.warning("topic %s was made anew; %s reads it from its beginning", topic.name, self.source.group)

    async def _read(self, topic: Topic) -> None:
        """Until it is time to look at the topic again."""
        places = [Place(self.source.feed, topic.id, partition) for partition in topic.partitions]
        owned = [place.partition for place in places if self._intake.owns(place)]
        self._until = self._clock() + _LOOK_S
        self._condemned, self._everything = (), None
        async with asyncio.TaskGroup() as tasks:
            for lane, partitions in enumerate(self._readers.groups(self.source.feed, owned)):
                _ = tasks.create_task(self._read_group(topic, lane, partitions))

    async def _read_group(self, topic: Topic, lane: int, partitions: Sequence[int]) -> None:
        while self._clock() < self._until:
            if self.paused:
                await self._paused()
                continue
            stands = self._intake.positions(self.source.feed)
            places = [Place(self.source.feed, topic.id, partition) for partition in partitions]
            positions = {place.partition: stands[place] for place in places if place in stands}
            wait_s = min(_WAIT_S, max(self._until - self._clock(), 0.0))
            try:
                client = self._readers.client(self.source.feed, lane)
                reading = await client.take(self._plan(topic), lane, positions, wait_s)
            except ReaderLost as error:
                log.warning("a reader of topic %s was lost (%s); another one goes on", topic.name, error)
                await asyncio.sleep(_AGAIN_S)
                continue
            self._complain(reading.trouble)
            if reading.trouble is not None:
                self._until = 0.0  # it may be another topic by now
                await asyncio.sleep(_AGAIN_S)
            for chunk in reading.chunks:  # one after the other: all at once would keep the loop from everybody else
                await self._use(chunk)

    async def _paused(self) -> None:
        try:
            await asyncio.wait_for(self._open.wait(), max(self._until - self._clock(), 0.0))
        except TimeoutError:
            pass

    def _plan(self, topic: Topic) -> Plan:
        source = self.source
        program = source.program(topic)
        if self._everything is not None or self._condemned:
            program = Condemned(program, self._everything, self._condemned)
        return Plan(
            feed=source.feed, topic=topic.name, topic_id=topic.id, group=source.group, program=program,
            kafka=source.kafka, batch=source.batch, idempotent=source.idempotent,
        )  # fmt: skip

    async def _use(self, chunk: Chunk) -> None:
        """All of the chunk, or as much as is possible before something must be read again."""
        delay = _AGAIN_S
        while True:
            part = await self._pace.wait(chunk)
            if self.paused:  # what is left is read again
                return
            try:
                taken = await self._intake.take(part, self.source.blueprint, self.source.obey)
            except Unavailable as error:
                self._complain(error.message)
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_AGAIN_S)
                continue
            except NotFound:  # the feed was forgotten meanwhile
                return
            self.figures.count(part, taken, self._now())
            self._ends[chunk.partition] = chunk.end
            if taken.held is not None:
                if taken.held.status not in _PASSES:
                    self._condemn(chunk.partition, taken.next, taken.held)
                    return
                self._complain(taken.held.message)
                delay = min(delay * 2, _LONGEST_AGAIN_S) if taken.next == part.first else _AGAIN_S
                await asyncio.sleep(delay)
            elif not chunk.first < taken.next < chunk.next:
                return
            chunk = chunk.rest(taken.next)

    def _condemn(self, partition: int, offset: int, error: SfcError) -> None:
        """What cannot start an execution is read again, as a dead letter. When it is the blueprint that is not there,
        that is so for all records until the topic is looked at again."""
        if isinstance(error, NotFound):
            self._everything = (error.code, error.message)
        else:
            self._condemned = (*self._condemned, (partition, offset, error.code, error.message))
