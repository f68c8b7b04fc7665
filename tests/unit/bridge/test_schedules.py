"""Schedules start executions by the engine's clock: each tick one, whatever happens in between."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sfc.bridge.schedules import Backfilled, Schedules
from sfc.errors import InvalidRequest, NotFound, Unavailable
from sfc.jsonvalue import Json
from sfc.triggers.trigger import Progress
from tests.unit.bridge.clocked import BEGIN, Clocked


@pytest.fixture
async def world() -> AsyncIterator[Clocked]:
    made = Clocked()
    await made.engine.open()
    yield made
    await made.engine.close()


def put(world: Clocked, blueprint: str = "quick", name: str = "tick", **settings: Json) -> int:
    return world.catalog.triggers.put(name, "schedule", blueprint, {"every_s": 60, **settings}).id


async def at(world: Clocked, schedules: Schedules, *seconds: float) -> None:
    """Let time pass, and the schedules look at it, at these seconds after the beginning."""
    for second in seconds:
        world.now = BEGIN + int(second * 1_000)
        await schedules.run_due()


def names(*minutes: int) -> list[str]:
    return [f"tick-20260101T00{minute:02}00Z" for minute in minutes]


async def test_each_tick_starts_one_execution_named_after_it(world: Clocked) -> None:
    schedules = Schedules(world.engine)
    put(world)
    await at(world, schedules, 0, 59.9, 60, 61, 119, 120.5)
    assert await world.started("quick") == {
        names(1)[0]: {"time": "2026-01-01T00:01:00.000Z", "trigger": "tick"},
        names(2)[0]: {"time": "2026-01-01T00:02:00.000Z", "trigger": "tick"},
    }


async def test_the_input_is_mapped_and_the_filter_leaves_ticks_out(world: Clocked) -> None:
    schedules = Schedules(world.engine)
    put(world, input={"at.$": "$.time"}, filter="{% $contains($states.input.time, '02:00.000Z') %}")
    await at(world, schedules, 0, 60, 120, 180)
    assert await world.started("quick") == {names(2)[0]: {"at": "2026-01-01T00:02:00.000Z"}}
    figures = schedules.report(world.catalog.triggers.get("tick")).figures
    assert (figures.started, figures.left_out, figures.failed) == (1, 2, 0)


async def test_after_a_restart_it_goes_on_where_it_stood(world: Clocked) -> None:
    put(world, missed="all")
    await at(world, Schedules(world.engine), 0, 60)
    again = Schedules(world.engine)
    await again.read()
    await at(world, again, 250)
    assert list(await world.started("quick")) == names(1, 2, 3, 4)


@pytest.mark.parametrize(("missed", "minutes"), [("skip", [4]), ("latest", [4]), ("all", [1, 2, 3, 4])])
async def test_what_was_missed_while_nothing_ran_follows_the_policy(
    world: Clocked, missed: str, minutes: list[int]
) -> None:
    put(world, missed=missed)
    schedules = Schedules(world.engine)
    await at(world, schedules, 0, 245)
    assert list(await world.started("quick")) == names(*minutes)


async def test_a_start_that_could_not_be_noted_is_not_repeated_after_a_crash(
    world: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world)
    first = Schedules(world.engine)
    await at(world, first, 0)

    def fail(progress: Any) -> None:
        raise Unavailable("the disk is away")

    with monkeypatch.context() as patch:
        patch.setattr(world.catalog.triggers.shelf, "put_progress", fail)
        with pytest.raises(Unavailable):
            await at(world, first, 60)
    again = Schedules(world.engine)
    await again.read()
    await at(world, again, 62, 120)
    assert list(await world.started("quick")) == names(1, 2)
    assert again.report(world.catalog.triggers.get("tick")).figures.repeated == 1


async def test_two_engines_at_once_start_each_tick_once(world: Clocked) -> None:
    put(world)
    one, two = Schedules(world.engine), Schedules(world.engine)
    for second in (0, 60, 120):
        await at(world, one, second)
        await at(world, two, second)
    assert list(await world.started("quick")) == names(1, 2)


async def test_ticks_wait_while_the_engine_takes_no_more(world: Clocked) -> None:
    put(world, missed="all")
    schedules = Schedules(world.engine)
    world.admits = False
    await at(world, schedules, 0, 60, 61, 120)
    assert await world.started("quick") == {}
    assert "too much" in schedules.report(world.catalog.triggers.get("tick")).figures.error
    world.admits = True
    await at(world, schedules, 120.9, 121)
    assert list(await world.started("quick")) == names(1, 2)


async def test_a_paused_schedule_starts_nothing_and_goes_on_by_its_policy(world: Clocked) -> None:
    put(world, missed="latest")
    schedules = Schedules(world.engine)
    await at(world, schedules, 0, 60)
    world.catalog.triggers.pause("tick", True)
    await at(world, schedules, 120, 180, 240)
    assert list(await world.started("quick")) == names(1)
    world.catalog.triggers.pause("tick", False)
    await at(world, schedules, 275)
    assert list(await world.started("quick")) == names(1, 4)


async def test_ticks_of_a_paused_blueprint_follow_the_policy_when_it_is_resumed(world: Clocked) -> None:
    put(world, missed="latest")
    schedules = Schedules(world.engine)
    await at(world, schedules, 0)
    await world.engine.pauses.pause("blueprint", "quick")
    await at(world, schedules, 60, 61, 120, 180, 190)
    assert await world.started("quick") == {}
    await world.engine.pauses.resume("blueprint", "quick")
    await at(world, schedules, 200)
    assert list(await world.started("quick")) == names(3)


async def test_a_changed_schedule_begins_anew(world: Clocked) -> None:
    put(world, missed="all")
    schedules = Schedules(world.engine)
    await at(world, schedules, 0, 60)
    world.now = BEGIN + 150_000
    put(world, missed="all", every_s=30)
    await at(world, schedules, 150, 180)
    assert list(await world.started("quick")) == names(1, 3)


async def test_a_deleted_schedule_starts_nothing(world: Clocked) -> None:
    put(world)
    schedules = Schedules(world.engine)
    await at(world, schedules, 0)
    world.catalog.triggers.delete("tick")
    await at(world, schedules, 60, 120)
    assert await world.started("quick") == {}


async def test_overlap_allow_starts_beside_what_runs(world: Clocked) -> None:
    put(world, "long")
    await at(world, Schedules(world.engine), 0, 60, 120)
    assert list(await world.started("long")) == names(1, 2)


async def test_overlap_skip_leaves_out_the_ticks_while_one_runs(world: Clocked) -> None:
    put(world, "long", overlap="skip")
    schedules = Schedules(world.engine)
    await at(world, schedules, 0, 60, 120)
    assert list(await world.started("long")) == names(1)
    await world.engine.stop(world.engine.partition.execution("long", names(1)[0]))
    await at(world, schedules, 180)
    assert list(await world.started("long")) == names(1, 3)


async def test_overlap_skip_knows_what_runs_after_a_restart(world: Clocked) -> None:
    put(world, "long", overlap="skip")
    await at(world, Schedules(world.engine), 0, 60)
    again = Schedules(world.engine)
    await again.read()
    await at(world, again, 120)
    assert list(await world.started("long")) == names(1)


async def start_and_crash(world: Clocked, monkeypatch: pytest.MonkeyPatch) -> Schedules:
    """The first tick's start is on disk, its progress is not; what a process that starts afterwards knows."""
    first = Schedules(world.engine)
    await at(world, first, 0)
    shelf = world.catalog.triggers.shelf
    notes: list[Any] = []
    keep = shelf.put_progress

    def crash_after_the_start(progress: Any) -> None:
        if notes:
            raise Unavailable("killed")
        notes.append(progress)
        keep(progress)

    with monkeypatch.context() as patch:
        patch.setattr(shelf, "put_progress", crash_after_the_start)
        with pytest.raises(Unavailable):
            await at(world, first, 60)
    again = Schedules(world.engine)
    await again.read()
    return again


async def test_overlap_skip_remembers_what_was_started_just_before_a_crash(
    world: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the tick is too old to be looked at again."""
    put(world, "long", overlap="skip", missed="skip")
    again = await start_and_crash(world, monkeypatch)
    await at(world, again, 100, 120)
    assert list(await world.started("long")) == names(1)


async def test_overlap_replace_does_not_stop_what_it_started_just_before_a_crash(
    world: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, "long", overlap="replace")
    again = await start_and_crash(world, monkeypatch)
    await at(world, again, 62)
    started = await world.engine.describe(world.engine.partition.execution("long", names(1)[0]))
    assert (started.status, list(await world.started("long"))) == ("RUNNING", names(1))
    await at(world, again, 120)
    assert list(await world.started("long")) == names(1, 2)


async def test_overlap_replace_stops_the_one_before(world: Clocked) -> None:
    put(world, "long", overlap="replace")
    await at(world, Schedules(world.engine), 0, 60, 120)
    first, second = [await world.engine.describe(world.engine.partition.execution("long", n)) for n in names(1, 2)]
    assert (first.status, first.error) == ("ABORTED", "SFC.Replaced")
    assert second.status == "RUNNING"


async def test_a_tick_that_the_filter_leaves_out_replaces_nothing(world: Clocked) -> None:
    put(world, "long", overlap="replace", filter="{% $contains($states.input.time, '01:00.000Z') %}")
    await at(world, Schedules(world.engine), 0, 60, 120, 180)
    first = await world.engine.describe(world.engine.partition.execution("long", names(1)[0]))
    assert (first.status, list(await world.started("long"))) == ("RUNNING", names(1))


@pytest.mark.parametrize("refusal", ["pause", "overload"])
async def test_overlap_replace_stops_nothing_that_it_cannot_replace(world: Clocked, refusal: str) -> None:
    put(world, "long", overlap="replace")
    schedules = Schedules(world.engine)
    await at(world, schedules, 0, 60)
    if refusal == "pause":
        await world.engine.pauses.pause("blueprint", "long")
    world.admits = refusal != "overload"
    await at(world, schedules, 120)
    first = await world.engine.describe(world.engine.partition.execution("long", names(1)[0]))
    assert (first.status, list(await world.started("long"))) == ("RUNNING", names(1))
    assert schedules.report(world.catalog.triggers.get("tick")).figures.error
    if refusal == "pause":
        await world.engine.pauses.resume("blueprint", "long")
    world.admits = True
    await at(world, schedules, 121)
    assert list(await world.started("long")) == names(1, 2)


async def test_an_express_blueprint_is_started_but_cannot_forbid_overlaps(world: Clocked) -> None:
    put(world, "express")
    schedules = Schedules(world.engine)
    await at(world, schedules, 0, 60)
    assert schedules.report(world.catalog.triggers.get("tick")).figures.started == 1
    with pytest.raises(InvalidRequest) as refused:
        put(world, "express", name="other", overlap="skip")
    assert refused.value.field == "overlap"


async def test_a_tick_that_cannot_be_mapped_is_told_and_the_next_one_comes(world: Clocked) -> None:
    put(world, input="{% $substring($states.input.time, 14, 2) = '01' ? $error('not now') : 1 %}")
    schedules = Schedules(world.engine)
    await at(world, schedules, 0, 60)
    figures = schedules.report(world.catalog.triggers.get("tick")).figures
    assert (figures.failed, "not now" in figures.error) == (1, True)
    await at(world, schedules, 120)
    assert list(await world.started("quick")) == names(2)


async def test_many_schedules_are_due_at_once(world: Clocked) -> None:
    for number in range(200):
        put(world, name=f"s{number}")
    await at(world, Schedules(world.engine), 0, 60)
    assert len(await world.started("quick")) == 200


async def test_the_progress_is_noted_with_the_last_execution(world: Clocked) -> None:
    id = put(world)
    await at(world, Schedules(world.engine), 0, 60)
    arn = world.engine.partition.execution("quick", names(1)[0])
    assert world.catalog.triggers.shelf.progress() == {id: Progress(at=BEGIN + 60_000, execution=arn)}


async def test_backfill_starts_the_ticks_that_have_no_execution_yet(world: Clocked) -> None:
    put(world)
    schedules = Schedules(world.engine)
    await at(world, schedules, 0, 120, 600)
    assert list(await world.started("quick")) == names(2, 10)
    done = await schedules.backfill("tick", BEGIN + 60_000, BEGIN + 240_000)
    assert done == Backfilled(started=3, repeated=1, left_out=0, failed=0, error="")
    assert sorted(await world.started("quick")) == names(1, 2, 3, 4, 10)


async def test_backfill_says_what_it_cannot_do(world: Clocked) -> None:
    put(world, every_s=1)
    world.catalog.triggers.put("hook", "webhook", "quick", {"signature": "none"})
    schedules = Schedules(world.engine)
    world.now = BEGIN + 10_000_000
    for name, begin, end, field in (
        ("tick", BEGIN, BEGIN + 2_000_000, "from"),
        ("tick", BEGIN, world.now + 1, "to"),
        ("hook", BEGIN, BEGIN, "name"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            await schedules.backfill(name, begin, end)
        assert refused.value.field == field
    with pytest.raises(NotFound):
        await schedules.backfill("nothing", BEGIN, BEGIN)


async def test_the_loop_of_an_open_bridge_sees_changes_at_once(world: Clocked) -> None:
    """No time passes: the schedule is due when it is resumed, and the change wakes the loop."""
    put(world, missed="all")
    world.catalog.triggers.pause("tick", True)
    world.now = BEGIN + 61_000
    schedules = Schedules(world.engine)
    await schedules.open()
    await world.engine.consult(lambda catalog: catalog.triggers.pause("tick", False))
    arn = world.engine.partition.execution("quick", names(1)[0])
    for _ in range(1_000):
        try:
            await world.engine.describe(arn)
            break
        except NotFound:
            await world.engine.consult(lambda catalog: None)  # a turn of loop and threads
    await schedules.close()
    assert list(await world.started("quick")) == names(1)
