"""Whatever happens between two looks at the clock, in the end each tick has exactly one execution."""

import asyncio
from contextlib import suppress
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfc.bridge.schedules import Schedules
from sfc.errors import Unavailable
from tests.unit.bridge.clocked import BEGIN, Clocked

Happening = Literal["crash", "crash before it is noted", "overload", "pause", "nothing"]
HAPPENINGS = st.tuples(
    st.integers(1, 200_000), st.sampled_from(["crash", "crash before it is noted", "overload", "pause", "nothing"])
)


@settings(max_examples=60)
@given(st.lists(HAPPENINGS, max_size=12), st.sampled_from([0, 40]))
def test_no_tick_is_lost_and_none_is_doubled(story: list[tuple[int, Happening]], jitter_s: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(_live(story, jitter_s, patch))


async def _live(story: list[tuple[int, Happening]], jitter_s: int, patch: pytest.MonkeyPatch) -> None:
    world = Clocked()
    await world.engine.open()
    settings = {"every_s": 60, "missed": "all", "jitter_s": jitter_s}
    world.catalog.triggers.put("tick", "schedule", "quick", settings)
    schedules = Schedules(world.engine)
    for step, happening in story:
        world.now += step
        schedules = await _happen(world, schedules, happening, patch)
    world.now += 180_000
    await schedules.run_due()
    minutes = (world.now - BEGIN) // 60_000
    started = await world.started("quick")
    ticks = [f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00.000Z" for minute in range(1, minutes + 1)]
    found = [input["time"] for input in started.values()]
    assert len(found) == len(set(found))
    assert sorted(found) == ticks or (jitter_s and sorted(found) == ticks[:-1])
    await world.engine.close()


async def _happen(world: Clocked, schedules: Schedules, happening: Happening, patch: pytest.MonkeyPatch) -> Schedules:
    if happening == "crash before it is noted":
        with patch.context() as inner:
            inner.setattr(world.catalog.triggers.shelf, "put_progress", _away)
            with suppress(Unavailable):
                await schedules.run_due()
    elif happening in ("overload", "pause"):
        world.admits = happening != "overload"
        world.catalog.triggers.pause("tick", happening == "pause")
        await schedules.run_due()
        world.admits = True
        world.catalog.triggers.pause("tick", False)
    else:
        await schedules.run_due()
    if not happening.startswith("crash"):
        return schedules
    again = Schedules(world.engine)
    await again.read()
    return again


def _away(progress: Any) -> None:
    raise Unavailable("the disk is away")
