"""How many workers, whose, and who goes first: the scheduler's decisions, without a scheduler."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.policy import HOLD_S, WAIT_S, Day, Load, Sizer, Want, place, shares, wanted
from sfc.catalog.pool_policy import PoolPolicy
from sfc.limits import HOT_EXECUTIONS_A_DAY


@pytest.mark.parametrize(
    ("load", "want"),
    [
        pytest.param(Load(), 0, id="nothing needs nobody"),
        pytest.param(Load(in_flight=1), 1, id="one job needs one"),
        pytest.param(Load(in_flight=100), 1, id="the target is what one worker has"),
        pytest.param(Load(in_flight=100, queued=1), 2, id="what is queued counts"),
        pytest.param(Load(in_flight=150, queued=250), 4, id="both count"),
        pytest.param(Load(in_flight=90, arrivals_s=1_000, finishes_s=1_000), 1, id="a high rate that is kept up with"),
        pytest.param(Load(in_flight=90, queued=10, arrivals_s=300, finishes_s=100), 5, id="growth is looked ahead for"),
    ],
)
def test_a_pool_wants_workers_for_its_load(load: Load, want: int) -> None:
    assert wanted(load, PoolPolicy(target=100)) == want


def test_a_pool_grows_at_once_and_shrinks_only_to_what_the_last_stretch_needed() -> None:
    sizer, policy = Sizer(0, 0), PoolPolicy(target=10, max=8, idle_s=60)
    sizes = []
    for now, in_flight in ((0, 0), (1, 35), (2, 0), (5, 12), (31, 12), (32, 12), (40, 0), (70, 0), (91, 0), (92, 0)):
        sizes.append(sizer.size(now, Load(in_flight=in_flight), policy, sizes[-1] if sizes else 0).size)
    assert sizes == [0, 4, 4, 4, 4, 2, 2, 1, 1, 0]


def test_a_pool_keeps_within_its_limits_and_tells_its_numbers() -> None:
    policy = PoolPolicy(target=1, min=2, max=3)
    assert Sizer(0, 0).size(0, Load(), policy, 0).size == 2
    sized = Sizer(0, 0).size(0, Load(in_flight=4, queued=6), policy, 2)
    assert sized.size == 3
    assert "4 in flight + 6 queued" in sized.why
    assert "make 10" in sized.why


def test_a_size_fixed_by_hand_holds_whatever_the_load() -> None:
    assert Sizer(0, 0).size(0, Load(in_flight=10_000), PoolPolicy(size=2), 5).size == 2
    assert Sizer(0, 0).size(0, Load(), PoolPolicy(size=0, min=3), 5).size == 0


def test_a_pool_that_was_found_keeps_its_size_for_a_stretch() -> None:
    sizer = Sizer(100, 5)
    assert sizer.size(100 + HOLD_S - 1, Load(), PoolPolicy(), 5).size == 5
    assert sizer.size(100 + HOLD_S + 1, Load(), PoolPolicy(), 5).size == 1


@given(
    st.lists(st.tuples(st.floats(0.1, 400), st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=30),
    st.integers(0, 3),
    st.integers(3, 10),
)
def test_a_busy_pool_is_never_empty_and_never_outside_its_limits(
    steps: list[tuple[float, int, int]], least: int, most: int
) -> None:
    sizer, policy, now, size = Sizer(0, 0), PoolPolicy(min=least, max=most, target=20), 0.0, 0
    for passed, in_flight, queued in steps:
        now += passed
        size = sizer.size(now, Load(in_flight, queued), policy, size).size
        assert least <= size <= most
        assert size or not (in_flight or queued)


@pytest.mark.parametrize(
    ("policy", "executions", "promoted", "specific"),
    [
        pytest.param(PoolPolicy(mode="common", sla="S0"), 10**6, False, False, id="common stays common"),
        pytest.param(PoolPolicy(mode="specific"), 0, False, True, id="specific needs no heat"),
        pytest.param(PoolPolicy(sla="S0"), 0, False, True, id="S0 needs no heat"),
        pytest.param(PoolPolicy(), HOT_EXECUTIONS_A_DAY, False, False, id="at the bound it is not hot"),
        pytest.param(PoolPolicy(), HOT_EXECUTIONS_A_DAY + 1, False, True, id="above it is"),
        pytest.param(PoolPolicy(), HOT_EXECUTIONS_A_DAY - 1, True, True, id="a promoted one does not swing"),
        pytest.param(PoolPolicy(), HOT_EXECUTIONS_A_DAY // 2, True, False, id="half as hot is cold"),
    ],
)
def test_who_has_workers_of_its_own(policy: PoolPolicy, executions: int, promoted: bool, specific: bool) -> None:
    placed = place(policy, executions, promoted)
    assert placed.specific is specific
    assert placed.why


def test_executions_count_for_24_hours() -> None:
    day, hour = Day(), 3_600.0
    assert day.count(0, 5) == 5
    assert day.count(10 * hour, 3) == 8
    assert day.count(24 * hour, 1) == 4
    assert day.count(33.9 * hour, 0) == 4
    assert day.count(34 * hour, 0) == 1
    assert Day.from_json(day.to_json()).count(34 * hour, 1) == 2
    assert day.count(900 * hour, 0) == 0


def test_a_full_cluster_is_shared_by_class_and_nobody_goes_without() -> None:
    wants = {
        "s0": Want(size=20, cpus=1, weight=8),
        "s2": Want(size=20, cpus=1, weight=2),
        "s3": Want(size=20, cpus=1, weight=1),
        "idle": Want(size=0, cpus=1, weight=8),
    }
    assert shares(wants, 11) == {"s0": 8, "s2": 2, "s3": 1, "idle": 0}
    assert shares(wants, 100) == {"s0": 20, "s2": 20, "s3": 20, "idle": 0}
    assert shares(wants, 2) == {"s0": 1, "s2": 1, "s3": 0, "idle": 0}


def test_minimums_come_before_the_rest() -> None:
    wants = {"a": Want(size=9, cpus=1, weight=8), "b": Want(size=3, cpus=1, weight=1, least=3)}
    assert shares(wants, 6) == {"a": 3, "b": 3}


def test_a_pool_that_holds_its_last_worker_is_displaced_only_by_one_that_waited() -> None:
    def turn(waited_s: float) -> dict[str, int]:
        return shares(
            {
                "has": Want(size=1, cpus=1, weight=2, holds=True),
                "waits": Want(size=1, cpus=1, weight=2, waited_s=waited_s),
            },
            1,
        )

    assert turn(WAIT_S - 1) == {"has": 1, "waits": 0}
    assert turn(WAIT_S + 1) == {"has": 0, "waits": 1}


WANTS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.builds(
        Want,
        size=st.integers(0, 20),
        cpus=st.sampled_from([0.0, 0.25, 1.0, 4.0]),
        weight=st.sampled_from([1, 2, 4, 8]),
        least=st.integers(0, 5),
        waited_s=st.floats(0, 1_000),
        holds=st.booleans(),
    ),
    max_size=12,
)


@given(WANTS, st.floats(0, 64))
def test_shares_fit_the_cluster_and_nobody_gets_more_than_it_wants(wants: dict[str, Want], capacity: float) -> None:
    given = shares(wants, capacity)
    used = sum(given[name] * want.cpus for name, want in wants.items())
    assert used <= capacity + 1e-6
    assert all(0 <= given[name] <= want.size for name, want in wants.items())
    for name, want in wants.items():  # nothing is left lying that somebody with a worker wants
        assert given[name] in (0, want.size) or want.cpus > capacity - used - 1e-6


@given(st.lists(st.sampled_from([1, 2, 4, 8]), min_size=2, max_size=8))
def test_on_one_place_for_many_everybody_has_a_turn(weights: list[int]) -> None:
    waited = dict.fromkeys(map(str, range(len(weights))), 0.0)
    holder, seen = "", set()
    for _ in range(300):
        wants = {
            name: Want(size=1, cpus=1, weight=weights[int(name)], waited_s=waited[name], holds=name == holder)
            for name in waited
        }
        (holder,) = [name for name, size in shares(wants, 1).items() if size]
        waited = {name: 0.0 if name == holder else since + 10 for name, since in waited.items()}
        seen.add(holder)
    assert len(seen) == len(weights)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), st.booleans()), max_size=40))
def test_two_days_merge_to_the_larger_count_of_each_hour(counted: list[tuple[int, int, bool]]) -> None:
    hour, (one, other) = 3_600.0, (Day(), Day())
    counts: list[dict[int, int]] = [{}, {}]
    for at, executions, first in sorted(counted, key=lambda each: each[0]):
        (one if first else other).count(at * hour, executions)
        mine = counts[0 if first else 1]
        mine[at] = mine.get(at, 0) + executions
    one.merge(other)
    last = max((at for at, _, _ in counted), default=0)
    want = {at: max(each.get(at, 0) for each in counts) for at in range(last - 23, last + 1)}
    assert one.total == sum(want.values())
    assert Day.from_json(one.to_json()).count(last * hour, 0) == one.total
