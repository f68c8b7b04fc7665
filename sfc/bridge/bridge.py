"""Everything that runs beside an engine, opened after it and closed before it."""

from collections.abc import Mapping

from sfc.bridge.kafka import KafkaBridge
from sfc.bridge.lifecycle import EventFigures
from sfc.bridge.schedules import Schedules
from sfc.bridge.source import FeedState
from sfc.bridge.webhooks import Webhooks
from sfc.engine.engine import Engine
from sfc.errors import KafkaNotConfigured
from sfc.triggers.report import Report, Reporter
from sfc.triggers.trigger import Trigger


class Bridge:
    def __init__(self, engine: Engine, kafka: KafkaBridge | None = None) -> None:
        self._kafka = kafka
        self.schedules = Schedules(engine)
        self.webhooks = Webhooks(engine)
        reporters: dict[str, Reporter] = {"schedule": self.schedules, "webhook": self.webhooks}
        if kafka is not None:
            reporters["kafka"] = kafka
        self._reporters: Mapping[str, Reporter] = reporters

    async def open(self) -> None:
        """Raises Unavailable."""
        await self.schedules.open()
        if self._kafka is not None:
            await self._kafka.open()

    async def close(self) -> None:
        if self._kafka is not None:
            await self._kafka.close()
        await self.schedules.close()

    @property
    def kafka(self) -> KafkaBridge:
        """Raises KafkaNotConfigured."""
        if self._kafka is None:
            raise KafkaNotConfigured
        return self._kafka

    def feeds(self) -> list[FeedState]:
        """How topics are read; none without Kafka."""
        return [] if self._kafka is None else self._kafka.feeds.states()

    def events(self) -> EventFigures:
        """How the publishing of what happens to executions fares; without Kafka nothing is published."""
        return EventFigures() if self._kafka is None else self._kafka.lifecycle.figures()

    def check(self, kind: str) -> None:
        """Raises KafkaNotConfigured when triggers of this kind cannot be at work here."""
        if kind == "kafka" and kind not in self._reporters:
            raise KafkaNotConfigured

    def report(self, trigger: Trigger) -> Report:
        """What the trigger tells of itself; nothing when its kind is not at work here."""
        reporter = self._reporters.get(trigger.kind)
        return Report() if reporter is None else reporter.report(trigger)
