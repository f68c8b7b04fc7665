"""How far topics were read, and what could not be used: what every store promises of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfc.errors import Superseded
from sfc.store.feeds import DeadLetter, Move, Place, Position
from sfc.store.journal import Kept, NewExecution, Store
from sfc.store.memory import MemoryStore
from sfc.store.sqlite import SqliteStore
from tests.contract.stores import NOW, Writer

PLACE = Place("7", "mQ", 0)
OTHER = Place("7", "mQ", 1)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "sfc.db")
    yield made
    made.close()


@pytest.fixture
def writer(store: Store) -> Writer:
    lease = store.acquire(0, "a")
    assert lease is not None
    return Writer(lease)


def letter(offset: int, feed: str = "7", at: int = NOW) -> DeadLetter:
    return DeadLetter(feed, "orders", "mQ", 0, offset, at, "NotJson", "no JSON", b"\x00raw")


def write(store: Store, writer: Writer, kept: Kept, *new: NewExecution) -> None:
    batch = writer.batch(list(new))
    batch.parts[0].kept = kept
    assert store.commit(batch).written
    writer.wrote(batch)


def test_a_position_begins_goes_on_and_ends(store: Store, writer: Writer) -> None:
    write(store, writer, Kept(moves=[Move(PLACE, None, 5), Move(OTHER, None, 0)]))
    assert sorted(store.positions()) == [Position(PLACE, 5), Position(OTHER, 0)]
    write(store, writer, Kept(moves=[Move(PLACE, 5, 9)]))
    write(store, writer, Kept(moves=[Move(OTHER, 0, None)]))
    assert store.positions() == [Position(PLACE, 9)]
    write(store, writer, Kept(moves=[Move(PLACE, 9, 2)]))  # the topic lost its end
    assert store.positions() == [Position(PLACE, 2)]


@pytest.mark.parametrize(
    "move",
    [Move(PLACE, 4, 9), Move(PLACE, None, 0), Move(PLACE, 6, None), Move(OTHER, 3, 4), Move(OTHER, 3, None)],
)
def test_nothing_is_written_beside_a_move_from_elsewhere(store: Store, writer: Writer, move: Move) -> None:
    write(store, writer, Kept(moves=[Move(PLACE, None, 5)]))
    new = writer.new("n")
    batch = writer.batch([new])
    batch.parts[0].kept = Kept(moves=[move], dead_letters=[letter(5)])
    with pytest.raises(Superseded):
        store.commit(batch)
    assert store.get(new.id) is None
    assert store.journal(new.id) == []
    assert store.positions() == [Position(PLACE, 5)]
    assert store.dead_letters(None, None, 10) == []
    batch.parts[0].kept = None
    assert store.commit(batch).written  # the shard stands where it stood


def test_dead_letters_are_listed_newest_first_and_by_feed(store: Store, writer: Writer) -> None:
    write(store, writer, Kept(dead_letters=[letter(1), letter(2, feed="8"), letter(3)]))
    third, second, first = store.dead_letters(None, None, 10)
    assert [kept.letter for kept in (first, second, third)] == [letter(1), letter(2, feed="8"), letter(3)]
    assert store.dead_letters("7", None, 10) == [third, first]
    assert store.dead_letters(None, third.id, 1) == [second]
    assert store.dead_letter(second.id) == second
    assert store.dead_letter(third.id + 1) is None
    assert store.count_dead_letters() == {"7": 2, "8": 1}


def test_what_was_published_is_marked(store: Store, writer: Writer) -> None:
    write(store, writer, Kept(dead_letters=[letter(1), letter(2)]))
    first, second = store.unpublished(0, 10)
    assert store.unpublished(first.id, 10) == [second]
    write(store, writer, Kept(published=[(first.id, NOW + 1), (999, NOW)]))
    assert store.unpublished(0, 10) == [second]
    assert store.dead_letter(first.id) == first._replace(published_at=NOW + 1)


def test_a_dead_letter_is_buried_once(store: Store, writer: Writer) -> None:
    write(store, writer, Kept(dead_letters=[letter(1)]))
    (kept,) = store.unpublished(0, 10)
    write(store, writer, Kept(buried=[kept.id]))
    new = writer.new("n")
    batch = writer.batch([new])
    batch.parts[0].kept = Kept(buried=[kept.id])
    with pytest.raises(Superseded):
        store.commit(batch)
    assert store.get(new.id) is None
    write(store, writer, Kept(dead_letters=[letter(1)]))
    assert store.unpublished(0, 10)[0].id > kept.id  # no number is given twice


def test_only_published_dead_letters_are_pruned_the_oldest_first(store: Store, writer: Writer) -> None:
    write(store, writer, Kept(dead_letters=[letter(offset, at=NOW + offset) for offset in range(6)]))
    ids = [kept.id for kept in store.unpublished(0, 10)]
    write(store, writer, Kept(published=[(id, NOW) for id in ids[1:5]]))
    assert store.prune_dead_letters(keep=100, since=NOW + 2) == 1
    assert store.prune_dead_letters(keep=3, since=0) == 2
    assert [kept.id for kept in store.dead_letters(None, None, 10)] == [ids[5], ids[4], ids[0]]
    assert store.prune_dead_letters(keep=0, since=0) == 1
    assert [kept.id for kept in store.dead_letters(None, None, 10)] == [ids[5], ids[0]]
