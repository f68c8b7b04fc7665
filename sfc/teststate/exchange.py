"""The HTTP request and response of a tested HTTP Task, in the shape of AWS's InspectionData."""

from http import HTTPStatus
from typing import Final

from sfc.asl.expression import Failure
from sfc.asl.model import Task
from sfc.jsonvalue import Json, text
from sfc.tasks.context import TaskError
from sfc.teststate.run import Outcome

_STATUS: Final = "States.Http.StatusCode."
_NO_ANSWER: Final = "States.Http.Socket"
_RESULT: Final = frozenset({"Headers", "ResponseBody", "StatusCode", "StatusText"})


def exchange(outcome: Outcome) -> dict[str, Json]:
    """`request` and, when there was an answer, `response`.

    Nothing for other Tasks, when nothing was sent, and when a handler stood in for the service.
    """
    state, values = outcome.state, outcome.notes.values
    if not isinstance(state, Task) or (state.resource.service, state.resource.action) != ("http", "invoke"):
        return {}
    failure = outcome.failure or Failure(None)
    response = _refused(failure) or _answered(values.get("result"))
    if not response and failure.error != _NO_ANSWER:
        return {}
    request = _request(values.get("afterArguments" if outcome.language == "JSONata" else "afterParameters"))
    if not request or not response:
        return {"request": request} if request else {}
    return {"request": request, "response": {"protocol": request["protocol"], **response}}


def _request(parameters: Json) -> dict[str, Json]:
    import httpx

    from sfc.tasks.http import asked_of

    try:
        request = httpx.Request(**asked_of(parameters))
    except (TaskError, httpx.InvalidURL):
        return {}
    found: dict[str, Json] = {
        "protocol": request.url.scheme,
        "method": request.method,
        "url": str(request.url),
        "headers": _headers([(name.decode(), value.decode("latin-1")) for name, value in request.headers.raw]),
    }
    return found | ({"body": request.content.decode()} if request.content else {})


def _refused(failure: Failure) -> dict[str, Json]:
    """A call that failed leaves only the status and the body of the answer."""
    code = (failure.error or "").removeprefix(_STATUS)
    if not code.isdecimal():
        return {}
    known = {status.value: status.phrase for status in HTTPStatus}
    found: dict[str, Json] = {"statusCode": code, "statusMessage": known.get(int(code), "")}
    return found | ({"body": failure.cause} if failure.cause else {})


def _answered(result: Json) -> dict[str, Json]:
    if not isinstance(result, dict) or result.keys() != _RESULT:
        return {}
    body, headers = result["ResponseBody"], result["Headers"]
    found: dict[str, Json] = {
        "statusCode": str(result["StatusCode"]),
        "statusMessage": result["StatusText"],
        "headers": _headers([(name, value) for name, values in headers.items() for value in values]),
    }
    return found | ({} if body is None else {"body": body if isinstance(body, str) else text(body)})


def _headers(items: list[tuple[str, str]]) -> str:
    return f"[{', '.join(f'{name}: {value}' for name, value in items)}]"
