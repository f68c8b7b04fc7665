"""What a feed reads, and what it needs of others to do so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sfc.engine.intake import Obey, Taken
from sfc.kafka.chunk import Chunk
from sfc.kafka.program import Program
from sfc.kafka.reader import Plan, Reading
from sfc.kafka.settings import KafkaSettings
from sfc.kafka.topics import Topic
from sfc.triggers.kafka import Batch


@dataclass(frozen=True, kw_only=True)
class Source:
    """Compared by value: another source is another feed at work, which goes on where the positions stand."""

    feed: str
    """For ever the same: positions are kept under it."""
    name: str
    """For people."""
    topic: str
    group: str
    kafka: KafkaSettings
    program: Callable[[Topic], Program] = field(compare=False)
    about: object = None
    """What the program is made of: when it changes, so does the source."""
    begin: Literal["earliest", "latest"] = "earliest"
    blueprint: str = ""
    """What `Start`s start."""
    batch: Batch | None = None
    rate: float | None = None
    """Starts a second at most."""
    idempotent: bool = False
    """To use a record twice does no harm."""
    obey: Obey | None = field(default=None, compare=False)


@dataclass(slots=True)
class FeedFigures:
    """Since the server began."""

    records: int = 0
    started: int = 0
    repeated: int = 0
    answers: int = 0
    strays: int = 0
    dead: int = 0
    left_out: int = 0
    last_at: int | None = None
    """When a record was used last, UTC ms."""

    def count(self, chunk: Chunk, taken: Taken, now: int) -> None:
        if taken.next != chunk.first:
            self.records += min(chunk.records, abs(taken.next - chunk.first))
            self.last_at = now
        if taken.held is None:
            self.left_out += max(chunk.records - chunk.used, 0)
        self.started += taken.starts
        self.repeated += taken.duplicates
        self.answers += taken.answers
        self.strays += taken.strays
        self.dead += taken.dead


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """How a feed fares."""

    name: str
    """Of the trigger, or of the feed itself."""
    topic: str
    figures: FeedFigures
    lag: int
    """Records that wait in the partitions that were read."""
    trouble: bool


class ReaderLost(Exception):
    """The reader is gone; another one takes its place."""


class ReaderClient(Protocol):
    """A reader, wherever it runs."""

    async def take(self, plan: Plan, lane: int, positions: Mapping[int, int], wait_s: float) -> Reading:
        """See `sfc.kafka.reader`. Raises ReaderLost."""
        ...


class ReaderPool(Protocol):
    """Who reads which partitions. On the engine's loop."""

    def groups(self, feed: str, partitions: Sequence[int]) -> list[list[int]]:
        """Partitions that one reader reads together."""
        ...

    def client(self, feed: str, lane: int) -> ReaderClient:
        """The reader of a feed's group of this number; one that lives, if the last one was lost."""
        ...

    async def drop(self, feed: str) -> None:
        """The feed is not read any more."""
        ...

    async def close(self) -> None: ...


class TopicsClient(Protocol):
    """`sfc.kafka.topics.Topics`, beside the loop. Raises as that does."""

    async def look(self, name: str) -> Topic: ...

    async def offsets(
        self, topic: str, partitions: Sequence[int], where: Literal["earliest", "latest"]
    ) -> dict[int, int]: ...
