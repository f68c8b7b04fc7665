"""The server as the commands see it: its REST API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sfc.cli.output import Failed

DEFAULT_URL = "http://127.0.0.1:8000"
UrlOption = Annotated[str, typer.Option("--url", envvar="SFC_URL", help="Where the server is.")]

_TIMEOUT_S = 30.0
"""Above the longest wait that the server allows in one request."""


class Client:
    """Calls of one server. Failures raise Failed with one line that says what to do."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def call(self, method: str, path: str, *, params: dict[str, Any] | None = None, body: Any = None) -> Any:
        """The JSON value answered, None when there is none."""
        import httpx

        given = {key: value for key, value in (params or {}).items() if value is not None}
        with self._connecting():
            response = httpx.request(method, self._url + path, params=given, json=body, timeout=_TIMEOUT_S)
        if response.is_error:
            raise Failed(_reason(response.status_code, response.content))
        return response.json() if response.content else None

    def upload(self, path: str, data: bytes) -> Any:
        """PUT of a zip; the JSON value answered."""
        import httpx

        headers = {"Content-Type": "application/zip"}
        with self._connecting():
            response = httpx.put(self._url + path, content=data, headers=headers, timeout=_TIMEOUT_S)
        if response.is_error:
            raise Failed(_reason(response.status_code, response.content))
        return response.json()

    def events(self, path: str) -> Iterator[tuple[str, Any]]:
        """(kind, value) of server-sent events until the server ends them."""
        import httpx
        import orjson

        with self._connecting(), httpx.stream("GET", self._url + path, timeout=_TIMEOUT_S) as response:
            if response.is_error:
                raise Failed(_reason(response.status_code, response.read()))
            kind = ""
            for line in response.iter_lines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield kind, orjson.loads(line.removeprefix("data: "))

    @contextmanager
    def _connecting(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except httpx.ConnectError:
            raise Failed(f"no server at {self._url}; start one with `sfc up`, or say where it is with --url") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Failed(f"{self._url}: {error or type(error).__name__}") from None


def _reason(status: int, content: bytes) -> str:
    import orjson

    try:
        found = orjson.loads(content)
        lines = [f"  {d['location'] or '/'}: {d['message']} ({d['code']})" for d in found["diagnostics"]]
        what = "the definition has errors" if lines else found["message"]
        lines.insert(0, f"{found['error']}: {what}")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"the server answered with HTTP status {status}"
    return "\n".join(lines)


def execution_path(execution: str) -> str:
    """Where an execution, given as ARN or `blueprint:name`, is in the API."""
    return f"/api/executions/{quote(execution, safe=':')}"
