"""The HTTP trigger: a request starts an execution."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from serve.errors import error_body
from serve.models import ErrorBody
from serve.routes.common import CONFLICT, ERRORS, LONGEST_WAIT_S, EngineDep, Wait
from sfc import jsonvalue
from sfc.engine.engine import Engine
from sfc.engine.records import ExecutionRecord
from sfc.errors import Conflict, InvalidInput

router = APIRouter(prefix="/triggers", tags=["triggers"], responses={**ERRORS, **CONFLICT})

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "It succeeded: its output.", "content": {"application/json": {}}},
    202: {"description": "It runs; `Location` tells its state."},
    422: {"model": ErrorBody, "description": "It ended without success: its error and cause."},
}
_BODY = {"requestBody": {"content": {"application/json": {"schema": {}, "example": {"order": 4711}}}}}


@router.post("/{blueprint}", summary="Start by a request", responses=_RESPONSES, openapi_extra=_BODY)
async def trigger(
    engine: EngineDep,
    request: Request,
    blueprint: str,
    wait: Wait = 0,
    idempotency_key: Annotated[
        str | None, Header(description="Name of the execution: repeats start no second.")
    ] = None,
) -> Response:
    """The body, any JSON value, is the input. Without `wait` the answer is 202 as soon as the start is durable."""
    body = await request.body()
    try:
        text = body.decode() or "{}"
        jsonvalue.loads(text)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the body is not UTF-8: {error}", code="MalformedJson") from None
    except jsonvalue.NotJson as error:
        raise InvalidInput(f"the body is not JSON: {error}", code="MalformedJson") from None
    record = await _run(engine, blueprint, text, idempotency_key, min(wait, LONGEST_WAIT_S))
    return _ended(record) if wait and record.status != "RUNNING" else _accepted(record)


async def _run(engine: Engine, blueprint: str, text: str, name: str | None, wait_s: float) -> ExecutionRecord:
    if wait_s and (await engine.blueprints.get(blueprint)).kind == "EXPRESS":
        return await engine.start_sync(blueprint, text, name)
    try:
        record = await engine.start(blueprint, text, name)
    except Conflict:
        if name is None:
            raise
        # A repeat that comes after the end: the caller wants the answer it did not get the first time.
        record = await engine.describe(engine.partition.execution(blueprint, name))
        if jsonvalue.loads(record.input or "{}") != jsonvalue.loads(text):
            raise
    return await engine.wait(record.arn, wait_s) if wait_s else record


def _accepted(record: ExecutionRecord) -> Response:
    return _json({"execution": record.arn, "status": record.status}, 202, _headers(record))


def _ended(record: ExecutionRecord) -> Response:
    if record.status == "SUCCEEDED":
        return Response(record.output, 200, _headers(record), "application/json")
    return _json(error_body(record.error or record.status, record.cause or ""), 422, _headers(record))


def _headers(record: ExecutionRecord) -> dict[str, str]:
    return {"Location": f"/api/executions/{record.arn}", "X-SFC-Execution": record.arn}


def _json(value: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
    return Response(jsonvalue.dumps(value), status, headers, "application/json")
