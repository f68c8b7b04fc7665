"""Messages on their way to the broker: in the order they were given, for as long as it takes.

    send ─► lane of the topic ─► is there such a topic? else it is made ─► sender ─► acknowledged by all replicas

A broker that is away makes everything wait; only what can never work is refused. What still waits in its lane can be
called back. Belongs to one event loop.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeAlias

from sfc.errors import InvalidRequest, Overloaded, Unavailable
from sfc.kafka.formats import NotInFormat
from sfc.kafka.settings import TopicSettings
from sfc.limits import KAFKA_UNACKNOWLEDGED, KAFKA_WAITING_MESSAGES

log = logging.getLogger(__name__)
Headers: TypeAlias = tuple[tuple[str, bytes | None], ...]

_AGAIN_S: Final = 0.5
"""Until what failed for the moment is tried again."""


class Message(NamedTuple):
    topic: str
    value: bytes | Callable[[], bytes] | None
    """A function is called in a thread: it may have to fetch a schema. Raises NotInFormat, InvalidRequest,
    Unavailable."""
    key: bytes | None = None
    headers: Headers = ()
    partition: int = -1
    """-1: chosen by the key."""
    made: TopicSettings | None = None
    """Of the topic, if it must be made; None: it must be there."""


class Receipt(NamedTuple):
    """All replicas have it."""

    topic: str
    partition: int
    offset: int


class Refused(NamedTuple):
    """It can never be sent."""

    error: str
    cause: str


Done: TypeAlias = Callable[[Receipt | Refused], None]


class Fault(NamedTuple):
    """What the client library says of a message that was not delivered."""

    name: str
    """`MSG_SIZE_TOO_LARGE`."""
    text: str


class Full(Exception):
    """The sender takes no more just now."""


class Sender(Protocol):
    """Hands messages to the broker. `delivered` is called on the event loop, later."""

    def send(self, message: Message, value: bytes | None, delivered: Callable[[Receipt | Fault], None]) -> None:
        """Raises Full."""
        ...

    async def close(self) -> None: ...


class Maker(Protocol):
    def ensure(self, topic: str, made: TopicSettings | None) -> Refused | None:
        """Blocks. None: the topic is there. Raises Unavailable."""
        ...


@dataclass(slots=True, eq=False)
class Sending:
    """A message that was given; `cancel` calls it back if it has not left yet."""

    message: Message
    done: Done
    outbox: "Outbox"
    tries: int = 0
    over: bool = False

    def cancel(self) -> None:
        self.outbox.end(self)


@dataclass(slots=True)
class _Lane:
    queue: deque[Sending] = field(default_factory=deque)
    work: asyncio.Task[None] | None = None
    known: bool = False
    """The topic is there."""


_ERRORS: Final = {
    "MSG_SIZE_TOO_LARGE": "Kafka.MessageTooLarge",
    "_MSG_SIZE_TOO_LARGE": "Kafka.MessageTooLarge",
    "RECORD_LIST_TOO_LARGE": "Kafka.MessageTooLarge",
    "TOPIC_AUTHORIZATION_FAILED": "Kafka.NotAuthorized",
    "CLUSTER_AUTHORIZATION_FAILED": "Kafka.NotAuthorized",
    "_UNKNOWN_PARTITION": "Kafka.UnknownPartition",
    "_INVALID_ARG": "Kafka.InvalidMessage",
    "INVALID_RECORD": "Kafka.InvalidMessage",
    "INVALID_TOPIC_EXCEPTION": "Kafka.InvalidMessage",
    "POLICY_VIOLATION": "Kafka.InvalidMessage",
}
"""Faults that stay; all others pass, or the message is tried again until they do."""
_UNKNOWN_TOPIC: Final = ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_ID")


def refusal(fault: Fault) -> Refused | None:
    """None: it may pass."""
    error = _ERRORS.get(fault.name)
    return None if error is None else Refused(error, fault.text)


class Outbox:
    def __init__(self, sender: Sender, maker: Maker, again_s: float = _AGAIN_S) -> None:
        self._sender = sender
        self._maker = maker
        self._again_s = again_s
        self._lanes: dict[str, _Lane] = {}
        self._waiting = self._under_way = 0
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False

    @property
    def waiting(self) -> int:
        """Messages of which nobody was told yet what became of them."""
        return self._waiting

    def admit(self) -> None:
        """Raises Overloaded while too many messages wait."""
        if self.waiting >= KAFKA_WAITING_MESSAGES:
            raise Overloaded(f"{self.waiting:,} messages wait for Kafka", retry_after_s=5)

    def send(self, message: Message, done: Done) -> Sending:
        """Have it sent; `done` is told what became of it, unless it was called back or this closes before."""
        sending = Sending(message, done, self)
        self._waiting += 1
        self._put(sending)
        return sending

    async def close(self) -> None:
        """Send nothing more; what is under way to the broker is given a moment."""
        self._closing = True
        works = [lane.work for lane in self._lanes.values() if lane.work is not None]
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        await self._sender.close()

    def _put(self, sending: Sending) -> None:
        lane = self._lanes.setdefault(sending.message.topic, _Lane())
        lane.queue.append(sending)
        if lane.work is None and not self._closing:
            lane.work = asyncio.get_running_loop().create_task(self._drain(lane, sending.message.topic))

    async def _drain(self, lane: _Lane, topic: str) -> None:
        try:
            while lane.queue:
                await self._room.wait()
                sending = lane.queue[0]
                if sending.over or await self._leave(lane, sending):
                    lane.queue.popleft()
        finally:
            lane.work = None
            if not lane.queue and not lane.known:
                self._lanes.pop(topic, None)

    async def _leave(self, lane: _Lane, sending: Sending) -> bool:
        """Whether it is out of the lane: sent, or refused."""
        message = sending.message
        try:
            if not lane.known:
                refused = await asyncio.to_thread(self._maker.ensure, message.topic, message.made)
                if refused is not None:
                    self._tell(sending, refused)
                    return True
                lane.known = True
            value = message.value
            if callable(value):
                value = await asyncio.to_thread(value)
            if not sending.over:
                self._sender.send(message, value, lambda outcome: self._delivered(sending, outcome))
                self._count(1)
        except (NotInFormat, InvalidRequest) as error:
            self._tell(sending, Refused("Kafka.InvalidMessage", str(error)))
        except (Full, Unavailable):
            await asyncio.sleep(self._again_s)
            return False
        except Exception as error:  # a message that shows a bug must not stop those behind it for ever
            log.exception("a message for %s cannot be sent because of a bug of SFC", message.topic)
            self._tell(sending, Refused("Kafka.InvalidMessage", f"a bug of SFC: {error!r}"))
        return True

    def _delivered(self, sending: Sending, outcome: Receipt | Fault) -> None:
        if isinstance(outcome, Receipt):
            self._count(-1)
            self._tell(sending, outcome)
            return
        if outcome.name in _UNKNOWN_TOPIC:
            # It was there, and was deleted since. Making it again is worth one try.
            self._lanes.setdefault(sending.message.topic, _Lane()).known = False
            sending.tries += 1
            refused = None if sending.tries < 2 else unknown(sending.message.topic)
        else:
            refused = refusal(outcome)
        if refused is None:
            asyncio.get_running_loop().call_later(self._again_s, self._again, sending)
        else:
            self._count(-1)
            self._tell(sending, refused)

    def _again(self, sending: Sending) -> None:
        self._count(-1)
        if not sending.over:
            self._put(sending)

    def end(self, sending: Sending) -> bool:
        """Nobody is told of it any more; False when that was so before."""
        if sending.over:
            return False
        sending.over = True
        self._waiting -= 1
        return True

    def _tell(self, sending: Sending, outcome: Receipt | Refused) -> None:
        if self.end(sending):
            sending.done(outcome)

    def _count(self, change: int) -> None:
        self._under_way += change
        if self._under_way < KAFKA_UNACKNOWLEDGED:
            self._room.set()
        else:
            self._room.clear()


def unknown(topic: str) -> Refused:
    return Refused("Kafka.UnknownTopic", f"There is no topic {topic!r}")
