"""All feeds of a server: those of its Kafka triggers, which come and go as these are changed, and its own."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Literal, TypeVar

from sfc.bridge.feed import Feed
from sfc.bridge.source import FeedFigures, FeedState, ReaderPool, Source
from sfc.engine.engine import Engine
from sfc.engine.intake import Obey
from sfc.errors import SfcError, Unavailable
from sfc.kafka.program import TriggerProgram
from sfc.kafka.settings import KafkaSettings
from sfc.kafka.topics import Topic, Topics
from sfc.triggers.kafka import read_kafka
from sfc.triggers.trigger import Trigger

log = logging.getLogger(__name__)
T = TypeVar("T")

_AGAIN_S: Final = 1.0


class AskedTopics:
    """`Topics` in threads of their own: a broker that is away must keep nobody else waiting."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="sfc-topics")

    async def look(self, name: str) -> Topic:
        return await self._ask(partial(self._topics.look, name))

    async def offsets(
        self, topic: str, partitions: Sequence[int], where: Literal["earliest", "latest"]
    ) -> dict[int, int]:
        return await self._ask(partial(self._topics.offsets, topic, partitions, where))

    async def ensure(self, name: str, kafka: KafkaSettings) -> None:
        await self._ask(partial(self._topics.ensure, name, kafka.topics))

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, question)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Feeds:
    """On the engine's loop, between the engine's `open` and its `close`."""

    def __init__(self, engine: Engine, kafka: KafkaSettings, readers: ReaderPool, topics: AskedTopics) -> None:
        self._engine = engine
        self._kafka = kafka
        self._readers = readers
        self._topics = topics
        self._own: dict[str, Source] = {}
        self._feeds: dict[str, Feed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._figures: dict[str, FeedFigures] = {}
        self._changed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self.obey: Callable[[str], Obey] | None = None
        """Who carries out control messages among the records of the trigger of this name."""

    def add(self, source: Source) -> None:
        """A feed of the installation's own. Its name is no number: those are triggers'."""
        self._own[source.feed] = source
        self._changed.set()

    def follow(self, trigger: Trigger) -> None:
        """Have the trigger's feed pause or go on, as the trigger says."""
        feed = self._feeds.get(str(trigger.id))
        if feed is not None and trigger.paused != feed.paused:
            feed.pause() if trigger.paused else feed.resume()

    async def open(self) -> None:
        """Begin all feeds, and from now on follow the changes of triggers."""
        loop = asyncio.get_running_loop()

        def changed() -> None:  # in whatever thread changes a trigger
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._changed.set)

        await self._engine.consult(lambda catalog: catalog.triggers.subscribe(changed))
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await asyncio.gather(*[self._end(feed) for feed in list(self._tasks)])
        await self._readers.close()

    def get(self, feed: str) -> Feed | None:
        """The feed at work: that of a trigger by its id, as text."""
        return self._feeds.get(feed)

    def states(self) -> list[FeedState]:
        """How all feeds fare."""
        return [feed.state() for feed in self._feeds.values()]

    def source_of(self, trigger: Trigger) -> Source:
        """What a Kafka trigger reads. Raises InvalidRequest."""
        settings = read_kafka(trigger.settings)
        return Source(
            feed=str(trigger.id),
            name=trigger.name,
            topic=settings.topic,
            group=self._kafka.name(trigger.name),
            kafka=self._kafka,
            program=lambda topic: TriggerProgram.of(trigger, topic.id, self._kafka),
            about=(trigger.name, trigger.settings),
            begin=settings.begin,
            blueprint=trigger.blueprint,
            batch=settings.batch,
            rate=settings.rate,
            obey=None if settings.control is None or self.obey is None else self.obey(trigger.name),
        )

    async def _keep(self) -> None:
        while True:
            self._changed.clear()
            try:
                await self._settle()
            except SfcError as error:
                log.warning("the feeds of triggers wait: %s", error)
                await asyncio.sleep(_AGAIN_S)
                continue
            except Exception:
                log.exception("the feeds of triggers could not be kept in an unforeseen way")
                await asyncio.sleep(_AGAIN_S)
                continue
            await self._changed.wait()

    async def _settle(self) -> None:
        """Have exactly the feeds at work that there should be. Raises Unavailable."""
        triggers = await self._engine.consult(lambda catalog: catalog.triggers.all())
        of_kafka = {str(trigger.id): trigger for trigger in triggers if trigger.kind == "kafka"}
        wanted = {feed: source for feed, each in of_kafka.items() if (source := self._read(each)) is not None}
        wanted |= self._own
        for feed, at_work in list(self._feeds.items()):
            source = wanted.get(feed)
            if source != at_work.source:
                await self._end(feed)
                gone = feed not in of_kafka and feed not in self._own
                if gone or (source is not None and source.topic != at_work.source.topic):
                    await self._forget(feed)
        for feed in self._engine.intake.feeds() - wanted.keys():
            if feed.isdecimal() and feed not in of_kafka:  # a trigger that was deleted while nobody looked
                await self._forget(feed)
        for feed, source in wanted.items():
            if feed not in self._feeds:
                self._begin(source)
            if feed in of_kafka:
                self.follow(of_kafka[feed])

    def _read(self, trigger: Trigger) -> Source | None:
        try:
            return self.source_of(trigger)
        except SfcError as error:  # what was good when it was set: another version of SFC
            log.error("trigger %s cannot be read: %s", trigger.name, error)
            return None

    def _begin(self, source: Source) -> None:
        figures = self._figures.setdefault(source.feed, FeedFigures())
        feed = Feed(source, self._engine.intake, self._readers, self._topics, figures, self._engine.now)
        self._feeds[source.feed] = feed
        self._tasks[source.feed] = asyncio.create_task(feed.run())

    async def _end(self, feed: str) -> None:
        task = self._tasks.pop(feed)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._feeds.pop(feed, None)
        await self._readers.drop(feed)

    async def _forget(self, feed: str) -> None:
        self._figures.pop(feed, None)
        try:
            await self._engine.intake.forget(feed)
        except Unavailable as error:
            log.warning("the positions of a feed that is gone are still kept: %s", error)
            self._changed.set()
