"""Everything of Kafka that runs beside an engine."""

import asyncio
import logging
from dataclasses import replace
from typing import Final

from sfc.bridge.control import Controls
from sfc.bridge.dead_letters import DeadLetters
from sfc.bridge.feeds import AskedTopics, Feeds
from sfc.bridge.lifecycle import Lifecycle
from sfc.bridge.results import Results
from sfc.bridge.source import ReaderPool
from sfc.engine.engine import Engine
from sfc.errors import SfcError
from sfc.kafka.clients import Clients
from sfc.kafka.outbox import Outbox
from sfc.kafka.settings import KafkaSettings
from sfc.kafka.topics import Topics
from sfc.triggers.report import Figures, Position, Report
from sfc.triggers.trigger import Trigger

log = logging.getLogger(__name__)

_AGAIN_S: Final = 1.0
_LONGEST_AGAIN_S: Final = 30.0


class KafkaBridge:
    """Opened after the engine and closed before it."""

    def __init__(self, engine: Engine, settings: KafkaSettings, readers: ReaderPool, outbox: Outbox) -> None:
        """`outbox` is open for longer than this."""
        self.settings = settings
        self.clients = Clients(settings)
        self._topics = AskedTopics(Topics(self.clients))
        self.feeds = Feeds(engine, settings, readers, self._topics)
        self.results = Results(engine, self.feeds, self._topics, settings)
        self.dead_letters = DeadLetters(engine, self.feeds, self.clients, self._topics)
        self.controls = Controls(engine, settings, self.feeds.follow)
        self.feeds.obey = self.controls.of_trigger
        self.lifecycle = Lifecycle(engine.facts, outbox, settings)
        self._beginning: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Raises Unavailable."""
        await self.feeds.open()
        await self.results.open()
        await self.dead_letters.open()
        self._beginning = asyncio.create_task(self._listen())
        self.lifecycle.open()

    async def _listen(self) -> None:
        """Read the control topic once it is there. It has one partition, so that commands keep their order."""
        source = self.controls.source()
        kafka = replace(self.settings, topics=replace(self.settings.topics, partitions=1))
        delay = _AGAIN_S
        while True:
            try:
                await self._topics.ensure(source.topic, kafka)
                break
            except SfcError as error:
                log.debug("the control topic is not there yet: %s", error)
                await asyncio.sleep(delay)
                delay = min(2 * delay, _LONGEST_AGAIN_S)
        self.feeds.add(source)

    async def close(self) -> None:
        await self.lifecycle.close()
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.gather(self._beginning, return_exceptions=True)
        await self.dead_letters.close()
        await self.results.close()
        await self.feeds.close()
        self._topics.close()

    def report(self, trigger: Trigger) -> Report:
        """How the trigger's topic is read."""
        feed = self.feeds.get(str(trigger.id))
        if feed is None:
            return Report()
        found = feed.figures
        figures = Figures(
            started=found.started,
            repeated=found.repeated,
            left_out=found.left_out,
            failed=found.dead,
            last_started_at=found.last_at,
            error=feed.trouble or "",
            error_at=feed.trouble_at,
        )
        return Report(
            figures=figures,
            positions=tuple(
                Position(
                    topic=feed.source.topic,
                    partition=each.partition,
                    next=each.next,
                    lag=each.lag,
                )
                for each in feed.standing()
            ),
        )
