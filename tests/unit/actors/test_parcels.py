"""What a worker's jobs wait for and an engine brings."""

import asyncio

import pytest

from actors.parcels import Parcels
from sfc.errors import Unavailable


async def test_whoever_waits_gets_what_is_brought() -> None:
    parcels = Parcels()
    waiting = [asyncio.ensure_future(parcels.fetch("d")) for _ in range(2)]
    assert await parcels.wanted(10) == ["d"]
    assert await parcels.wanted(0) == ["d"]  # until it came: another engine may have to bring it
    parcels.bring("d", b"data", "")
    parcels.bring("d", b"again", "")
    assert await asyncio.gather(*waiting) == [b"data", b"data"]
    assert await parcels.wanted(0) == []


async def test_a_call_that_waits_is_told_of_the_next_wish() -> None:
    parcels = Parcels()
    told = asyncio.ensure_future(parcels.wanted(10))
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(parcels.fetch("d"))
    assert await told == ["d"]
    parcels.bring("d", None, "there is none")
    with pytest.raises(Unavailable, match="there is none"):
        await waiting
