"""Size and membership of a pool."""

import pytest

from actors.policy import PoolLimits, PoolLoad, desired_size
from actors.pool import Pool


@pytest.mark.parametrize(
    ("in_flight", "queued", "want"), [(0, 0, 1), (100, 0, 1), (100, 1, 2), (150, 250, 4), (10_000, 0, 8)]
)
def test_a_pool_follows_its_load_within_its_limits(in_flight: int, queued: int, want: int) -> None:
    limits = PoolLimits(min_size=1, max_size=8, target_in_flight=100)
    assert desired_size(PoolLoad(in_flight=in_flight, queued=queued), limits) == want


def test_members_that_drain_take_no_jobs_and_are_replaced() -> None:
    pool: Pool[int] = Pool(first_version=7)
    for number, name in enumerate("abc"):
        pool.join(name, number)
    version = pool.version
    pool.drain("a")
    pool.drain("a")
    assert pool.version == version + 1
    assert pool.open() == {"b": 1, "c": 2}
    assert pool.members() == {"a": 0, "b": 1, "c": 2}
    assert (pool.missing(3), pool.surplus(1)) == (1, ["c"])
    pool.leave("a")
    pool.leave("a")
    assert (pool.draining(), pool.version) == (set(), version + 2)
