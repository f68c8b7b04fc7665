"""Tells the scheduler what an engine has to do."""

import asyncio
import logging
from typing import Final

from ray.exceptions import RayError

from actors.clients import SchedulerClient
from actors.lanes import Lanes

_REPORT_S: Final = 1.0
_log = logging.getLogger("sfc.exchange")


async def tell_load(scheduler: SchedulerClient, engine: str, lanes: Lanes, news: asyncio.Event) -> None:
    """Once a second, and at once when there is news: jobs wait for a pool without workers. Returns never."""
    while True:
        try:
            async with asyncio.timeout(_REPORT_S):
                await news.wait()
        except TimeoutError:
            pass
        news.clear()
        if reports := lanes.reports():
            try:
                await scheduler.report(engine, reports)
            except RayError as error:
                _log.info("the scheduler does not hear of the load: %s", error)
