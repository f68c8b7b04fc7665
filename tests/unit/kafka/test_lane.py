"""Records on their way into chunks: nothing is between two chunks, and no position points into a batch."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.errors import Unavailable
from sfc.kafka.chunk import Chunk, Control, Dead, Decision, Start
from sfc.kafka.lane import Lane
from sfc.kafka.record import Record
from sfc.limits import KAFKA_CHUNK_RECORDS, PAYLOAD_BYTES
from sfc.triggers.kafka import Batch

TOPIC = ("7", "orders", "mQ")


def record(offset: int, value: bytes = b"1") -> Record:
    return Record("orders", 0, offset, 0, None, value, ())


def decide(record: Record) -> Decision | None:
    """`x` is dead, `-` left out, `!` a control message, `?` cannot be told, `bug` raises; all else starts."""
    match record.value:
        case b"x":
            return Dead(record.offset, "R", "", b"")
        case b"-":
            return None
        case b"!":
            return Control(record.offset, b"", b"")
        case b"?":
            raise Unavailable("no registry")
        case b"bug":
            raise KeyError("bug")
    return Start(record.offset, record.value or b"", None, f"f{record.offset}")


def lane(position: int = 0, batch: Batch | None = None) -> Lane:
    return Lane(decide, 0, position, batch)


def feed(made: Lane, *values: bytes, at: int = 0, now_s: float = 0.0) -> Lane:
    for index, value in enumerate(values):
        made.add(record(at + index, value), now_s)
    return made


def cut(made: Lane, now_s: float = 0.0) -> Chunk | None:
    return made.cut(now_s, TOPIC, 99)


def parts(chunk: Chunk | None) -> tuple[int, int, list[Any]]:
    assert chunk is not None
    return chunk.first, chunk.next, [(type(each).__name__, each.first) for each in chunk.decisions]


def test_a_chunk_covers_what_came_since_the_last_one() -> None:
    made = feed(lane(5), b"1", b"x", b"-", at=5)
    assert parts(cut(made)) == (5, 8, [("Start", 5), ("Dead", 6)])
    assert cut(made) is None
    feed(made, b"1", at=20)  # between were records of a transaction that was aborted
    assert parts(cut(made)) == (8, 21, [("Start", 20)])


def test_records_that_are_left_out_move_the_position() -> None:
    assert parts(cut(feed(lane(), b"-", b"-"))) == (0, 2, [])


def test_a_bug_costs_one_record() -> None:
    chunk = cut(feed(lane(), b"bug", b"1"))
    assert parts(chunk) == (0, 2, [("Dead", 0), ("Start", 1)])


def test_what_cannot_be_told_comes_again() -> None:
    made = feed(lane(), b"1")
    with pytest.raises(Unavailable):
        feed(made, b"?", at=1)
    assert parts(cut(made)) == (0, 1, [("Start", 0)])
    feed(made, b"1", at=1)
    assert parts(cut(made)) == (1, 2, [("Start", 1)])


def test_it_says_when_it_is_full() -> None:
    made = feed(lane(), *[b"1"] * (KAFKA_CHUNK_RECORDS - 1))
    assert not made.is_full
    assert feed(made, b"1", at=KAFKA_CHUNK_RECORDS - 1).is_full
    assert feed(lane(), b"1" * 300_000).is_full


def test_a_loss_is_noted_at_its_place() -> None:
    made = feed(lane(), b"1")
    made.lose(Dead(1, "RecordsLost", "", b""), 50)
    feed(made, b"1", at=50)
    assert parts(cut(made)) == (0, 51, [("Start", 0), ("Dead", 1), ("Start", 50)])


class TestBatches:
    BATCH = Batch(size=3, seconds=5)

    def test_a_full_batch_is_one_start(self) -> None:
        chunk = cut(feed(lane(batch=self.BATCH), b"1", b"-", b"2", b"3"))
        assert chunk is not None
        assert chunk.decisions == [Start(0, b"[1,2,3]", None, "f0", 3)]
        assert chunk.next == 4

    def test_a_batch_that_is_not_full_waits_and_what_was_before_it_does_not(self) -> None:
        made = feed(lane(batch=self.BATCH), b"x", b"-", b"1", b"2")
        assert parts(cut(made)) == (0, 2, [("Dead", 0)])
        assert cut(made) is None
        assert parts(cut(made, now_s=5.0)) == (2, 4, [("Start", 2)])

    def test_its_time_begins_with_its_first_record(self) -> None:
        made = feed(lane(batch=self.BATCH), b"1", now_s=10.0)
        assert made.due_s == 15.0
        feed(made, b"2", at=1, now_s=14.0)
        assert made.due_s == 15.0
        assert cut(made, now_s=14.9) is None
        assert parts(cut(made, now_s=15.0)) == (0, 2, [("Start", 0)])
        assert made.due_s is None

    def test_dead_letters_within_a_batch_leave_with_it(self) -> None:
        made = feed(lane(batch=self.BATCH), b"1", b"x", b"2")
        assert cut(made) is None
        chunk = cut(feed(made, b"3", at=3))
        assert parts(chunk) == (0, 4, [("Start", 0), ("Dead", 1)])

    def test_a_control_message_ends_the_batch_before_it(self) -> None:
        chunk = cut(feed(lane(batch=self.BATCH), b"1", b"!", b"2"))
        assert parts(chunk) == (0, 2, [("Start", 0), ("Control", 1)])

    def test_a_batch_is_no_larger_than_an_input(self) -> None:
        half = b"1" * (PAYLOAD_BYTES // 2 - 1)
        made = feed(lane(batch=self.BATCH), half, half, b"2")
        chunk = cut(made)
        assert chunk is not None
        (start,) = chunk.decisions
        assert isinstance(start, Start)
        assert len(start.input) <= PAYLOAD_BYTES
        too_large = cut(feed(lane(batch=self.BATCH), b"1" * (PAYLOAD_BYTES - 1)))
        assert parts(too_large) == (0, 1, [("Dead", 0)])

    @given(
        values=st.lists(st.sampled_from([b"1", b"x", b"-", b"!"]), max_size=40),
        size=st.integers(1, 5),
        cuts=st.sets(st.integers(0, 40)),
    )
    def test_every_record_is_in_exactly_one_chunk(self, values: list[bytes], size: int, cuts: set[int]) -> None:
        made, chunks = lane(batch=Batch(size=size, seconds=1)), []
        for offset, value in enumerate(values):
            feed(made, value, at=offset)
            if offset in cuts and (chunk := cut(made)) is not None:
                chunks.append(chunk)
        if (last := cut(made, now_s=9.0)) is not None:
            chunks.append(last)
        assert [0, *[chunk.next for chunk in chunks]] == [*[chunk.first for chunk in chunks], len(values)]
        starts = [each for chunk in chunks for each in chunk.decisions if isinstance(each, Start)]
        assert sum(start.records for start in starts) == values.count(b"1")
        assert sum(start.input.count(b"1") for start in starts) == values.count(b"1")
        assert all(start.records <= size for start in starts)
        for chunk in chunks:
            firsts = [each.first for each in chunk.decisions]
            assert firsts == sorted(firsts)
            assert all(chunk.first <= first < chunk.next for first in firsts)
