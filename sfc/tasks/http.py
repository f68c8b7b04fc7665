"""Tasks that are HTTP calls: a URL as Resource, and `arn:aws:states:::http:invoke`.

Anything but 2xx fails with States.Http.StatusCode.nnn and the body as Cause; no answer at all, or none within a
minute, with States.Http.Socket. Source: Step Functions, "Call HTTPS APIs". Link-local addresses, where clouds keep the
credentials of their machines, are never called.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Iterable
from typing import Any, Final

import httpcore
import httpx
import orjson

from sfc.jsonvalue import Json
from sfc.limits import CAUSE_CHARS, PAYLOAD_BYTES
from sfc.tasks.context import TaskError

_ANSWER_S: Final = 60.0
_CONNECTIONS: Final = 256
_METADATA: Final = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200")))
"""Metadata services outside the link-local ranges."""


class EgressRefused(OSError):
    """The address is one that no task may call."""


def refuse_metadata(address: str) -> None:
    """Raises EgressRefused for link-local addresses (169.254.0.0/16, fe80::/10) and known metadata services."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_link_local or found in _METADATA:
        raise EgressRefused(f"{address} is a link-local or metadata address")


class _Guard(httpcore.AsyncNetworkBackend):
    """Looks at the address that a name led to, before a byte is sent: checking the name alone could be fooled."""

    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await asyncio.get_running_loop().getaddrinfo(host, port)
        for *_, address in addresses:
            refuse_metadata(str(address[0]))
        stream = await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        try:
            refuse_metadata(str(stream.get_extra_info("server_addr")[0]))
        except EgressRefused:
            await stream.aclose()
            raise
        return stream

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise EgressRefused("unix sockets are not called")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def pooled_client(*, answer_s: float | None = _ANSWER_S, guarded: bool = True) -> httpx.AsyncClient:
    """A client that keeps connections open, follows no redirects and takes no proxy from the environment."""
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    transport = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
    if guarded:
        transport._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            network_backend=_Guard(),
        )
    timeout = httpx.Timeout(answer_s, connect=10.0, pool=None)
    return httpx.AsyncClient(transport=transport, timeout=timeout, trust_env=False)


class HttpTasks:
    """Both forms of an HTTP task, on one pool of connections."""

    def __init__(self) -> None:
        self._client = pooled_client()

    async def post(self, url: str, value: bytes, key: str) -> Json:
        """The Resource is the URL: the input goes there as JSON, the answer's body is the result."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        response, body = await self._send(self._client.build_request("POST", url, content=value, headers=headers))
        return _body(response, body)

    async def request(self, given: dict[str, Any]) -> Json:
        """Any request, as httpx builds it; the answer's body is the result."""
        response, body = await self._send(self._client.build_request(**given))
        return _body(response, body)

    async def invoke(self, parameters: Json, key: str) -> Json:
        """`http:invoke`. Returns {Headers, ResponseBody, StatusCode, StatusText}."""
        return await self.answer(asked_of(parameters), key)

    async def answer(self, given: dict[str, Any], key: str) -> Json:
        """Any request, as httpx builds it, with all of its answer, shaped as that of `invoke`."""
        request = self._client.build_request(**given)
        request.headers.setdefault("Idempotency-Key", key)
        response, body = await self._send(request)
        names = dict.fromkeys(name.lower() for name in response.headers)
        return {
            "Headers": {name: response.headers.get_list(name) for name in names},
            "ResponseBody": _body(response, body),
            "StatusCode": response.status_code,
            "StatusText": response.reason_phrase,
        }

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        try:
            async with asyncio.timeout(_ANSWER_S):
                response = await self._client.send(request, stream=True)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except EgressRefused as error:
            raise TaskError("SFC.EgressRefused", f"{request.url.host}: {error}") from None
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            cause = f"{request.method} {request.url}: {type(error).__name__}: {error}"
            raise TaskError("States.Http.Socket", cause) from None
        if not response.is_success:
            cause = body.decode("utf-8", "replace")[:CAUSE_CHARS]
            raise TaskError(f"States.Http.StatusCode.{response.status_code}", cause)
        return response, body


def asked_of(parameters: Json) -> dict[str, Any]:
    """What `http:invoke` is to send, as httpx builds requests. Raises TaskError."""
    if not isinstance(parameters, dict) or not isinstance(parameters.get("ApiEndpoint"), str):
        raise TaskError("States.Runtime", "The field 'ApiEndpoint' of http:invoke must be a URL")
    headers = httpx.Headers(_texts(parameters, "Headers"))
    content = parameters.get("RequestBody")
    if content is not None:
        headers.setdefault("Content-Type", "application/json")
    return {
        "method": str(parameters.get("Method", "GET")),
        "url": parameters["ApiEndpoint"],
        "headers": headers,
        "params": _texts(parameters, "QueryParameters") or None,
        "content": None if content is None else orjson.dumps(content),
    }


async def _read(response: httpx.Response) -> bytes:
    """The body, of one that is too large only its beginning."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > PAYLOAD_BYTES:
            if response.is_success:
                raise TaskError(
                    "States.DataLimitExceeded",
                    f"The answer of {response.request.url} exceeds the maximum number of bytes service limit.",
                )
            break
    return bytes(body)


def _body(response: httpx.Response, body: bytes) -> Json:
    if not body:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(response.encoding or "utf-8", "replace")


def _texts(parameters: dict[str, Json], field: str) -> dict[str, Any]:
    found = parameters.get(field) or {}
    if not isinstance(found, dict):
        raise TaskError("States.Runtime", f"The field '{field}' of http:invoke must be an object")
    return {name: _text(value) for name, value in found.items()}


def _text(value: Json) -> Any:
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value if isinstance(value, str) else orjson.dumps(value).decode()
