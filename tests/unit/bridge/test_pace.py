"""A rate is held, whatever comes at once."""

import pytest

from sfc.bridge.pace import Pace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_without_a_rate_everything_goes_on(clock: Clock) -> None:
    assert Pace(None, clock).grant(10_000) == (10_000, 0.0)


@pytest.mark.parametrize("rate", [0.5, 7.0, 50.0, 1_000.0])
@pytest.mark.parametrize("step_s", [0.01, 0.4, 3.0])
def test_no_second_has_more_than_the_rate_and_a_burst(clock: Clock, rate: float, step_s: float) -> None:
    pace, granted = Pace(rate, clock), 0
    while clock.now < 60:
        granted += pace.grant(500)[0]
        clock.now += step_s
    assert granted <= rate * 60 + max(1.0, rate / 10)


def test_who_waits_as_long_as_told_is_served(clock: Clock) -> None:
    pace, granted = Pace(20.0, clock), 0
    while clock.now < 10:
        now, wait_s = pace.grant(3)
        granted += now
        clock.now += wait_s + 1e-9 if not now else 0.0
    assert granted == pytest.approx(200, abs=3)


def test_time_without_records_is_not_saved_up(clock: Clock) -> None:
    pace = Pace(10.0, clock)
    clock.now = 3_600
    assert pace.grant(500)[0] == 1


def test_another_rate_holds_from_now_on(clock: Clock) -> None:
    pace = Pace(1.0, clock)
    clock.now = 5.0
    pace.set(None)
    assert pace.grant(7) == (7, 0.0)
    pace.set(1.0)
    assert pace.grant(7)[0] == 0
