"""Size and membership of a pool."""

from actors.pool import Pool


def test_members_that_drain_take_no_jobs_and_are_replaced() -> None:
    pool: Pool[int] = Pool()
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
    assert (pool.draining(), pool.version) == ({}, version + 2)


def test_members_of_an_older_make_stay_until_enough_new_ones_are_up() -> None:
    pool: Pool[int] = Pool()
    pool.join("old-1", 1, "old", 0.0)
    pool.join("old-2", 2, "old", 0.0)
    for name in ("old-1", "old-2"):
        pool.came_up(name)
    assert pool.missing(2, "new") == 2
    pool.join("new-1", 3, "new", 10.0)
    pool.join("new-2", 4, "new", 10.0)
    assert pool.surplus(2, "new", late=9.0) == []
    pool.came_up("new-1")
    assert pool.surplus(2, "new", late=9.0) == ["old-2"]
    assert pool.surplus(2, "new", late=11.0) == ["old-1", "old-2"]  # the new ones wait for the room of the old


def test_members_that_are_still_starting_are_the_first_to_go() -> None:
    pool: Pool[int] = Pool()
    for name in ("starting", "up-1", "up-2"):
        pool.join(name, 0)
    pool.came_up("up-1")
    pool.came_up("up-2")
    assert pool.surplus(2) == ["starting"]
    assert pool.surplus(1) == ["up-2", "starting"]
