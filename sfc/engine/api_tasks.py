"""Tasks that are actions of the Step Functions API itself: `arn:aws:states:::aws-sdk:sfn:<action>`.

They are done in this process by whoever answers the API over HTTP; so a state machine can answer tokens, work for
activities and ask about executions. As any job they are done at least once.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import orjson

from sfc.asl.model import Resource
from sfc.engine.host import Host
from sfc.engine.resident import Resident
from sfc.errors import SfcError
from sfc.interpreter.commands import CloseTask, DispatchTask
from sfc.jsonvalue import Json
from sfc.store.journal import Kept, Waiting
from sfc.tasks.job import JobResult

log = logging.getLogger(__name__)
ApiCall: TypeAlias = Callable[[str, dict[str, Json]], Awaitable[Json]]
"""Action (`sendTaskSuccess`) and parameters, spelled as in a state machine, to the result. Raises SfcError."""


class ApiTasks:
    """Implements `OwnTasks` for actions of this API."""

    def __init__(self, host: Host, call: ApiCall) -> None:
        self._host = host
        self._call = call
        self._running: dict[Waiting, asyncio.Task[None]] = {}

    def takes(self, resource: Resource) -> bool:
        return resource.service == "aws-sdk:sfn" and not resource.is_child

    def begin(self, resident: Resident, job: DispatchTask) -> None:
        waiting = Waiting(resident.id, job.task, job.attempt)
        if waiting not in self._running:
            self._running[waiting] = self._host.errands.started(self._run(resident.key, waiting, job))

    def kept(self, resident: Resident, closed: CloseTask) -> Kept:
        return Kept()

    def close(self, resident: Resident, closed: CloseTask) -> None:
        """Nothing is kept."""

    def cancel(self, waiting: Waiting) -> None:
        running = self._running.pop(waiting, None)
        if running is not None:
            running.cancel()

    async def _run(self, execution: str, waiting: Waiting, job: DispatchTask) -> None:
        key, began = f"{execution}:{job.task}:{job.attempt}", self._host.clock()
        output, error, cause = await self._outcome(job)
        self._running.pop(waiting, None)
        self._host.results([JobResult(key, output, error, cause, began)])

    async def _outcome(self, job: DispatchTask) -> tuple[bytes | None, str | None, str | None]:
        """Output, or error and cause."""
        parameters = orjson.loads(job.input)
        if not isinstance(parameters, dict):
            return None, "States.Runtime", f"The parameters of {job.resource.action} must be an object"
        try:
            async with asyncio.timeout(job.timeout_s):
                return orjson.dumps(await self._call(job.resource.action, parameters)), None, None
        except TimeoutError:
            return None, "States.Timeout", None
        except SfcError as error:
            return None, *refusal(error)
        except Exception as error:
            log.exception("%s failed", job.resource.text)
            return None, *refusal(SfcError(f"The server failed to handle this request: {error!r}"))


def refusal(error: SfcError) -> tuple[str, str]:
    """Error and cause as the AWS SDK for Java reports what the service refused."""
    about = f"(Service: Sfn, Status Code: {error.status}, Request ID: {uuid.uuid4()}) (SDK Attempt Count: 1)"
    code = error.code if error.code.endswith("Exception") else f"{error.code}Exception"
    return f"Sfn.{code}", f"{error.message} {about}"
