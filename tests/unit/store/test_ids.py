from hypothesis import given
from hypothesis import strategies as st

from sfc.store.ids import EPOCH_MS, Ids, first_id, shard_of


@given(st.lists(st.integers(EPOCH_MS, EPOCH_MS + (1 << 40)), min_size=2), st.integers(0, 63))
def test_ids_rise_and_keep_their_shard_whatever_the_clock_does(times: list[int], shard: int) -> None:
    ids = Ids(shard)
    given_ids = [ids.next(now) for now in times]
    assert given_ids == sorted(set(given_ids))
    assert {shard_of(execution) for execution in given_ids} == {shard}
    assert given_ids[0] >= first_id(shard)


def test_more_ids_than_a_millisecond_holds_borrow_the_next_one() -> None:
    ids = Ids(5)
    given_ids = [ids.next(EPOCH_MS) for _ in range(70_000)]
    assert len(set(given_ids)) == 70_000
    assert {shard_of(execution) for execution in given_ids} == {5}


def test_ids_go_on_above_the_last_one_of_a_clock_that_was_ahead() -> None:
    ahead = Ids(3).next(EPOCH_MS + 1_000_000)
    assert Ids(3, ahead).next(EPOCH_MS) == ahead + 1
