"""Positions and dead letters of the embedded store."""

from sqlite3 import Connection
from typing import Any, Final

from sfc.errors import Superseded
from sfc.store.feeds import DeadLetter, KeptLetter, Move, Place, Position
from sfc.store.journal import Kept

# A position changes only from what it was when the records behind it were read.
_ADD_POSITION: Final = "INSERT OR IGNORE INTO positions (next, feed, topic_id, partition) VALUES (?, ?, ?, ?)"
_MOVE: Final = "UPDATE positions SET next = ? WHERE feed = ? AND topic_id = ? AND partition = ? AND next = ?"
_END_POSITION: Final = "DELETE FROM positions WHERE feed = ? AND topic_id = ? AND partition = ? AND next = ?"
_POSITIONS: Final = "SELECT feed, topic_id, partition, next FROM positions"

_ADD_LETTER: Final = (
    "INSERT INTO dead_letters (feed, topic, topic_id, partition, offset, at, reason, detail, record)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUBLISHED: Final = "UPDATE dead_letters SET published_at = ? WHERE id = ?"
_BURY: Final = "DELETE FROM dead_letters WHERE id = ?"
_LETTER: Final = (
    "SELECT id, published_at, feed, topic, topic_id, partition, offset, at, reason, detail, record FROM dead_letters "
)
_ONE: Final = _LETTER + "WHERE id = ?"
_PAGE: Final = _LETTER + "WHERE id < ? ORDER BY id DESC LIMIT ?"
_PAGE_OF_FEED: Final = _LETTER + "WHERE feed = ? AND id < ? ORDER BY id DESC LIMIT ?"
_UNPUBLISHED: Final = _LETTER + "WHERE published_at IS NULL AND id > ? ORDER BY id LIMIT ?"
_COUNT: Final = "SELECT feed, count(*) FROM dead_letters GROUP BY feed"
_PRUNE_OLD: Final = "DELETE FROM dead_letters WHERE published_at IS NOT NULL AND at < ?"
# As many of the oldest as there are too many.
_PRUNE_MANY: Final = (
    "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE published_at IS NOT NULL ORDER BY id"
    " LIMIT max(0, (SELECT count(*) FROM dead_letters) - ?))"
)
_ABOVE_ALL: Final = (1 << 63) - 1


class SqliteFeeds:
    """Implements `FeedStore`, with the reading and writing of the store that it is part of."""

    def positions(self) -> list[Position]:
        return [Position(Place(*place), next) for *place, next in self._read(_POSITIONS)]

    def dead_letter(self, id: int) -> KeptLetter | None:
        rows = self._read(_ONE, id)
        return _kept(rows[0]) if rows else None

    def dead_letters(self, feed: str | None, before: int | None, limit: int) -> list[KeptLetter]:
        below = _ABOVE_ALL if before is None else before
        rows = self._read(_PAGE, below, limit) if feed is None else self._read(_PAGE_OF_FEED, feed, below, limit)
        return [_kept(row) for row in rows]

    def unpublished(self, after: int, limit: int) -> list[KeptLetter]:
        return [_kept(row) for row in self._read(_UNPUBLISHED, after, limit)]

    def count_dead_letters(self) -> dict[str, int]:
        return dict(self._read(_COUNT))

    def _read(self, text: str, *values: object) -> list[Any]:
        raise NotImplementedError


def write_feeds(writer: Connection, kept: Kept) -> None:
    """Raises Superseded when anything that these changes rely on is different: nothing may be written then."""
    for move in kept.moves:
        if not _moved(writer, move):
            raise Superseded(
                f"partition {move.place.partition} of feed {move.place.feed} is not read at {move.first} any more"
            )
    if kept.dead_letters:
        writer.executemany(_ADD_LETTER, kept.dead_letters)
    if kept.published:
        writer.executemany(_PUBLISHED, [(at, id) for id, at in kept.published])
    for id in kept.buried:
        if not writer.execute(_BURY, (id,)).rowcount:
            raise Superseded(f"the dead letter {id} is gone")


def prune(writer: Connection, keep: int, since: int) -> int:
    """See `FeedStore.prune_dead_letters`."""
    old = writer.execute(_PRUNE_OLD, (since,)).rowcount
    return old + writer.execute(_PRUNE_MANY, (keep,)).rowcount


def _moved(writer: Connection, move: Move) -> bool:
    if move.first is None:
        return writer.execute(_ADD_POSITION, (move.next, *move.place)).rowcount == 1
    if move.next is None:
        return writer.execute(_END_POSITION, (*move.place, move.first)).rowcount == 1
    return writer.execute(_MOVE, (move.next, *move.place, move.first)).rowcount == 1


def _kept(row: tuple[Any, ...]) -> KeptLetter:
    return KeptLetter(row[0], row[1], DeadLetter(*row[2:]))
