"""Lambda functions: what their ARNs mean, how a Lambda-Invoke endpoint is called, and the answers' shapes.

Errors and results are spelled as recorded from AWS Step Functions.
"""

import re
import uuid
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

import orjson

from sfc.jsonvalue import Json
from sfc.limits import CAUSE_CHARS
from sfc.tasks.context import TaskError

if TYPE_CHECKING:
    import httpx

_FUNCTION: Final = re.compile(r"(?:arn:[\w-]+:lambda:[\w-]*:)?(?:\d+:)?(?:function:)?([\w-]+)(?::([\w$.-]+))?")
_UNKNOWN: Final = (
    "The cause could not be determined because Lambda did not return an error type. Returned payload: {payload}"
)


class Function(NamedTuple):
    text: str
    """As written: a name, a part of an ARN or an ARN."""
    name: str
    qualifier: str = ""

    def arn(self) -> str:
        qualifier = self.qualifier or "$LATEST"
        if self.text.startswith("arn:"):
            return self.text if self.text.endswith(f":{self.qualifier}") else f"{self.text}:{qualifier}"
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.name}:{qualifier}"


def function(text: Json, qualifier: Json = None) -> Function:
    """Takes FunctionName apart. Raises TaskError when it is none."""
    found = _FUNCTION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise TaskError("Lambda.InvalidParameterValueException", f"FunctionName is not valid: {text!r}"[:CAUSE_CHARS])
    return Function(found[0], found[1], str(qualifier or found[2] or ""))


def not_found(target: Function) -> TaskError:
    return TaskError(
        "Lambda.ResourceNotFoundException",
        _service_cause(f"Function not found: {target.arn()}", 404, "ResourceNotFoundException", str(uuid.uuid4())),
    )


def payload_of(parameters: dict[str, Json]) -> bytes:
    """The JSON text that a function is invoked with. A Payload that is a string is that text already, null is none:
    recorded from the service."""
    payload = parameters.get("Payload")
    if payload is None:
        return b"{}"
    return payload.encode() if isinstance(payload, str) else orjson.dumps(payload)


def event_of(parameters: dict[str, Json]) -> Json:
    """The payload as a value. Raises TaskError in Lambda's words when it is no JSON."""
    try:
        return orjson.loads(payload_of(parameters))
    except orjson.JSONDecodeError as error:
        kind = "InvalidRequestContentException"
        message = f"Could not parse request body into json: {error}"
        raise TaskError(f"Lambda.{kind}", _service_cause(message, 400, kind, str(uuid.uuid4()))) from None


def invoked(payload: Json, *, status: int = 200) -> Json:
    """The result of lambda:invoke for a function that ran in this process."""
    request = str(uuid.uuid4())
    headers = {"Content-Type": "application/json", "X-Amz-Executed-Version": "$LATEST", "x-amzn-RequestId": request}
    return _result(payload, status, list(headers.items()), "$LATEST")


class LambdaEndpoint:
    """Calls functions at any service that speaks Lambda's Invoke API."""

    def __init__(self, url: str) -> None:
        from sfc.tasks.http import pooled_client

        self._url = url.rstrip("/")
        # No time-out of its own: functions may take as long as the job has. The operator chose the address.
        self._client = pooled_client(answer_s=None, guarded=False)

    async def call(self, target: Function, payload: bytes, key: str) -> Json:
        """A function's ARN as Resource: the result is what the function returned."""
        response = await self._send(target, payload, {"Idempotency-Key": key})
        return _payload(response)

    async def invoke(self, target: Function, parameters: dict[str, Json], key: str) -> Json:
        """`lambda:invoke`. Returns {ExecutedVersion, Payload, SdkHttpMetadata, SdkResponseMetadata, StatusCode}."""
        headers = {"Idempotency-Key": key}
        for field, header in (
            ("InvocationType", "X-Amz-Invocation-Type"),
            ("LogType", "X-Amz-Log-Type"),
            ("ClientContext", "X-Amz-Client-Context"),
        ):
            if field in parameters:
                headers[header] = str(parameters[field])
        response = await self._send(target, payload_of(parameters), headers)
        raw = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
        version = response.headers.get("X-Amz-Executed-Version")
        result = _result(_payload(response), response.status_code, raw, version)
        if log := response.headers.get("X-Amz-Log-Result"):
            result["LogResult"] = log
        return result

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, target: Function, payload: bytes, headers: dict[str, str]) -> "httpx.Response":
        import httpx

        url = f"{self._url}/2015-03-31/functions/{quote(target.name, safe='')}/invocations"
        try:
            response = await self._client.post(
                url,
                content=payload,
                headers={"Content-Type": "application/json", **headers},
                params={"Qualifier": target.qualifier} if target.qualifier else None,
            )
        except (httpx.HTTPError, OSError) as error:
            cause = f"Unable to execute HTTP request: {self._url}: {type(error).__name__}: {error}"
            raise TaskError("Lambda.SdkClientException", cause) from None
        if not response.is_success:
            raise _service_error(response, target)
        if "X-Amz-Function-Error" in response.headers:
            raise _function_error(response.text)
        return response


def _function_error(text: str) -> TaskError:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        said = None
    kind = said.get("errorType") if isinstance(said, dict) else None
    if isinstance(kind, str) and kind:
        return TaskError(kind, text)
    return TaskError("Lambda.Unknown", _UNKNOWN.format(payload=text))


def _service_error(response: "httpx.Response", target: Function) -> TaskError:
    kind = response.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    kind = kind or ("ResourceNotFoundException" if response.status_code == 404 else "AWSLambdaException")
    try:
        said = orjson.loads(response.content)
        message = said.get("Message") or said.get("message")
    except (orjson.JSONDecodeError, AttributeError):
        message = response.text
    message = message or f"{response.reason_phrase} from {target.arn()}"
    request = response.headers.get("x-amzn-RequestId", "")
    return TaskError(f"Lambda.{kind}", _service_cause(message, response.status_code, kind, request))


def _service_cause(message: str, status: int, kind: str, request: str) -> str:
    return (
        f"{message} (Service: AWSLambda; Status Code: {status}; Error Code: {kind}; Request ID: {request}; Proxy: null)"
    )


def _payload(response: "httpx.Response") -> Json:
    """What the function returned; text that is no JSON stays text."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return response.text


def _result(payload: Json, status: int, headers: list[tuple[str, str]], version: str | None) -> dict[str, Json]:
    every: dict[str, list[str]] = {}
    for name, value in headers:
        every.setdefault(name, []).append(value)
    request = next((value for name, value in headers if name.lower() == "x-amzn-requestid"), "")
    return {
        **({} if version is None else {"ExecutedVersion": version}),
        "Payload": payload,
        "SdkHttpMetadata": {"AllHttpHeaders": every, "HttpHeaders": dict(headers), "HttpStatusCode": status},
        "SdkResponseMetadata": {"RequestId": request},
        "StatusCode": status,
    }
