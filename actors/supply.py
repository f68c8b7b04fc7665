"""Brings a worker the task metas and packages that its jobs wait for, as long as it lives."""

import asyncio
import logging
from typing import Final

from ray.exceptions import ActorUnavailableError, RayActorError, RayError

from actors.clients import WorkerClient
from actors.worker import POLL_S
from sfc.errors import SfcError
from sfc.tasks.deployed import Fetch

_AGAIN_S: Final = 0.2
_log = logging.getLogger("sfc.exchange")


async def supply(worker: WorkerClient, fetch: Fetch) -> None:
    """Returns when the worker is dead."""
    while True:
        try:
            for digest in await worker.wanted(POLL_S):
                await _bring(worker, fetch, digest)
        except ActorUnavailableError:
            await asyncio.sleep(_AGAIN_S)
        except RayActorError:
            return
        except RayError:
            _log.exception("a worker could not be given what it wants")
            await asyncio.sleep(_AGAIN_S)


async def _bring(worker: WorkerClient, fetch: Fetch, digest: str) -> None:
    try:
        data = await fetch(digest)
    except SfcError as error:
        await worker.keep(digest, None, str(error))
    else:
        await worker.keep(digest, data, "")
