"""In which order jobs leave that wait for workers."""

from collections.abc import Container, Iterable

from hypothesis import given
from hypothesis import strategies as st

from actors.lanes import Lanes
from actors.roster import NOTHING, Report, Roster
from actors.routing import Routing
from sfc.catalog.pool_policy import COMMON
from sfc.tasks.job import Job

WEIGHTS = {"heavy": 4, "light": 1}


def job(key: str, machine: str, execution: str = "arn") -> Job:
    return Job(key, execution, machine, "State", "task:x", b"1")


def routing(**queue_timeouts: float) -> Routing:
    found = Routing()
    found.roster = Roster(1, {}, frozenset(), WEIGHTS, queue_timeouts)
    return found


def lanes(cancelled: Container[str] = (), own: Iterable[str] = (), **queue_timeouts: float) -> Lanes:
    """`queue_timeouts`: by blueprint, in s."""
    found = routing(**queue_timeouts)
    for machine in own:
        found.dedicate(machine, True)
    return Lanes(found, lambda key: key not in cancelled)


def room(_machine: str) -> int:
    return 1_000


def keys(jobs: list[Job]) -> list[str]:
    return [job.key for job in jobs]


def test_a_lane_of_thousands_does_not_keep_another_waiting() -> None:
    waiting = lanes()
    for n in range(1_000):
        waiting.add(job(f"flood-{n}", "flood"), 0)
    waiting.add(job("one", "small"), 0)
    cut = keys(waiting.cut(COMMON, 10, room, 0))
    assert len(cut) == 10
    assert "one" in cut


def test_lanes_are_served_by_weight() -> None:
    waiting = lanes()
    for n in range(100):
        waiting.add(job(f"heavy-{n}", "heavy"), 0)
        waiting.add(job(f"light-{n}", "light"), 0)
    cut = keys(waiting.cut(COMMON, 50, room, 0))
    assert sum(key.startswith("heavy") for key in cut) == 40


def test_what_was_cut_and_comes_back_is_first_again() -> None:
    waiting = lanes()
    for n in range(5):
        waiting.add(job(str(n), "orders"), 0)
    waiting.put_back(waiting.cut(COMMON, 2, room, 0), 0)
    assert keys(waiting.cut(COMMON, 9, room, 0)) == ["0", "1", "2", "3", "4"]
    assert waiting.all_queued == 0


def test_jobs_stay_in_the_lanes_of_their_pool_and_follow_when_it_changes() -> None:
    found = routing()
    waiting = Lanes(found, lambda _key: True)
    waiting.add(job("1", "orders"), 0)
    waiting.add(job("2", "billing"), 0)
    found.dedicate("orders", True)
    waiting.route()
    assert sorted(waiting.pools()) == [COMMON, "orders"]
    assert keys(waiting.cut("orders", 9, room, 0)) == ["1"]
    assert keys(waiting.cut(COMMON, 9, room, 0)) == ["2"]


def test_a_lane_without_room_on_the_worker_lets_others_pass() -> None:
    waiting = lanes()
    for n in range(10):
        waiting.add(job(f"flood-{n}", "flood"), 0)
        waiting.add(job(f"small-{n}", "small"), 0)
    cut = keys(waiting.cut(COMMON, 9, lambda machine: 2 if machine == "flood" else 100, 0))
    assert sum(key.startswith("flood") for key in cut) == 2
    assert len(cut) == 9
    assert waiting.cut(COMMON, 9, lambda _machine: 0, 0) == []


def test_reports_tell_each_arrival_once_and_each_execution_once() -> None:
    waiting = lanes()
    waiting.add(job("1", "orders", "arn:a"), 0)
    waiting.add(job("2", "orders", "arn:a"), 0)
    waiting.add(job("3", "orders", "arn:b"), 0)
    assert waiting.reports() == {"orders": Report(0, 3, 3, 0, 2)}
    waiting.cut(COMMON, 9, room, 0)
    assert waiting.reports() == {"orders": NOTHING}
    assert waiting.reports() == {}


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=60),
    st.lists(st.integers(1, 20), min_size=60, max_size=60),
)
def test_every_job_leaves_once_in_the_order_of_its_lane(added: list[tuple[str, bool]], cuts: list[int]) -> None:
    cancelled = frozenset(str(n) for n, (_, gone) in enumerate(added) if gone)
    waiting = lanes(cancelled, "d")
    for n, (machine, _) in enumerate(added):
        waiting.add(job(str(n), machine), 0)
    left: list[Job] = []
    for items in cuts:
        for pool in (COMMON, "d"):
            left += waiting.cut(pool, items, room, 0)
    assert sorted(int(one.key) for one in left) == [n for n, (_, gone) in enumerate(added) if not gone]
    for machine in "abcd":
        order = [int(one.key) for one in left if one.machine == machine]
        assert order == sorted(order)
    assert waiting.all_queued == 0


def test_a_job_that_waits_longer_than_it_may_leaves_once_and_is_counted() -> None:
    waiting = lanes(orders=10)
    waiting.add(job("1", "orders"), 0)
    waiting.add(job("2", "orders"), 5)
    waiting.add(job("3", "billing"), 0)
    assert waiting.overdue(10) == []
    assert keys(waiting.overdue(11)) == ["1"]
    assert waiting.overdue(12) == []
    assert waiting.reports()["orders"].expired == 1
    assert waiting.reports()["orders"].expired == 0
    assert keys(waiting.cut(COMMON, 9, room, 12)) == ["2", "3"]


def test_a_lane_whose_last_job_expired_is_served_again_when_another_comes() -> None:
    waiting = lanes(orders=10)
    waiting.add(job("1", "orders"), 0)
    assert keys(waiting.overdue(11)) == ["1"]
    assert waiting.pools() == []
    waiting.add(job("2", "orders"), 11)
    assert waiting.overdue(21) == []
    assert keys(waiting.cut(COMMON, 9, room, 21)) == ["2"]


def test_a_worker_is_told_how_long_its_job_may_still_wait() -> None:
    waiting = lanes(orders=10)
    waiting.add(job("1", "orders"), 0)
    waiting.add(job("2", "billing"), 0)
    assert [one.queue_s for one in waiting.cut(COMMON, 9, room, 4)] == [6, None]
    waiting.add(job("3", "orders"), 0)
    assert [one.queue_s for one in waiting.cut(COMMON, 9, room, 40)] == [0]


def test_what_a_worker_refused_has_waited_before_and_what_died_with_one_waits_anew() -> None:
    waiting = lanes(orders=10)
    waiting.add(job("refused", "orders"), 0)
    waiting.add(job("died", "orders"), 0)
    refused, died = waiting.cut(COMMON, 9, room, 4)
    waiting.put_back([refused, died._replace(queue_s=None)], 6)
    assert keys(waiting.overdue(12)) == []
    assert keys(waiting.overdue(13)) == ["refused"]
    assert keys(waiting.overdue(17)) == ["died"]


def test_a_limit_reaches_jobs_that_wait_already_and_so_does_its_end() -> None:
    found = routing()
    waiting = Lanes(found, lambda _key: True)
    waiting.add(job("1", "orders"), 0)
    assert waiting.overdue(1_000) == []
    found.roster = Roster(2, {}, frozenset(), {}, {COMMON: 30})
    waiting.route()
    (limited,) = waiting.cut(COMMON, 9, room, 20)
    assert limited.queue_s == 10
    found.roster = Roster(3, {}, frozenset(), {}, {})
    waiting.route()
    waiting.put_back([limited], 21)
    assert waiting.overdue(1_000) == []
    assert waiting.cut(COMMON, 9, room, 1_000)[0].queue_s is None


def test_a_cancelled_job_does_not_expire_and_a_watched_one_waits_for_ever() -> None:
    waiting = lanes({"cancelled"}, orders=10)
    waiting.add(job("cancelled", "orders"), 0)
    waiting.add(job("watched", "orders")._replace(begun=b"{}"), 0)
    assert waiting.overdue(100) == []
    (watched,) = waiting.cut(COMMON, 9, room, 100)
    assert (watched.key, watched.queue_s) == ("watched", None)
    assert waiting.reports()["orders"].expired == 0


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), min_size=1, max_size=40),
    st.lists(st.integers(0, 4), min_size=40, max_size=40),
)
def test_every_job_is_cut_or_expires_and_none_expires_early(added: list[tuple[str, int]], cuts: list[int]) -> None:
    """Jobs come, some leave, some come back; time passes at random."""
    waiting, now, since = lanes(a=7), 0, {}
    gone: list[str] = []
    for n, ((machine, passed), items) in enumerate(zip(added, cuts, strict=False)):
        now += passed
        waiting.add(job(str(n), machine), now)
        since[str(n)] = now
        cut = waiting.cut(COMMON, items, room, now) if items else []
        waiting.put_back(cut[:1], now)
        gone += keys(cut[1:])
        for expired in waiting.overdue(now):
            assert expired.machine == "a"
            assert now - since[expired.key] > 7
            gone.append(expired.key)
    while left := waiting.cut(COMMON, 100, room, now):
        gone += keys(left)
    assert sorted(map(int, gone)) == list(range(len(added)))
    assert waiting.all_queued == 0
