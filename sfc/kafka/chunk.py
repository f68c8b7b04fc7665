"""What a reader makes of the records of one partition: decisions, in order, about a range of offsets.

A reader works away from the engine and may be anything: late, twice there, or dead and started anew. So a chunk says
from where it was read, and the engine takes it only when that is where the feed stands.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias


class Start(NamedTuple):
    """Start an execution."""

    first: int
    """Offset of the record, or of the first record of a batch."""
    input: bytes
    """JSON within the limits of an execution's input."""
    name: str | None
    """What stands for the event: the same name starts no second one. None: the record itself stands for it."""
    fallback: str
    """The name where there is none; unique to the record."""
    records: int = 1


class Answer(NamedTuple):
    """A task that waits has its answer, or shows that it is alive."""

    first: int
    token: str | None
    """A task token; or"""
    key: str | None
    """the idempotency key of the job: `execution:task:attempt`."""
    output: bytes | None = None
    """JSON: it succeeded."""
    error: str | None = None
    """It failed."""
    cause: str | None = None
    heartbeat: bool = False


class Control(NamedTuple):
    """A control message; what it asks for takes effect at its place among the records."""

    first: int
    body: bytes
    record: bytes


class Dead(NamedTuple):
    """The record is of no use; it goes to the dead letters."""

    first: int
    reason: str
    detail: str
    record: bytes
    """As `sfc.kafka.record` writes it; empty: a note about records that are lost."""


Decision: TypeAlias = Start | Answer | Control | Dead


class Chunk(NamedTuple):
    """Everything about the offsets from `first` on, below `next`. What is not mentioned was left out by a filter, or is
    no record."""

    feed: str
    topic: str
    topic_id: str
    partition: int
    first: int
    next: int
    """May be below `first`: the topic has lost its end, and goes on there."""
    decisions: Sequence[Decision]
    """By `first`."""
    records: int
    """How many were read."""
    end: int
    """The partition's end when this was read: how many records wait behind it."""

    @property
    def used(self) -> int:
        """How many of the records something is decided about; the others were left out."""
        return sum(decision.records if type(decision) is Start else 1 for decision in self.decisions)

    def rest(self, position: int) -> "Chunk":
        """What is left of it from this offset on."""
        left = [decision for decision in self.decisions if decision.first >= position]
        return self._replace(first=position, decisions=left, records=min(self.records, self.next - position))

    def upto(self, position: int) -> "Chunk":
        """What of it is before this offset."""
        before = [decision for decision in self.decisions if decision.first < position]
        return self._replace(next=position, decisions=before, records=min(self.records, position - self.first))
