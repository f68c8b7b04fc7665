"""When a schedule starts executions. The time is an argument; nothing sleeps."""

from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.jsonvalue import Json
from sfc.triggers.schedule import Schedule, execution_name, plan, read_schedule


def ms(text: str) -> int:
    """Of `03-29 01:00` in 2026, UTC, or with a year in front and seconds behind."""
    full = text if text.count("-") == 2 else f"2026-{text}"
    return int(datetime.fromisoformat(full).replace(tzinfo=UTC).timestamp() * 1_000)


def told(tick: int | None) -> str:
    assert tick is not None
    return datetime.fromtimestamp(tick / 1_000, UTC).strftime("%m-%d %H:%M")


def schedule(**settings: Json) -> Schedule:
    return read_schedule(settings)


def following(made: Schedule, after: str, count: int) -> list[str]:
    found, at = [], ms(after)
    for _ in range(count):
        at = made.next_after(at) or 0
        found.append(told(at))
    return found


BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("cron", "timezone", "after", "ticks"),
    [
        pytest.param("0 9 * * MON-FRI", "UTC", "01-02 09:00", ["01-05 09:00", "01-06 09:00"], id="weekdays"),
        pytest.param(
            "0 9 * * *", BERLIN, "03-28 12:00", ["03-29 07:00", "03-30 07:00"], id="an hour earlier in summer"
        ),
        pytest.param("0 0 L * *", "UTC", "01-15 00:00", ["01-31 00:00", "02-28 00:00"], id="last day of the month"),
        pytest.param(
            "30 2 * * *", BERLIN, "03-28 02:00", ["03-29 01:00", "03-30 00:30"], id="a gap ends with the tick"
        ),
        pytest.param("30 2 * * *", BERLIN, "10-24 12:00", ["10-25 00:30", "10-26 01:30"], id="only the first 2:30"),
        pytest.param("15,45 2 * * *", BERLIN, "03-28 12:00", ["03-29 01:00", "03-30 00:15"], id="one for the gap"),
        pytest.param("0 * * * *", BERLIN, "10-24 23:30", ["10-25 00:00", "10-25 01:00", "10-25 02:00"], id="all hours"),
        pytest.param("0 30 2 * * *", BERLIN, "10-24 12:00", ["10-25 00:30", "10-25 01:30"], id="six fields: both 2:30"),
        pytest.param("0 30 2 * * *", BERLIN, "03-28 12:00", ["03-30 00:30"], id="six fields: none in the gap"),
        pytest.param("30 2 * * *", BERLIN, "10-25 01:10", ["10-26 01:30"], id="asked within the repeated hour"),
        pytest.param("0 9 * * *", "Asia/Kolkata", "01-01 00:00", ["01-01 03:30"], id="half an hour off"),
    ],
)
def test_a_cron_expression_ticks_in_its_time_zone(cron: str, timezone: str, after: str, ticks: list[str]) -> None:
    assert following(schedule(cron=cron, timezone=timezone), after, len(ticks)) == ticks


CRONS = ["* * * * *", "30 2 * * *", "15,45 1-3 * * *", "*/20 2 * * *", "0 30 2 * * *", "0 3 * * SUN", "7 * * * *"]


@given(
    st.sampled_from(CRONS),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "America/Santiago"]),
    st.integers(ms("03-27 00:00"), ms("04-06 00:00")) | st.integers(ms("10-02 00:00"), ms("11-03 00:00")),
)
def test_looking_back_and_looking_ahead_see_the_same_ticks(cron: str, timezone: str, now: int) -> None:
    made = schedule(cron=cron, timezone=timezone)
    back = list(islice(made.ticks_until(now), 5))
    assert back == sorted(set(back), reverse=True)
    assert back[0] <= now
    ahead = [made.next_after(tick) for tick in reversed(back)]
    assert ahead[:-1] == list(reversed(back))[1:]
    assert ahead[-1] == made.next_after(now)


def test_an_interval_counts_from_1970_or_from_its_begin() -> None:
    assert following(schedule(every_s=900), "01-01 00:10", 2) == ["01-01 00:15", "01-01 00:30"]
    begun = schedule(every_s=900, **{"from": "2026-01-01T00:05:00Z"})
    assert following(begun, "2025-12-01 00:00", 3) == ["01-01 00:05", "01-01 00:20", "01-01 00:35"]
    assert list(islice(begun.ticks_until(ms("01-01 00:21")), 9)) == [ms("01-01 00:20"), ms("01-01 00:05")]


def test_there_is_no_tick_after_the_end() -> None:
    made = schedule(cron="0 * * * *", until="2026-01-01T02:00:00Z")
    assert following(made, "01-01 00:30", 2) == ["01-01 01:00", "01-01 02:00"]
    assert made.next_after(ms("01-01 02:00")) is None
    assert next(made.ticks_until(ms("01-05 00:00"))) == ms("01-01 02:00")
    assert plan(made, "t", ms("01-01 02:00"), ms("01-05 00:00")).wake_at is None


def test_jitter_delays_each_tick_by_an_amount_of_its_own_below_the_limit() -> None:
    made = schedule(every_s=60, jitter_s=30)
    ticks = [ms("01-01 00:00") + minute * 60_000 for minute in range(200)]
    delays = [made.due("nightly", tick) - tick for tick in ticks]
    assert delays == [made.due("nightly", tick) - tick for tick in ticks]
    assert all(0 <= delay < 30_000 for delay in delays)
    assert len(set(delays)) > 150
    assert delays != [made.due("other", tick) - tick for tick in ticks]


def test_jitter_never_reaches_the_next_tick() -> None:
    made = schedule(every_s=1, jitter_s=3_600)
    assert all(made.due("t", tick * 1_000) - tick * 1_000 < 1_000 for tick in range(50))


MINUTELY = {"every_s": 60}
AT = ms("01-01 00:00")


@pytest.mark.parametrize(
    ("missed", "down_s", "starts"),
    [
        pytest.param("skip", 61, [60], id="on time: skip"),
        pytest.param("latest", 61, [60], id="on time: latest"),
        pytest.param("all", 61, [60], id="on time: all"),
        pytest.param("skip", 300, [300], id="skip: only the one that is not late"),
        pytest.param("skip", 290, [], id="skip: nothing"),
        pytest.param("latest", 290, [240], id="latest: the newest"),
        pytest.param("latest", 300, [300], id="latest: not one of the missed when there is a newer one"),
        pytest.param("all", 290, [60, 120, 180, 240], id="all: oldest first"),
    ],
)
def test_what_becomes_of_missed_ticks_is_the_policy(missed: str, down_s: int, starts: list[int]) -> None:
    found = plan(schedule(**MINUTELY, missed=missed), "t", AT, AT + down_s * 1_000)
    assert [(tick - AT) // 1_000 for tick in found.start] == starts
    assert found.at == AT + down_s // 60 * 60_000
    assert found.wake_at == found.at + 60_000
    assert found.passed_over == down_s // 60 - len(starts)


def test_ticks_older_than_the_catch_up_window_are_never_started() -> None:
    found = plan(schedule(**MINUTELY, missed="all", catch_up_s=150), "t", AT, AT + 600_000)
    assert [(tick - AT) // 1_000 for tick in found.start] == [480, 540, 600]


def test_only_so_many_ticks_are_caught_up_at_once_however_long_it_was() -> None:
    found = plan(schedule(every_s=1, missed="all"), "t", AT, AT + 80_000_000)
    assert len(found.start) == 1_000
    assert found.start[-1] == found.at == AT + 80_000_000


def test_nothing_is_due_twice_and_nothing_before_its_time() -> None:
    made = schedule(**MINUTELY)
    first = plan(made, "t", AT, AT + 60_500)
    assert plan(made, "t", first.at, AT + 60_500).start == ()
    assert plan(made, "t", AT, AT + 59_999) == ((), AT, AT + 60_000, 0)


def test_a_tick_waits_for_its_jitter() -> None:
    made = schedule(**MINUTELY, jitter_s=50)
    tick = AT + 60_000
    due = made.due("t", tick)
    assert due > tick
    early = plan(made, "t", AT, due - 1)
    assert (early.start, early.at, early.wake_at) == ((), AT, due)
    assert plan(made, "t", AT, due).start == (tick,)


@given(
    st.sampled_from(["skip", "latest", "all"]),
    st.integers(0, 20),
    st.lists(st.integers(1, 400_000), max_size=20),
)
def test_however_often_it_is_asked_each_tick_is_decided_once(missed: str, jitter_s: int, steps: list[int]) -> None:
    made = schedule(**MINUTELY, missed=missed, jitter_s=jitter_s)
    at, now, started = AT, AT, []
    for step in steps:
        now += step
        found = plan(made, "t", at, now)
        assert found.at >= at
        assert all(at < tick <= found.at for tick in found.start)
        assert found.wake_at is not None
        assert found.wake_at > now
        at = found.at
        started += found.start
    assert started == sorted(set(started))


def test_a_schedule_that_never_ticks_again_is_not_looked_at_again() -> None:
    made = schedule(cron="0 0 29 2 *", until="2026-12-31T00:00:00Z")
    assert plan(made, "t", AT, AT + 1) == ((), AT, None, 0)


def test_an_execution_is_named_after_trigger_and_tick() -> None:
    assert execution_name("nightly", ms("2026-03-29 01:00")) == "nightly-20260329T010000Z"
