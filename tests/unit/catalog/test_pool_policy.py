"""What may be set about a pool, and what is said when it may not."""

from typing import Any

import pytest

from sfc.catalog.pool_policy import PoolPolicy, read_policy, spelled_policy
from sfc.errors import InvalidRequest
from sfc.limits import POOL_ENTRIES, POOL_QUEUE_SECONDS

WHOLE = {
    "mode": "specific",
    "sla": "S1",
    "min": 1,
    "max": 20,
    "target": 50,
    "idle_s": 60,
    "queue_timeout_s": 30,
    "size": 3,
    "cpus": 0.5,
    "gpus": 1,
    "resources": {"license": 1},
    "concurrency": 200,
    "env": {"REGION": "eu"},
}


def test_everything_can_be_set_and_told_again() -> None:
    policy = read_policy(WHOLE)
    assert policy.to_json() == WHOLE
    assert PoolPolicy(**policy.to_json()) == policy


def test_later_layers_win_and_null_takes_a_setting_back() -> None:
    assert read_policy({"max": 20, "target": 5}, {"max": 3, "target": None}) == PoolPolicy(max=3)
    assert read_policy({}, default=PoolPolicy(min=2)).min == 2


def test_a_minimum_above_the_default_maximum_raises_it() -> None:
    assert read_policy({"min": 50}).max == 50


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"mode": "own"}, "pool.mode"),
        ({"sla": "S4"}, "pool.sla"),
        ({"min": -1}, "pool.min"),
        ({"min": True}, "pool.min"),
        ({"min": 3, "max": 2}, "pool.min"),
        ({"max": 0}, "pool.max"),
        ({"max": 10**9}, "pool.max"),
        ({"target": 0}, "pool.target"),
        ({"idle_s": "60"}, "pool.idle_s"),
        ({"idle_s": float("nan")}, "pool.idle_s"),
        ({"queue_timeout_s": 0}, "pool.queue_timeout_s"),
        ({"queue_timeout_s": POOL_QUEUE_SECONDS + 1}, "pool.queue_timeout_s"),
        ({"queue_timeout_s": "30"}, "pool.queue_timeout_s"),
        ({"cpus": -1}, "pool.cpus"),
        ({"resources": [1]}, "pool.resources"),
        ({"resources": {"CPU": 1}}, "pool.resources"),
        ({"resources": {"license": "one"}}, "pool.resources.license"),
        ({"env": {"1A": "x"}}, "pool.env"),
        ({"env": {"RAY_ADDRESS": "x"}}, "pool.env"),
        ({"env": {"A": 1}}, "pool.env.A"),
        ({"env": {f"A{n}": "x" for n in range(POOL_ENTRIES + 1)}}, "pool.env"),
        ({"colour": "red"}, "pool.colour"),
        ({"colour": None}, "pool.colour"),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_policy(settings)
    assert refused.value.field == field


def test_a_bound_is_told_in_full() -> None:
    with pytest.raises(InvalidRequest, match=r"pool.queue_timeout_s must be from 1 to 99,999,999"):
        read_policy({"queue_timeout_s": 0.5})


def test_a_blueprint_says_it_in_its_pool_setting_or_in_the_other_spelling() -> None:
    assert spelled_policy({"pool_mode": "specific", "sla": "S0", "topic": "orders"}) == {
        "mode": "specific",
        "sla": "S0",
    }
    assert spelled_policy({"sla": "gold"}) == {}
    assert spelled_policy({"pool_mode": "common", "pool": {"mode": "auto", "max": 3}}) == {"mode": "auto", "max": 3}
    with pytest.raises(InvalidRequest):
        spelled_policy({"pool": "specific"})
