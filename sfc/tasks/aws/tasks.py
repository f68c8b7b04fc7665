"""Resources of AWS services as routes of a worker."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import orjson

from sfc.asl.model import Resource
from sfc.jsonvalue import Json, text
from sfc.tasks.aws import gateway
from sfc.tasks.aws.calls import AwsCalls, parsed
from sfc.tasks.aws.jobs import Watch, judge, question, watch_of
from sfc.tasks.aws.settings import AwsSettings
from sfc.tasks.context import TaskError
from sfc.tasks.job import Job
from sfc.tasks.outcome import Begun
from sfc.tasks.registry import Handler

if TYPE_CHECKING:
    from sfc.tasks.http import HttpTasks

_GROWTH: Final = 1.5


class AwsTasks:
    """What the worker's routes ask for."""

    def __init__(self, settings: AwsSettings, threads: int) -> None:
        self._settings = settings
        self._calls = AwsCalls(settings, threads)

    def find(self, text: str) -> Handler | Callable[[Job, Any], Awaitable[Json]]:
        """Raises TaskError when no service does that."""
        resource = parsed(text)
        if resource.pattern not in ("sync", "sync:2"):
            return _handler(resource.text, partial(self._calls.do, resource=resource))
        watch = watch_of(resource)
        if watch is None:
            raise TaskError(
                "SFC.UnknownTask", f"Nothing here does {text}: {resource.service} has no such job to wait for"
            )
        return partial(self._begin, resource=resource, watch=watch)

    async def invoke_api(self, http: "HttpTasks", job: Job, call: Any) -> Json:
        """`apigateway:invoke`: an API of API Gateway, or of what stands in its place."""
        asked = gateway.asked_of(orjson.loads(job.input))
        if asked.signed:
            sign = _handler(job.resource, lambda _value, context: self._calls.signed(asked, context))
            asked = asked._replace(headers=await call(sign, None))
        return await gateway.invoke(http, asked, job.key)

    def close(self) -> None:
        self._calls.close()

    async def _begin(self, job: Job, call: Any, *, resource: Resource, watch: Watch) -> Json | Begun:
        """Begin the service's job, or ask after the one that has begun."""
        if job.begun:
            return await self._watch(job, call, resource, watch)
        begin = _handler(resource.text, partial(self._calls.do, resource=resource))
        return Begun(await call(begin, orjson.loads(job.input)))

    async def _watch(self, job: Job, call: Any, resource: Resource, watch: Watch) -> Json:
        """Returns when the service's job has ended; between two questions no thread is held."""
        ask = _handler(watch.operation, partial(self._calls.ask, resource=resource, action=watch.operation))
        asked = question(watch, orjson.loads(job.input), orjson.loads(job.begun))
        pause_s = self._settings.first_poll_s
        while (ended := judge(watch, await call(ask, asked))) is None:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * _GROWTH, self._settings.longest_poll_s)
        if ended.failed:
            raise TaskError("States.TaskFailed", text(ended.result))
        return ended.result


def _handler(name: str, function: Callable[..., Json]) -> Handler:
    return Handler(name, function, is_async=False, wants_context=True)
