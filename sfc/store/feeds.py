"""What is kept of topics that are read: how far, and what could not be used.

A *feed* is one reader of a topic: a trigger (by its id) or one of the installation's own topics. Its positions change
only in the batch that holds what was made of the records, so that each record is used exactly once, whatever dies.
"""

from typing import NamedTuple, Protocol


class Place(NamedTuple):
    """One partition as one feed reads it."""

    feed: str
    topic_id: str
    """Kafka's own id of the topic: one that was deleted and made again has another."""
    partition: int


class Move(NamedTuple):
    """A position goes on, from what it must be now. None: there is none (any more)."""

    place: Place
    first: int | None
    next: int | None
    """The offset of the next record to be read."""


class Position(NamedTuple):
    place: Place
    next: int


class DeadLetter(NamedTuple):
    """A record that a feed could not use, or a note about records that are lost."""

    feed: str
    topic: str
    topic_id: str
    partition: int
    offset: int
    at: int
    """UTC ms."""
    reason: str
    """A code; `detail` says it in a sentence."""
    detail: str
    record: bytes
    """The record as it came (`sfc.kafka.record`); empty: there is none."""


class KeptLetter(NamedTuple):
    """A dead letter as the store has it."""

    id: int
    """Above those of all that came before; none is given twice."""
    published_at: int | None
    """When the broker had it on the topic of dead letters, UTC ms; None: not yet."""
    letter: DeadLetter


class FeedStore(Protocol):
    """The part of a store that reads these. Raises Unavailable."""

    def positions(self) -> list[Position]:
        """Of all feeds."""
        ...

    def dead_letter(self, id: int) -> KeptLetter | None: ...

    def dead_letters(self, feed: str | None, before: int | None, limit: int) -> list[KeptLetter]:
        """Newest first, ids below `before`; of one feed, or of all."""
        ...

    def unpublished(self, after: int, limit: int) -> list[KeptLetter]:
        """Those not published yet, oldest first, ids above `after`."""
        ...

    def count_dead_letters(self) -> dict[str, int]:
        """By feed."""
        ...

    def prune_dead_letters(self, keep: int, since: int) -> int:
        """Delete published ones that are older than `since` (UTC ms), and the oldest published ones as long as there
        are more than `keep`; returns how many."""
        ...
