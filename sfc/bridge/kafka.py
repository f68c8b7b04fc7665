"""Everything of Kafka that runs beside an engine."""

from sfc.bridge.dead_letters import DeadLetters
from sfc.bridge.feeds import AskedTopics, Feeds
from sfc.bridge.source import ReaderPool
from sfc.engine.engine import Engine
from sfc.kafka.clients import Clients
from sfc.kafka.settings import KafkaSettings
from sfc.kafka.topics import Topics
from sfc.triggers.report import Figures, Position, Report
from sfc.triggers.trigger import Trigger


class KafkaBridge:
    """Opened after the engine and closed before it."""

    def __init__(self, engine: Engine, settings: KafkaSettings, readers: ReaderPool) -> None:
        self.settings = settings
        self.clients = Clients(settings)
        self._topics = AskedTopics(Topics(self.clients))
        self.feeds = Feeds(engine, settings, readers, self._topics)
        self.dead_letters = DeadLetters(engine, self.feeds, self.clients, self._topics)

    async def open(self) -> None:
        """Raises Unavailable."""
        await self.feeds.open()
        await self.dead_letters.open()

    async def close(self) -> None:
        await self.dead_letters.close()
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
