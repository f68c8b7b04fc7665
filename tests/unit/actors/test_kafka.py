"""Which reader actor reads what."""

import pytest

from actors.kafka import ReaderActors


@pytest.mark.parametrize(
    ("partitions", "sizes"), [(0, []), (1, [1]), (8, [8]), (9, [5, 4]), (17, [6, 6, 5]), (1_000, [250] * 4)]
)
def test_groups_are_even_and_as_few_as_need_be(partitions: int, sizes: list[int]) -> None:
    groups = ReaderActors(most=4, partitions=8).groups("1", range(partitions))
    assert [len(group) for group in groups] == sizes
    assert sorted(each for group in groups for each in group) == list(range(partitions))


def test_small_feeds_share_an_actor_and_large_ones_do_not() -> None:
    actors = ReaderActors(most=4, partitions=8)
    for feed, partitions in (("1", 3), ("2", 3), ("3", 8), ("4", 2)):
        actors.groups(feed, range(partitions))
    first, second, third = (actors.client(feed, 0) for feed in ("1", "2", "3"))
    assert first is second
    assert (first.number, third.number) == (0, 1)
    assert actors.client("1", 0) is first


def test_there_are_never_more_actors_than_the_limit() -> None:
    actors = ReaderActors(most=2, partitions=4)
    seats = set()
    for feed in range(20):
        for lane in range(len(actors.groups(str(feed), range(8)))):
            seats.add(actors.client(str(feed), lane).number)
    assert seats == {0, 1}


async def test_a_dropped_feed_makes_room() -> None:
    actors = ReaderActors(most=4, partitions=4)
    actors.groups("1", range(4))
    seat = actors.client("1", 0)
    await actors.drop("1")
    actors.groups("2", range(4))
    assert actors.client("2", 0) is seat
