"""In which order jobs leave that wait for workers."""

from hypothesis import given
from hypothesis import strategies as st

from actors.lanes import Lanes
from actors.roster import NOTHING, Report
from sfc.catalog.pool_policy import COMMON
from sfc.tasks.job import Job

WEIGHTS = {"heavy": 4, "light": 1}


def job(key: str, machine: str, execution: str = "arn") -> Job:
    return Job(key, execution, machine, "State", "task:x", b"1")


def lanes(cancelled: frozenset[str] = frozenset(), own: frozenset[str] = frozenset()) -> Lanes:
    return Lanes(
        lambda machine: machine if machine in own else COMMON,
        lambda machine: WEIGHTS.get(machine, 2),
        lambda key: key not in cancelled,
    )


def room(_machine: str) -> int:
    return 1_000


def keys(jobs: list[Job]) -> list[str]:
    return [job.key for job in jobs]


def test_a_lane_of_thousands_does_not_keep_another_waiting() -> None:
    waiting = lanes()
    for n in range(1_000):
        waiting.add(job(f"flood-{n}", "flood"))
    waiting.add(job("one", "small"))
    cut = keys(waiting.cut(COMMON, 10, room))
    assert len(cut) == 10
    assert "one" in cut


def test_lanes_are_served_by_weight() -> None:
    waiting = lanes()
    for n in range(100):
        waiting.add(job(f"heavy-{n}", "heavy"))
        waiting.add(job(f"light-{n}", "light"))
    cut = keys(waiting.cut(COMMON, 50, room))
    assert sum(key.startswith("heavy") for key in cut) == 40


def test_what_was_cut_and_comes_back_is_first_again() -> None:
    waiting = lanes()
    for n in range(5):
        waiting.add(job(str(n), "orders"))
    waiting.put_back(waiting.cut(COMMON, 2, room))
    assert keys(waiting.cut(COMMON, 9, room)) == ["0", "1", "2", "3", "4"]
    assert waiting.all_queued == 0


def test_jobs_stay_in_the_lanes_of_their_pool_and_follow_when_it_changes() -> None:
    own: set[str] = set()
    waiting = Lanes(lambda machine: machine if machine in own else COMMON, lambda _machine: 2, lambda _key: True)
    waiting.add(job("1", "orders"))
    waiting.add(job("2", "billing"))
    own.add("orders")
    waiting.route()
    assert sorted(waiting.pools()) == [COMMON, "orders"]
    assert keys(waiting.cut("orders", 9, room)) == ["1"]
    assert keys(waiting.cut(COMMON, 9, room)) == ["2"]


def test_a_lane_without_room_on_the_worker_lets_others_pass() -> None:
    waiting = lanes()
    for n in range(10):
        waiting.add(job(f"flood-{n}", "flood"))
        waiting.add(job(f"small-{n}", "small"))
    cut = keys(waiting.cut(COMMON, 9, lambda machine: 2 if machine == "flood" else 100))
    assert sum(key.startswith("flood") for key in cut) == 2
    assert len(cut) == 9
    assert waiting.cut(COMMON, 9, lambda _machine: 0) == []


def test_reports_tell_each_arrival_once_and_each_execution_once() -> None:
    waiting = lanes()
    waiting.add(job("1", "orders", "arn:a"))
    waiting.add(job("2", "orders", "arn:a"))
    waiting.add(job("3", "orders", "arn:b"))
    assert waiting.reports() == {"orders": Report(0, 3, 3, 0, 2)}
    waiting.cut(COMMON, 9, room)
    assert waiting.reports() == {"orders": NOTHING}
    assert waiting.reports() == {}


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=60),
    st.lists(st.integers(1, 20), min_size=60, max_size=60),
)
def test_every_job_leaves_once_in_the_order_of_its_lane(added: list[tuple[str, bool]], cuts: list[int]) -> None:
    cancelled = frozenset(str(n) for n, (_, gone) in enumerate(added) if gone)
    waiting = lanes(cancelled, frozenset("d"))
    for n, (machine, _) in enumerate(added):
        waiting.add(job(str(n), machine))
    left: list[Job] = []
    for items in cuts:
        for pool in (COMMON, "d"):
            left += waiting.cut(pool, items, room)
    assert sorted(int(one.key) for one in left) == [n for n, (_, gone) in enumerate(added) if not gone]
    for machine in "abcd":
        order = [int(one.key) for one in left if one.machine == machine]
        assert order == sorted(order)
    assert waiting.all_queued == 0
