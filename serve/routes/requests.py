"""Requests that start executions: of any blueprint, or through a webhook."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import PlainTextResponse

from serve import starting
from serve.models import ErrorBody
from serve.routes.common import CONFLICT, ERRORS, LONGEST_WAIT_S, BridgeDep, EngineDep, Wait
from sfc import jsonvalue
from sfc.bridge.webhooks import HookRequest
from sfc.errors import InvalidInput
from sfc.jsonvalue import Json

router = APIRouter(tags=["triggers"], responses=ERRORS)

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "It succeeded: its output.", "content": {"application/json": {}}},
    202: {"description": "It runs; `Location` tells its state."},
    422: {"model": ErrorBody, "description": "It ended without success: its error and cause."},
}
_HOOK_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Nothing new: a repeated delivery, or one that the filter left out; or, with `wait`, its output."
    },
    202: {"description": "It runs; `Location` tells its state."},
    401: {"model": ErrorBody, "description": "It is not signed by who knows the secret, or too long ago."},
    422: {"model": ErrorBody, "description": "The mapping cannot use it; or, with `wait`, it ended without success."},
}
_BODY = {"requestBody": {"content": {"application/json": {"schema": {}, "example": {"order": 4711}}}}}


@router.post(
    "/triggers/{blueprint}", summary="Start by a request", responses={**_RESPONSES, **CONFLICT}, openapi_extra=_BODY
)
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
    record, _ = await starting.start(engine, blueprint, text, idempotency_key, min(wait, LONGEST_WAIT_S))
    return starting.answer(record, ended=bool(wait))


@router.post("/hooks/{trigger}", summary="Deliver to a webhook", responses=_HOOK_RESPONSES, openapi_extra=_BODY)
async def deliver(engine: EngineDep, bridge: BridgeDep, request: Request, trigger: str, wait: Wait = 0) -> Response:
    """Signature, body and mapping are what the trigger's settings say. 202 as soon as the start is durable."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    query: dict[str, Json] = {
        name: values[0] if len(values) == 1 else values
        for name in request.query_params
        if (values := request.query_params.getlist(name))
    }
    hook = HookRequest(headers, query, await request.body())
    delivery = await bridge.webhooks.read(trigger, hook)
    if delivery.reply is not None:
        return PlainTextResponse(delivery.reply)
    if delivery.input is None:
        return starting.json({"execution": None, "status": "LEFT_OUT"}, 200)
    record, repeated = await starting.start(
        engine, delivery.trigger.blueprint, delivery.input, delivery.name, min(wait, LONGEST_WAIT_S), same_input=False
    )
    bridge.webhooks.note(delivery, record.arn, repeated=repeated)
    return starting.answer(record, ended=bool(wait), accepted=200 if repeated else 202)
