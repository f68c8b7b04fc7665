"""What the holders of task tokens say: SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat.

A token is checked by itself (it was made with the store's secret) and against its execution, which is read when it is
not in memory: the attempt must still wait. What is acknowledged is on disk; a heartbeat is only remembered.
"""

import asyncio
from typing import Final, NoReturn

from sfc import jsonvalue
from sfc.asl.expression import Failure
from sfc.engine.host import Host
from sfc.engine.resident import Resident
from sfc.errors import Conflict, InvalidRequest, InvalidToken, NotFound, SfcError
from sfc.interpreter import task_token
from sfc.interpreter.entries import TaskFailed, TaskSucceeded
from sfc.store.ids import shard_of
from sfc.store.journal import Waiting

_ACCEPTANCE_S: Final = 0.25
_LOOK_S: Final = 0.025


class Callbacks:
    def __init__(self, host: Host) -> None:
        self._host = host

    async def succeed(self, token: str, output: str) -> None:
        """The task goes on with `output`, JSON text."""
        waiting = self._read(token)  # a token that is none is said so before anything about the output
        data = _checked(output)
        resident = await self._acceptance(waiting)
        at = self._host.at(resident)
        await self._apply(
            resident, TaskSucceeded(at=at, task=waiting.task, attempt=waiting.attempt, output=data)
        )  # fmt: skip

    async def fail(self, token: str, error: str | None, cause: str | None) -> None:
        waiting = self._read(token)
        resident = await self._acceptance(waiting)
        at = self._host.at(resident)
        failure = Failure(error, cause)
        await self._apply(resident, TaskFailed(at=at, task=waiting.task, attempt=waiting.attempt, failure=failure))

    async def heartbeat(self, token: str) -> None:
        """The task's HeartbeatSeconds begin anew."""
        waiting = self._read(token)
        if not self._host.heartbeats.knows(waiting):
            await self._find(waiting)
        self._host.heartbeats.heard(waiting, self._host.clock())

    async def _acceptance(self, waiting: Waiting) -> Resident:
        """The execution, after the service that was given the token has had a moment to say that it took the job.

        Its answer and the token's race each other; told in the order of what happened, a history says more.
        """
        resident = await self._find(waiting)
        left_s = _ACCEPTANCE_S
        while left_s > 0 and waiting.task in resident.run.jobs and _is_open(resident, waiting):
            await asyncio.sleep(_LOOK_S)
            left_s -= _LOOK_S
        return await self._find(waiting)

    async def _apply(self, resident: Resident, entry: TaskSucceeded | TaskFailed) -> None:
        decided: asyncio.Future[SfcError | None] = asyncio.get_running_loop().create_future()
        if not self._host.apply(
            resident, entry, lambda error: None if decided.done() else decided.set_result(error)
        ):  # fmt: skip
            raise SfcError("the execution stopped at a bug of SFC; see the log")
        error = await decided
        if error is not None:
            raise error

    def _read(self, token: str) -> Waiting:
        """What the token answers for. Raises InvalidToken."""
        place = task_token.read(self._host.secret, token)
        if place is None:
            raise InvalidToken("Invalid Token: 'Invalid token'")
        return Waiting(*place)

    async def _find(self, waiting: Waiting) -> Resident:
        """The execution that waits for the token. Raises NotFound (TaskDoesNotExist), Conflict (TaskTimedOut)."""
        resident = await self._host.residence.load(waiting.execution, shard_of(waiting.execution))
        if resident is None:
            await self._refuse(waiting)
        if not _is_open(resident, waiting):
            raise _over()
        return resident

    async def _refuse(self, waiting: Waiting) -> NoReturn:
        row = await self._host.threads.look_up(lambda: self._host.store.get(waiting.execution))
        if row is None:
            raise NotFound("Task Does Not Exist: 'Provided task does not exist'", code="TaskDoesNotExist")
        raise _over()


def _is_open(resident: Resident, waiting: Waiting) -> bool:
    job = resident.run.open_job(waiting.task, waiting.attempt)
    return job is not None and job.resource.has_token


def _over() -> Conflict:
    return Conflict("Task Timed Out: 'Provided task does not exist anymore'", code="TaskTimedOut")


def _checked(output: str) -> bytes:
    try:
        data = output.encode()
        jsonvalue.loads(data)
    except (jsonvalue.NotJson, UnicodeEncodeError) as error:
        raise InvalidRequest(f"Invalid Output: '{error}'", code="InvalidOutput", field="output") from None
    return data
