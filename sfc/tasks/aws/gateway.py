"""`apigateway:invoke`: a request to an API of API Gateway. Source: Step Functions, "Call API Gateway REST APIs"."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from sfc.jsonvalue import Json, dumps, text
from sfc.tasks.context import TaskError

if TYPE_CHECKING:
    from sfc.tasks.http import HttpTasks

_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_STATUS: Final = "States.Http.StatusCode."


class Asked(NamedTuple):
    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None
    signed: bool
    """By the worker's credentials, or those of the state's role: AuthType IAM_ROLE."""


def asked_of(parameters: Json) -> Asked:
    """The request that the parameters describe. Raises TaskError."""
    if not isinstance(parameters, dict):
        raise _wrong("must be an object")
    endpoint, method = parameters.get("ApiEndpoint"), parameters.get("Method")
    if not isinstance(endpoint, str) or not endpoint:
        raise _wrong("The field 'ApiEndpoint' is required but was missing")
    if method not in _METHODS:
        raise _wrong("The value of the field 'Method' has an invalid format")
    base = endpoint if "://" in endpoint else f"https://{endpoint}"
    stage, path = str(parameters.get("Stage") or ""), str(parameters.get("Path") or "")
    url = base.rstrip("/") + "".join(
        f"/{quote(part.strip('/'), safe='/%')}" for part in (stage, path) if part.strip("/")
    )
    query = [(name, each) for name, values in _members(parameters, "QueryParameters") for each in values]
    content = parameters.get("RequestBody")
    headers = {name: ", ".join(values) for name, values in _members(parameters, "Headers")}
    if content is not None and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = "application/json"
    return Asked(
        method, f"{url}?{urlencode(query)}" if query else url, headers, None if content is None else dumps(content),
        parameters.get("AuthType") == "IAM_ROLE",
    )  # fmt: skip


def _members(parameters: dict[str, Json], field: str) -> list[tuple[str, list[str]]]:
    found = parameters.get(field) or {}
    if not isinstance(found, dict):
        raise _wrong(f"The value of the field '{field}' has an invalid format")
    return [
        (
            name,
            [each if isinstance(each, str) else text(each) for each in (value if isinstance(value, list) else [value])],
        )
        for name, value in found.items()
    ]


async def invoke(http: "HttpTasks", asked: Asked, key: str) -> Json:
    """Returns {Headers, ResponseBody, StatusCode, StatusText}; other answers than 2xx fail with ApiGateway.nnn."""
    request: dict[str, Any] = {
        "method": asked.method, "url": asked.url, "headers": asked.headers, "content": asked.content,
    }  # fmt: skip
    try:
        return await http.answer(request, key)
    except TaskError as error:
        if error.error.startswith(_STATUS):
            raise TaskError(f"ApiGateway.{error.error.removeprefix(_STATUS)}", error.cause) from None
        if error.error == "States.Http.Socket":
            raise TaskError("ApiGateway.SdkClientException", error.cause) from None
        raise


def _wrong(reason: str) -> TaskError:
    return TaskError("States.Runtime", f"The Parameters could not be used to start the Task: [{reason}]")
