"""Everything that runs beside an engine, opened after it and closed before it."""

from collections.abc import Mapping

from sfc.bridge.schedules import Schedules
from sfc.bridge.webhooks import Webhooks
from sfc.engine.engine import Engine
from sfc.errors import KafkaNotConfigured
from sfc.triggers.report import Report, Reporter
from sfc.triggers.trigger import Trigger


class Bridge:
    def __init__(self, engine: Engine) -> None:
        self.schedules = Schedules(engine)
        self.webhooks = Webhooks(engine)
        self._reporters: Mapping[str, Reporter] = {"schedule": self.schedules, "webhook": self.webhooks}

    async def open(self) -> None:
        """Raises Unavailable."""
        await self.schedules.open()

    async def close(self) -> None:
        await self.schedules.close()

    def check(self, kind: str) -> None:
        """Raises KafkaNotConfigured when triggers of this kind cannot be at work here."""
        if kind == "kafka" and kind not in self._reporters:
            raise KafkaNotConfigured

    def report(self, trigger: Trigger) -> Report:
        """What the trigger tells of itself; nothing when its kind is not at work here."""
        reporter = self._reporters.get(trigger.kind)
        return Report() if reporter is None else reporter.report(trigger)
