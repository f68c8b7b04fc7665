"""From the text of a Resource to what does the job."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from sfc.jsonvalue import Json
from sfc.tasks import lambdas
from sfc.tasks.aws.settings import AwsSettings
from sfc.tasks.context import TaskError
from sfc.tasks.job import Job
from sfc.tasks.registry import Handler, TaskRegistry

if TYPE_CHECKING:
    from sfc.tasks.aws.tasks import AwsTasks
    from sfc.tasks.grpc.tasks import GrpcTasks
    from sfc.tasks.http import HttpTasks
    from sfc.tasks.lambdas import LambdaEndpoint

CallHandler: TypeAlias = Callable[[Handler, Json], Awaitable[Any]]
"""Runs a handler with this input, as a part of the job at hand."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Has a job done by who keeps its time-out and its heartbeats too."""

    perform: Callable[[Job], Awaitable[Json]]


Route: TypeAlias = Handler | Elsewhere | Callable[[Job, CallHandler], Awaitable[Json]]

_SERVICES: Final = "arn:aws:states:::"


class Routes:
    """Looks Resources up, once each. A handler registered for the very text always wins."""

    def __init__(
        self, registry: TaskRegistry, lambda_endpoint: str | None, aws: AwsSettings | None = None, threads: int = 1
    ) -> None:
        """`threads`: how many handlers that block may run at once."""
        self._registry = registry
        self._endpoint_url = lambda_endpoint
        self._aws_settings = (aws or AwsSettings()).otherwise("lambda", lambda_endpoint)
        self._threads = threads
        self._aws: AwsTasks | None = None
        self._endpoint: LambdaEndpoint | None = None
        self._http: HttpTasks | None = None
        self._grpc: GrpcTasks | None = None
        self._known: dict[str, Route] = {}
        self._known_at = 0

    def find(self, resource: str) -> Route:
        """Raises TaskError when nothing does that: SFC.UnknownTask, for a function Lambda.ResourceNotFoundException."""
        if self._known_at != self._registry.changes:
            self._known.clear()
            self._known_at = self._registry.changes
        route = self._known.get(resource)
        if route is None:
            route = self._known[resource] = self._look_up(resource)
        return route

    async def close(self) -> None:
        if self._endpoint is not None:
            await self._endpoint.close()
        if self._http is not None:
            await self._http.close()
        if self._grpc is not None:
            await self._grpc.close()
        if self._aws is not None:
            self._aws.close()

    def _look_up(self, resource: str) -> Route:
        handler = self._registry.matching(resource)
        if handler is not None:
            return handler
        scheme, _, rest = resource.partition(":")
        if scheme == "task":
            return self.task(*rest.partition(":")[::2])
        if scheme in {"http", "https"}:
            return self._post
        if scheme in {"grpc", "grpcs"}:
            return self.grpc_tasks().find(resource)
        if resource.startswith("arn:") and resource.split(":")[2:3] == ["lambda"]:
            return self._function(resource)
        if resource.startswith(f"{_SERVICES}lambda:invoke"):
            return self._invoke_function
        if resource.startswith(f"{_SERVICES}http:invoke"):
            return self._invoke_http
        if resource.startswith(f"{_SERVICES}apigateway:invoke"):
            return self._invoke_api
        if resource.startswith("arn:") and resource.split(":")[2:3] == ["states"] and ":activity:" not in resource:
            return self._aws_tasks().find(resource)
        known = ", ".join(self._registry.names()[:20]) or "none"
        raise TaskError("SFC.UnknownTask", f"Nothing here does {resource}; registered handlers: {known}")

    def task(self, name: str, version: str = "") -> Handler:
        """The handler registered under this name. Raises TaskError (SFC.UnknownTask)."""
        handler = self._registry.named(name)
        if handler is None:
            known = ", ".join(self._registry.names()[:20]) or "none"
            raise TaskError("SFC.UnknownTask", f"No handler is registered for task {name!r}; there are: {known}")
        if version and version != handler.version:
            has = f"version {handler.version}" if handler.version else "no version"
            raise TaskError("SFC.UnknownTask", f"Task {name!r} has {has} here, not version {version}")
        return handler

    def _function(self, resource: str) -> Route:
        target = lambdas.function(resource)
        handler = self._registry.named(target.name)
        if handler is not None:
            return handler
        if self._endpoint_url is None:
            raise lambdas.not_found(target)
        endpoint = self._lambda_endpoint()
        return lambda job, _call: endpoint.call(target, job.input, job.key)

    async def _invoke_function(self, job: Job, call: CallHandler) -> Json:
        parameters = orjson.loads(job.input)
        if not isinstance(parameters, dict):
            raise TaskError("States.Runtime", "The parameters of lambda:invoke must be an object")
        target = lambdas.function(parameters.get("FunctionName"), parameters.get("Qualifier"))
        handler = self._registry.matching(target.text) or self._registry.named(target.name)
        if handler is not None:
            return lambdas.invoked(await call(handler, lambdas.event_of(parameters)))
        if self._endpoint_url is None:
            raise lambdas.not_found(target)
        return await self._lambda_endpoint().invoke(target, parameters, job.key)

    async def _post(self, job: Job, _call: CallHandler) -> Json:
        return await self.http_tasks().post(job.resource, job.input, job.key)

    async def _invoke_api(self, job: Job, call: CallHandler) -> Json:
        return await self._aws_tasks().invoke_api(self.http_tasks(), job, call)

    async def _invoke_http(self, job: Job, _call: CallHandler) -> Json:
        return await self.http_tasks().invoke(orjson.loads(job.input), job.key)

    def _lambda_endpoint(self) -> "LambdaEndpoint":
        if self._endpoint is None:
            assert self._endpoint_url is not None
            self._endpoint = lambdas.LambdaEndpoint(self._endpoint_url)
        return self._endpoint

    def http_tasks(self) -> "HttpTasks":
        if self._http is None:
            from sfc.tasks.http import HttpTasks

            self._http = HttpTasks()
        return self._http

    def grpc_tasks(self) -> "GrpcTasks":
        if self._grpc is None:
            try:
                from sfc.tasks.grpc.tasks import GrpcTasks
            except ModuleNotFoundError as error:
                raise TaskError(
                    "SFC.GrpcNotInstalled", f"{error}: pip install 'service-flow-conductor[grpc]'"
                ) from None
            self._grpc = GrpcTasks()
        return self._grpc

    def _aws_tasks(self) -> "AwsTasks":
        if self._aws is None:
            from sfc.tasks.aws.tasks import AwsTasks

            self._aws = AwsTasks(self._aws_settings, self._threads)
        return self._aws
