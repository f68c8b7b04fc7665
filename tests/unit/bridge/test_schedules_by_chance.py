"""Whatever happens between two looks at the clock, each tick has one execution in the end, and overlaps are as told."""

import asyncio
from contextlib import suppress
from typing import Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sfc.bridge.schedules import Schedules
from sfc.errors import Unavailable
from tests.unit.bridge.clocked import BEGIN, Clocked

Happening = Literal["nothing", "crash", "nothing is noted", "only the first is noted", "overload", "pause"]
Story = list[tuple[int, Happening]]
STORIES = st.lists(
    st.tuples(
        st.integers(1, 200_000),
        st.sampled_from(["nothing", "crash", "nothing is noted", "only the first is noted", "overload", "pause"]),
    ),
    max_size=12,
)
"""Milliseconds that pass, and what happens at the next look at the clock."""


@settings(max_examples=60)
@given(STORIES, st.sampled_from([0, 40]))
def test_no_tick_is_lost_and_none_is_doubled(story: Story, jitter_s: int) -> None:
    asyncio.run(_count_ticks(story, jitter_s))


@settings(max_examples=150)
@given(STORIES, st.sampled_from(["skip", "replace"]), st.sampled_from(["skip", "latest", "all"]))
@example([(239_001, "overload")], "skip", "latest")
def test_never_do_two_run_where_they_may_not(story: Story, overlap: str, missed: str) -> None:
    asyncio.run(_count_running(story, overlap, missed))


async def _count_ticks(story: Story, jitter_s: int) -> None:
    world = Clocked()
    await world.engine.open()
    schedules = Schedules(world.engine)
    world.catalog.triggers.put("tick", "schedule", "quick", {"every_s": 60, "missed": "all", "jitter_s": jitter_s})
    for step, happening in story:
        world.now += step
        schedules = await _happen(world, schedules, happening)
    world.now += 180_000
    await schedules.run_due()
    minutes = (world.now - BEGIN) // 60_000
    ticks = [f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00.000Z" for minute in range(1, minutes + 1)]
    found = sorted(input["time"] for input in (await world.started("quick")).values())
    assert found == ticks or (jitter_s and found == ticks[:-1])
    await world.engine.close()


async def _count_running(story: Story, overlap: str, missed: str) -> None:
    world = Clocked()
    await world.engine.open()
    schedules = Schedules(world.engine)
    world.catalog.triggers.put("tick", "schedule", "long", {"every_s": 60, "overlap": overlap, "missed": missed})
    for step, happening in story:
        world.now += step
        schedules = await _happen(world, schedules, happening)
        assert await _count(world, "RUNNING") <= 1
    assert overlap == "replace" or await _count(world, "ABORTED") == 0
    world.now += 1_000  # what was refused is tried again
    await schedules.run_due()
    world.now += 60_000 - world.now % 60_000
    await schedules.run_due()
    assert await _count(world, "RUNNING") == 1
    await world.engine.close()


async def _count(world: Clocked, status: str) -> int:
    return len((await world.engine.list("long", status)).items)


async def _happen(world: Clocked, schedules: Schedules, happening: Happening) -> Schedules:
    """One look at the clock; gives the schedules of the process that lives on."""
    triggers = world.catalog.triggers
    world.admits = happening != "overload"
    triggers.pause("tick", happening == "pause")
    with pytest.MonkeyPatch.context() as patch:
        if happening in ("nothing is noted", "only the first is noted"):
            patch.setattr(triggers.shelf, "put_progress", _forgetting(world, notes=happening != "nothing is noted"))
        with suppress(Unavailable):
            await schedules.run_due()
    world.admits = True
    triggers.pause("tick", False)
    if happening in ("nothing", "overload", "pause"):
        return schedules
    again = Schedules(world.engine)
    await again.read()
    return again


def _forgetting(world: Clocked, *, notes: int) -> Any:
    """The store keeps so many notes before it goes away."""
    keep, left = world.catalog.triggers.shelf.put_progress, [notes]

    def put_progress(progress: Any) -> None:
        if not left[0]:
            raise Unavailable("the disk is away")
        left[0] -= 1
        keep(progress)

    return put_progress
