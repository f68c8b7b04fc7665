"""Executions: runs of blueprints."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Response
from starlette.responses import StreamingResponse

from serve import models, task_models
from serve.routes.common import CONFLICT, ERRORS, LONGEST_WAIT_S, PAGE, EngineDep, Limit, Token, Wait, execution_arn
from serve.stream import keep_alive
from sfc import jsonvalue
from sfc.engine.engine import Engine

router = APIRouter(prefix="/api/executions", tags=["executions"], responses=ERRORS)


@router.get("", summary="List executions, newest first", response_model=models.Executions)
async def list_executions(
    engine: EngineDep,
    blueprint: Annotated[str | None, Query(description="Only those of this blueprint.")] = None,
    status: models.Status | None = None,
    limit: Limit = PAGE,
    token: Token = None,
) -> dict[str, Any]:
    page = await engine.list(blueprint, status, limit, token)
    return {"items": [models.execution(record) for record in page.items], "next_token": page.next_token}


@router.post("", summary="Start an execution", status_code=201, response_model=models.Execution, responses=CONFLICT)
async def start_execution(engine: EngineDep, body: models.NewExecution, response: Response) -> dict[str, Any]:
    """The same name with the same input again answers with the execution that is there already."""
    record = await engine.start(body.blueprint, jsonvalue.text(body.input), body.name)
    response.headers["Location"] = f"/api/executions/{record.arn}"
    return models.execution(record)


@router.post("/{execution:path}/stop", summary="Stop an execution", response_model=models.Execution)
async def stop_execution(engine: EngineDep, execution: str, body: models.Stop | None = None) -> dict[str, Any]:
    arn, why = execution_arn(engine, execution), body or models.Stop(error=None, cause=None)
    await engine.stop(arn, why.error, why.cause)
    return models.execution(await engine.describe(arn))


@router.post(
    "/{execution:path}/redrive", summary="Redrive an execution", response_model=models.Execution, responses=CONFLICT
)
async def redrive_execution(engine: EngineDep, execution: str) -> dict[str, Any]:
    """One that failed, timed out or was stopped goes on where it stood, with the input its last states had."""
    arn = execution_arn(engine, execution)
    await engine.redrive(arn)
    return models.execution(await engine.describe(arn))


@router.get("/{execution:path}/history", summary="History of an execution", response_model=models.History)
async def get_history(
    engine: EngineDep,
    execution: str,
    limit: Limit = PAGE,
    token: Token = None,
    reverse: Annotated[bool, Query(description="Newest first.")] = False,
    include_data: Annotated[bool, Query(description="With inputs and outputs.")] = True,
) -> dict[str, Any]:
    page = await engine.history(
        execution_arn(engine, execution), reverse=reverse, limit=limit, token=token, include_data=include_data
    )
    return {"items": [models.history_event(event) for event in page.items], "next_token": page.next_token}


@router.get(
    "/{execution:path}/events",
    summary="Watch an execution",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events"}},
)
async def watch_execution(
    engine: EngineDep, execution: str, last_event_id: Annotated[int, Header(description="Go on after this one.")] = 0
) -> StreamingResponse:
    """History events as they happen, from the first one on; a last event `end` holds the execution as it ended."""
    arn = execution_arn(engine, execution)
    await engine.describe(arn)  # an unknown execution is an error, not an empty stream
    return StreamingResponse(
        keep_alive(_events(engine, arn, last_event_id), LONGEST_WAIT_S),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache"},
    )


@router.get("/{execution:path}/tasks", summary="Which versions of tasks an execution uses")
async def get_tasks(engine: EngineDep, execution: str) -> task_models.TaskVersions:
    """Those that were the latest when it began, and those that its blueprint names; not the handlers of workers."""
    found = await engine.tasks_of(execution_arn(engine, execution))
    return task_models.TaskVersions(items=[task_models.outline(each) for each in found])


@router.get("/{execution:path}/map-runs", summary="Map Runs of an execution", response_model=models.MapRuns)
async def list_map_runs(engine: EngineDep, execution: str, limit: Limit = PAGE, token: Token = None) -> dict[str, Any]:
    """Those of its distributed Maps, newest first."""
    page = await engine.list_map_runs(execution_arn(engine, execution), limit, token)
    return {"items": [models.map_run(record) for record in page.items], "next_token": page.next_token}


# The last of these routes, because a child of a Map Run has a slash in its ARN: "/x/history" would be one too.
@router.get("/{execution:path}", summary="Show an execution", response_model=models.Execution)
async def get_execution(engine: EngineDep, execution: str, wait: Wait = 0) -> dict[str, Any]:
    """`execution` is an ARN or `blueprint:name`. With `wait`, answers at its end if that comes first."""
    arn = execution_arn(engine, execution)
    record = await (engine.wait(arn, min(wait, LONGEST_WAIT_S)) if wait else engine.describe(arn))
    return models.execution(record)


async def _events(engine: Engine, arn: str, after: int) -> AsyncIterator[bytes]:
    async for event in engine.watch(arn):
        if event["id"] > after:
            yield _event(str(event["type"]), models.history_event(event), event["id"])
    yield _event("end", models.execution(await engine.describe(arn)))


def _event(kind: str, data: dict[str, Any], number: int | None = None) -> bytes:
    head = f"event: {kind}\n" if number is None else f"id: {number}\nevent: {kind}\n"
    return head.encode() + b"data: " + orjson.dumps(data) + b"\n\n"
