"""Calls methods: channels kept per server, what a server described kept for a while, status codes as errors."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import grpc
import orjson

from sfc.jsonvalue import Json
from sfc.limits import CAUSE_CHARS, GRPC_CHANNELS, PAYLOAD_BYTES
from sfc.tasks.context import TaskError
from sfc.tasks.grpc.methods import InvalidDescriptors, Method, Services, files_of
from sfc.tasks.grpc.reflection import services_of
from sfc.tasks.http import EgressRefused, refuse_metadata
from sfc.tasks.job import Job

_DESCRIBED_S: Final = 300.0
"""After this a server is asked anew what it has."""
_MISSED_S: Final = 5.0
"""After this already, when it did not describe what is wanted: it may have been updated meanwhile."""
_OPTIONS: Final = (("grpc.enable_http_proxy", 0), ("grpc.max_reconnect_backoff_ms", 2_000))


class GrpcUrl(NamedTuple):
    secure: bool
    target: str
    """`host:port`."""
    service: str
    method: str

    @classmethod
    def of(cls, url: str) -> "GrpcUrl":
        """Raises TaskError when it is none."""
        parts = urlsplit(url)
        _, service, method = [*parts.path.split("/"), "", "", ""][:3]
        if parts.scheme not in ("grpc", "grpcs") or not parts.netloc or not service or not method:
            raise TaskError("SFC.UnknownTask", f"{url} is not grpc://<host>:<port>/<package.Service>/<Method>")
        return cls(parts.scheme == "grpcs", parts.netloc, service, method)


class _Server:
    """One server: its channel, and what it said of its services."""

    def __init__(self, channel: Any, target: str) -> None:
        self.channel = channel
        self.calls = 0
        self._target = target
        self._known: dict[str, tuple[Services, float]] = {}
        self._lock = asyncio.Lock()

    async def method(self, service: str, method: str) -> Method:
        services = await self._services(service, _DESCRIBED_S)
        try:
            return services.method(service, method)
        except TaskError:
            return (await self._services(service, _MISSED_S)).method(service, method)

    async def understood(self, service: str, method: Method, value: Json) -> tuple[Method, Any]:
        """The method and its request; asked anew when the input has what the server did not have before."""
        try:
            return method, method.request(value)
        except TaskError:
            fresh = (await self._services(service, _MISSED_S)).method(service, method.path.rpartition("/")[2])
            return fresh, fresh.request(value)

    async def _services(self, service: str, at_most_s: float) -> Services:
        async with self._lock:  # a burst of jobs asks once
            known = self._known.get(service)
            if known is not None and time.monotonic() - known[1] < at_most_s:
                return known[0]
            services = await services_of(self.channel, self._target, service)
            self._known[service] = services, time.monotonic()
            return services


class GrpcTasks:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._servers: OrderedDict[tuple[bool, str], _Server] = OrderedDict()

    def find(self, url: str, descriptors: bytes | None = None) -> Callable[[Job, Any], Coroutine[Any, Any, Json]]:
        """What calls the method, for any job. `descriptors` is a FileDescriptorSet; None: the server is asked.

        Raises TaskError.
        """
        where = GrpcUrl.of(url)
        method: Method | None = None
        if descriptors is not None:
            try:
                method = Services(files_of(descriptors)).method(where.service, where.method)
            except InvalidDescriptors as error:
                raise TaskError("SFC.InvalidDescriptors", str(error)) from None
        return lambda job, _call: self._call(where, method, job)

    async def close(self) -> None:
        servers = list(self._servers.values())
        self._servers.clear()
        for server in servers:
            await server.channel.close()

    async def _call(self, where: GrpcUrl, described: Method | None, job: Job) -> Json:
        ends = None if job.timeout_s is None else time.monotonic() + job.timeout_s
        value = orjson.loads(job.input)
        async with self._server(where) as server:
            try:
                if described is None:
                    found = await server.method(where.service, where.method)
                    method, request = await server.understood(where.service, found, value)
                else:
                    method, request = described, described.request(value)
                left = None if ends is None else max(ends - time.monotonic(), 0)
                return await _ask(server.channel, method, request, left, metadata_of(job))
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and ends is not None and time.monotonic() >= ends:
                    raise TaskError("States.Timeout") from None
                raise failure_of(error, where.target) from None

    @asynccontextmanager
    async def _server(self, where: GrpcUrl) -> AsyncIterator[_Server]:
        key = (where.secure, where.target)
        server = self._servers.get(key)
        if server is None:
            await _refuse_metadata(where.target)
            server = self._servers.get(key)  # another job may have been faster
        if server is None:
            server = self._servers[key] = _Server(_channel(where), where.target)
        self._servers.move_to_end(key)
        server.calls += 1
        try:
            yield server
        finally:
            server.calls -= 1
            await self._close_idle()

    async def _close_idle(self) -> None:
        """Keep the channels used last; one that is in use is never closed."""
        surplus = len(self._servers) - GRPC_CHANNELS
        idle = [key for key, server in self._servers.items() if not server.calls]
        for server in [self._servers.pop(key) for key in idle[: max(surplus, 0)]]:
            await server.channel.close()


def metadata_of(job: Job) -> tuple[tuple[str, str], ...]:
    """What a service is told beside the message. All calls of an execution have the same W3C trace, each attempt a
    span of its own; a repeated attempt repeats both."""
    trace = hashlib.blake2b(job.execution.encode(), digest_size=16).hexdigest()
    span = hashlib.blake2b(job.key.encode(), digest_size=8).hexdigest()
    return (
        ("idempotency-key", job.key),
        ("traceparent", f"00-{trace}-{span}-01"),
        ("sfc-execution", quote(job.execution, safe=":/")),
    )


def failure_of(error: Any, target: str) -> TaskError:
    """`Grpc.` and the name of the status code; the Cause is what the server said of it."""
    details = error.details() or f"{target} gave no details"
    return TaskError(f"Grpc.{error.code().name}", details[:CAUSE_CHARS])


def _channel(where: GrpcUrl) -> Any:
    if where.secure:
        return grpc.aio.secure_channel(where.target, grpc.ssl_channel_credentials(), options=_OPTIONS)
    return grpc.aio.insecure_channel(where.target, options=_OPTIONS)


async def _refuse_metadata(target: str) -> None:
    parts = urlsplit(f"//{target}")
    try:
        for *_, address in await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port):
            refuse_metadata(str(address[0]))
    except EgressRefused as error:
        raise TaskError("SFC.EgressRefused", f"{target}: {error}") from None
    except OSError as error:
        raise TaskError("Grpc.UNAVAILABLE", f"{target}: {error}") from None


async def _ask(channel: Any, method: Method, request: Any, timeout_s: float | None, metadata: Any) -> Json:
    serialize, read = method.takes.SerializeToString, method.gives.FromString
    if not method.streams:
        unary = channel.unary_unary(method.path, serialize, read)
        return method.answer(await unary(request, timeout=timeout_s, metadata=metadata))
    call = channel.unary_stream(method.path, serialize, read)(request, timeout=timeout_s, metadata=metadata)
    answers: list[Json] = []
    size = 2
    try:
        async for message in call:
            answers.append(method.answer(message))
            size += len(orjson.dumps(answers[-1])) + 1
            if size > PAYLOAD_BYTES:
                raise TaskError(
                    "States.DataLimitExceeded",
                    f"The answers of {method.path} together exceed the maximum number of bytes service limit.",
                )
    finally:
        call.cancel()
    return answers
