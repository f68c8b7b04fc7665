"""A broker that a test holds in its hands: what was sent to it, and what it says of that."""

from collections.abc import Callable

from sfc.errors import Unavailable
from sfc.kafka.outbox import Fault, Full, Message, Outbox, Receipt, Refused, unknown
from sfc.kafka.settings import TopicSettings


class FakeBroker:
    """Implements `Sender` and `Maker`."""

    def __init__(self) -> None:
        self.topics: dict[str, TopicSettings | None] = {}
        self.sent: list[tuple[Message, bytes | None]] = []
        """What was not acknowledged yet."""
        self.full = self.away = False
        self._delivered: list[Callable[[Receipt | Fault], None]] = []
        self._offset = 0

    def outbox(self) -> Outbox:
        return Outbox(self, self, again_s=0)

    def send(self, message: Message, value: bytes | None, delivered: Callable[[Receipt | Fault], None]) -> None:
        if self.full:
            raise Full
        self.sent.append((message, value))
        self._delivered.append(delivered)

    def acknowledge(self, fault: str | None = None) -> None:
        """The oldest one that waits."""
        message, _ = self.sent.pop(0)
        delivered = self._delivered.pop(0)
        if fault is not None:
            delivered(Fault(fault, f"the broker says {fault}"))
            return
        delivered(Receipt(message.topic, max(message.partition, 0), self._offset))
        self._offset += 1

    def ensure(self, topic: str, made: TopicSettings | None) -> Refused | None:
        if self.away:
            raise Unavailable("the broker is away")
        if topic not in self.topics:
            if made is None:
                return unknown(topic)
            self.topics[topic] = made
        return None

    async def close(self) -> None:
        """Nothing runs here."""
