"""What a task hears of the execution that it started, in the shapes recorded from AWS Step Functions."""

import uuid
from typing import Final, NamedTuple

import orjson

from sfc.asl.model import Resource
from sfc.asl.timestamps import format_ms
from sfc.engine.records import ExecutionRecord
from sfc.errors import SfcError
from sfc.jsonvalue import Json
from sfc.limits import CAUSE_CHARS


class ChildRequest(NamedTuple):
    """What StartExecution is asked."""

    machine: str
    """ARN."""
    input: str
    name: str | None


class BadRequest(Exception):
    """The task's input is no request to start an execution."""


def request_of(parameters: bytes) -> ChildRequest:
    """The request in a task's input. An `Input` that is no text is given as JSON text. Raises BadRequest."""
    asked = orjson.loads(parameters)
    if not isinstance(asked, dict):
        raise BadRequest("The parameters of startExecution must be an object")
    machine, name, value = asked.get("StateMachineArn"), asked.get("Name"), asked.get("Input")
    if not isinstance(machine, str):
        raise BadRequest("The field 'StateMachineArn' of startExecution must be a string")
    if not (name is None or isinstance(name, str)):
        raise BadRequest("The field 'Name' of startExecution must be a string")
    if not isinstance(value, str):
        value = "{}" if value is None else orjson.dumps(value).decode()
    return ChildRequest(machine, value, name)


def started(resource: Resource, arn: str, started_at: int) -> bytes:
    """The answer of StartExecution: of the AWS SDK alone, or with what the optimised integration adds."""
    if resource.service != "states":
        return orjson.dumps({"ExecutionArn": arn, "StartDate": format_ms(started_at)})
    request = str(uuid.uuid4())
    headers = {
        "x-amzn-RequestId": request,
        "connection": "keep-alive",
        "Content-Length": str(len(arn) + _AROUND_ARN),
        "Date": format_ms(started_at),
        "Content-Type": "application/x-amz-json-1.0",
    }
    return orjson.dumps({
        "ExecutionArn": arn,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request},
        "StartDate": started_at,
    })  # fmt: skip


_AROUND_ARN: Final = len('{"executionArn":"","startDate":1.688135981123E9}')


def refused(resource: Resource, error: SfcError) -> tuple[str, str]:
    """Error and cause when the execution could not be started."""
    request = str(uuid.uuid4())
    if resource.service == "states":
        about = f"(Service: AWSStepFunctions; Status Code: 400; Error Code: {error.code}; Request ID: {request}"
        return f"StepFunctions.{_exception(error)}", f"{error.message} {about}; Proxy: null)"
    about = f"(Service: Sfn, Status Code: 400, Request ID: {request}) (SDK Attempt Count: 1)"
    return f"Sfn.{_exception(error)}", f"{error.message} {about}"


def _exception(error: SfcError) -> str:
    return error.code if error.code.endswith("Exception") else f"{error.code}Exception"


def ended(resource: Resource, record: ExecutionRecord) -> tuple[bytes | None, str]:
    """The task's output when the execution succeeded, else None; and the description, which is the cause then."""
    parsed = resource.pattern == "sync:2"
    about: dict[str, Json] = {
        "ExecutionArn": record.arn,
        "Input": _data(record.input, parsed),
        "InputDetails": {"Included": True},
        "Name": record.name,
        "StartDate": record.started_at,
        "StateMachineArn": record.machine_arn,
        "Status": record.status,
        "StopDate": record.stopped_at,
    }
    if record.status == "SUCCEEDED":
        about |= {
            "Output": _data(record.output, parsed),
            "OutputDetails": {"Included": True},
            "RedriveCount": 0,
            "RedriveStatus": "NOT_REDRIVABLE",
            "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        }
        return _text(about), ""
    about |= {"Error": record.error, "Cause": record.cause}
    about = {name: value for name, value in about.items() if value is not None}
    text = _text(about)
    if len(text) > CAUSE_CHARS:  # what is told of the failure must fit, and stay JSON
        text = _text({name: value for name, value in about.items() if name not in ("Input", "Cause")})
    return None, text.decode()


def _text(about: dict[str, Json]) -> bytes:
    return orjson.dumps(about, option=orjson.OPT_SORT_KEYS)


def _data(text: str | None, parsed: bool) -> Json:
    return text if text is None or not parsed else orjson.loads(text)
