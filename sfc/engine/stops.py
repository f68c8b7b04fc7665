"""How executions are ended from outside, one by one or with their blueprint."""

import asyncio
import logging

from sfc.asl.expression import Failure
from sfc.engine.host import Host
from sfc.engine.resident import Resident, Work, stand_in
from sfc.errors import InvalidRequest, SfcError, Unavailable
from sfc.interpreter.entries import Stopped
from sfc.limits import CAUSE_CHARS, ERROR_CHARS
from sfc.store.ids import shard_of
from sfc.store.journal import ExecutionChange, ExecutionRow, Wanted

log = logging.getLogger(__name__)
_PAGE = 200


class Stops:
    def __init__(self, host: Host) -> None:
        self._host = host

    async def stop(self, row: ExecutionRow, failure: Failure) -> int:
        """When the execution stopped, UTC ms. Raises InvalidRequest for an error or cause that is too long."""
        for field, value, most in (("error", failure.error, ERROR_CHARS), ("cause", failure.cause, CAUSE_CHARS)):
            if value is not None and len(value) > most:
                raise InvalidRequest(f"{field} must have at most {most} characters", field=field)
        if row.stopped_at is not None:
            return row.stopped_at
        resident = await self._host.residence.load(row.id, shard_of(row.id))
        if resident is None and row.id in self._host.residence.broken:
            version = self._host.catalog.version(row.version)
            return await self._commit(stand_in(self._host.partition, version, row), failure, alive=False)
        if resident is None or resident.run.done:  # its end is written, or about to be
            await self._host.committer.settled()
            now = await self._host.threads.call(lambda: self._host.store.get(row.id))
            if now is None or now.stopped_at is None:
                raise Unavailable("the execution could not be stopped just now")
            return now.stopped_at
        return await self._commit(resident, failure, alive=True)

    async def _commit(self, resident: Resident, failure: Failure, *, alive: bool) -> int:
        host = self._host
        decided: asyncio.Future[SfcError | None] = asyncio.get_running_loop().create_future()
        entry = Stopped(at=host.at(resident), failure=failure)

        def answer(error: SfcError | None) -> None:
            if not decided.done():
                decided.set_result(error)

        if alive:
            if not host.apply(resident, entry, answer):
                raise SfcError("the execution stopped at a bug of SFC; see the log")
        else:
            change = ExecutionChange(resident.id, None, "ABORTED", entry.at, None, failure.error, failure.cause)
            resident.pending += 1
            host.committer.add(Work(resident, entry, True, 0, (), None, change, answer))
        error = await decided
        if error is not None:
            raise error
        host.residence.broken.pop(resident.id, None)
        return entry.at

    async def forget(self, machine: str) -> None:
        """Stop what a deleted blueprint still runs, then forget it and all its executions."""
        host = self._host
        delay = host.settings.retry_first_s
        await host.committer.settled()  # starts that were on their way when the blueprint was deleted
        while True:
            try:
                rows = await host.threads.call(
                    lambda: host.store.list(Wanted(family=machine, status="RUNNING"), None, _PAGE)
                )
                for row in rows:
                    await self.stop(row, Failure(None, "The state machine was deleted."))
                if not rows:
                    host.residence.forget(machine)
                    await host.threads.call(lambda: host.store.forget_machine(machine))
                    await host.threads.call(lambda: host.store.forget_pauses("blueprint", machine, host.clock() + 1))
                    host.gate.forget(("blueprint", machine))
                    await host.threads.call(lambda: host.catalog.purge(machine))
                    return
            except SfcError as error:
                log.warning("the deleted state machine %s could not be forgotten yet: %s", machine, error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, host.settings.retry_most_s)
