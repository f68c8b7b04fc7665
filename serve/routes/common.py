"""What all routes share: the engine, the documented errors, names of executions."""

from typing import Annotated, Any, cast

from fastapi import Depends, Query, Request

from serve.models import ErrorBody
from sfc.bridge.bridge import Bridge
from sfc.engine.engine import Engine
from sfc.limits import DEFAULT_PAGE_SIZE, PAGE_SIZE

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The request is malformed: see `field` and `diagnostics`."},
    404: {"model": ErrorBody, "description": "There is no such thing."},
    413: {"model": ErrorBody, "description": "The body is too large."},
    429: {"model": ErrorBody, "description": "Too much at once; come again after Retry-After seconds."},
    503: {"model": ErrorBody, "description": "The store cannot be reached; come again after Retry-After seconds."},
}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": ErrorBody, "description": "The name is taken."}}

LONGEST_WAIT_S = 15.0
"""Of one request: a server that shuts down waits for its requests, so they come in short chunks."""


async def _engine(request: Request) -> Engine:
    """A coroutine, because FastAPI sends plain functions through a thread, which costs more than all the rest."""
    return cast(Engine, request.app.state.engine)


async def _bridge(request: Request) -> Bridge:
    return cast(Bridge, request.app.state.bridge)


BridgeDep = Annotated[Bridge, Depends(_bridge)]
EngineDep = Annotated[Engine, Depends(_engine)]
Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE, description="Entries on a page.")]
Token = Annotated[str | None, Query(description="`next_token` of the page before.")]
Wait = Annotated[
    float, Query(ge=0, description=f"Seconds to wait for the end, at most {LONGEST_WAIT_S:.0f} of them at once.")
]
PAGE = DEFAULT_PAGE_SIZE


def execution_arn(engine: Engine, name: str) -> str:
    """The ARN of an execution given as ARN or as `blueprint:name`."""
    machine, colon, execution = name.partition(":")
    if name.startswith("arn:") or not colon:
        return name
    return engine.partition.execution(machine, execution)
