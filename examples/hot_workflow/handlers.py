"""The task of the hot workflow: half a second of waiting for somebody."""

import asyncio
from typing import Any

from sfc.tasks import task


@task("work")
async def work(value: Any) -> Any:
    await asyncio.sleep(0.5)
    return value
