"""Positions and dead letters of the store in memory."""

from collections import Counter
from collections.abc import Iterable
from threading import RLock

from sfc.errors import Superseded
from sfc.store.feeds import KeptLetter, Move, Place, Position
from sfc.store.journal import Kept


class MemoryFeeds:
    """Implements `FeedStore`."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._positions: dict[Place, int] = {}
        self._letters: dict[int, KeptLetter] = {}
        """In the order of their ids."""
        self._last_letter = 0

    def positions(self) -> list[Position]:
        with self._lock:
            return [Position(place, offset) for place, offset in self._positions.items()]

    def dead_letter(self, id: int) -> KeptLetter | None:
        with self._lock:
            return self._letters.get(id)

    def dead_letters(self, feed: str | None, before: int | None, limit: int) -> list[KeptLetter]:
        with self._lock:
            found = [
                kept
                for kept in reversed(self._letters.values())
                if feed in (None, kept.letter.feed) and (before is None or kept.id < before)
            ]
        return found[:limit]

    def unpublished(self, after: int, limit: int) -> list[KeptLetter]:
        with self._lock:
            found = [kept for kept in self._letters.values() if kept.published_at is None and kept.id > after]
        return found[:limit]

    def count_dead_letters(self) -> dict[str, int]:
        with self._lock:
            return dict(Counter(kept.letter.feed for kept in self._letters.values()))

    def prune_dead_letters(self, keep: int, since: int) -> int:
        with self._lock:
            published = [kept for kept in self._letters.values() if kept.published_at is not None]
            most = len(self._letters) - keep
            gone = [kept.id for index, kept in enumerate(published) if index < most or kept.letter.at < since]
            for id in gone:
                del self._letters[id]
            return len(gone)

    def _check_feeds(self, changes: Iterable[Kept]) -> None:
        """Raises Superseded when anything that the changes rely on is different."""
        seen: set[Place] = set()
        buried: set[int] = set()
        for kept in changes:
            for move in kept.moves:
                if move.place in seen or self._positions.get(move.place) != move.first:
                    raise _moved(move)
                seen.add(move.place)
            for id in kept.buried:
                if id in buried or id not in self._letters:
                    raise Superseded(f"the dead letter {id} is gone")
                buried.add(id)

    def _write_feeds(self, kept: Kept) -> None:
        for place, _, next in kept.moves:
            if next is None:
                del self._positions[place]
            else:
                self._positions[place] = next
        for letter in kept.dead_letters:
            self._last_letter += 1
            self._letters[self._last_letter] = KeptLetter(self._last_letter, None, letter)
        for id, at in kept.published:
            if id in self._letters:
                self._letters[id] = self._letters[id]._replace(published_at=at)
        for id in kept.buried:
            del self._letters[id]


def _moved(move: Move) -> Superseded:
    return Superseded(
        f"partition {move.place.partition} of feed {move.place.feed} is not read at {move.first} any more"
    )
