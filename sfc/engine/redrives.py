"""How executions that ended unsuccessfully are made to go on."""

import asyncio
import logging
from typing import Final

from sfc.engine.host import Host
from sfc.engine.records import ExecutionRecord
from sfc.engine.resident import Divergence
from sfc.errors import Conflict, SfcError, Unavailable
from sfc.interpreter.entries import REDRIVEN, Redriven
from sfc.limits import REDRIVABLE_MS, REDRIVES
from sfc.store.ids import shard_of
from sfc.store.journal import ExecutionRow, Kept, Redrive

log = logging.getLogger(__name__)
_ENDED: Final = ("FAILED", "TIMED_OUT", "ABORTED")
_SAME_REQUEST_MS: Final = 900_000
"""How long a client token tells that a request is a repeated one."""
_CHILD: Final = "Execution is a child of a Map Run and is redriven with it"
_LEAST_EVENTS: Final = 2
"""What must be left of the history: for the redrive itself, and for an end."""


def why_not(status: str, stopped_at: int | None, redrives: int, now: int) -> str | None:
    """Why an execution cannot be redriven; None when it can, as far as its index row tells."""
    if status not in _ENDED:
        return f"Execution is {status} and cannot be redriven"
    if stopped_at is not None and now - stopped_at > REDRIVABLE_MS:
        return "Execution ended more than 14 days ago and cannot be redriven"
    if redrives >= REDRIVES:
        return f"Execution was redriven {REDRIVES} times and cannot be redriven again"
    return None


class Redrives:
    def __init__(self, host: Host) -> None:
        self._host = host
        self._under_way: dict[int, asyncio.Future[int]] = {}

    def why_not(self, record: ExecutionRecord) -> str | None:
        return why_not(record.status, record.stopped_at, record.redrives, self._host.clock())

    async def redrive(self, row: ExecutionRow, client_token: str) -> int:
        """When it went on, UTC ms. A request that is repeated (by its token, or because the first one is still under
        way) is answered like the first. Raises Conflict (ExecutionNotRedrivable), Unavailable.
        """
        if "/" in row.machine:
            raise _not_redrivable(_CHILD)
        return await self._once(row, client_token)

    async def _once(self, row: ExecutionRow, client_token: str) -> int:
        under_way = self._under_way.get(row.id)
        if under_way is None:
            under_way = self._under_way[row.id] = asyncio.ensure_future(self._redrive(row, client_token))
            under_way.add_done_callback(lambda _: self._under_way.pop(row.id, None))
        return await asyncio.shield(under_way)

    async def redrive_child(self, row: ExecutionRow) -> bool:
        """Have a child of a Map Run go on with it; False when that cannot be. Waits as long as the store is away."""
        delay = self._host.settings.retry_first_s
        while True:
            try:
                await self._once(row, "")
            except Unavailable:
                await asyncio.sleep(delay)
                delay = min(delay * 2, self._host.settings.retry_most_s)
            except SfcError as error:
                log.warning("the child execution %s could not be redriven: %s", row.name, error)
                return False
            else:
                return True

    async def _redrive(self, row: ExecutionRow, client_token: str) -> int:
        host = self._host
        before = await self._same_request(row, client_token)
        if before is not None:
            return before
        problem = why_not(row.status, row.stopped_at, row.redrives, host.clock())
        if problem is not None:
            raise _not_redrivable(problem)
        if not host.committer.owns(shard_of(row.id)):
            raise Unavailable("another engine has this execution")
        try:
            resident = await host.residence.load_ended(row)
        except Divergence as error:
            raise _not_redrivable(f"Execution replays differently and cannot be redriven: {error}") from None
        run = resident.run
        if run.last_event > run.event_limit - _LEAST_EVENTS:
            raise _not_redrivable(
                f"Execution has reached the maximum number of history events ({run.event_limit}) and cannot be redriven"
            )
        entry = Redriven(at=max(host.clock(), run.now), client_token=client_token)
        resident.redrives, resident.redriven_at = row.redrives + 1, entry.at
        decided: asyncio.Future[SfcError | None] = asyncio.get_running_loop().create_future()

        def answer(error: SfcError | None) -> None:
            if not decided.done():
                decided.set_result(error)

        host.residence.again(row.machine, row.name)
        host.residence.enter(resident)
        kept = Kept(redrives=[Redrive(row.id, resident.redrives, entry.at)])
        if not host.apply(resident, entry, answer, kept=kept):
            host.residence.broken.pop(row.id, None)
            raise SfcError("the execution could not go on because of a bug of SFC; see the log")
        refused = await decided
        if refused is not None:
            raise refused
        return entry.at

    async def _same_request(self, row: ExecutionRow, client_token: str) -> int | None:
        """When the request with this token was carried out, if it was a short while ago."""
        if not client_token or not row.redrives:
            return None
        redrives = await self._host.threads.call(lambda: self._host.store.entries(row.id, REDRIVEN, 0, REDRIVES))
        last = redrives[-1] if redrives else None
        if last is None or last.data != client_token.encode():
            return None
        return last.at if self._host.clock() - last.at <= _SAME_REQUEST_MS else None


def _not_redrivable(problem: str) -> Conflict:
    return Conflict(problem, code="ExecutionNotRedrivable")
