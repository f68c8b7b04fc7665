"""Tasks that wait for somebody outside: answers to task tokens, and activities with their workers."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from serve import models
from serve.routes.common import CONFLICT, ERRORS, LONGEST_WAIT_S, PAGE, EngineDep, Limit, Token
from sfc import jsonvalue

router = APIRouter(prefix="/api", tags=["tasks"], responses=ERRORS)

_OVER: dict[int | str, dict[str, Any]] = {409: {"model": models.ErrorBody, "description": "The task waits no longer."}}
_NOTHING: dict[int | str, dict[str, Any]] = {204: {"description": "No task came in time."}}


@router.post("/tasks/success", summary="Give a task its output", status_code=204, responses=_OVER)
async def succeed(engine: EngineDep, body: models.TaskSuccess) -> None:
    """On disk when this is answered."""
    await engine.send_task_success(body.token, jsonvalue.text(body.output))


@router.post("/tasks/failure", summary="Fail a task", status_code=204, responses=_OVER)
async def fail(engine: EngineDep, body: models.TaskFailure) -> None:
    await engine.send_task_failure(body.token, body.error, body.cause)


@router.post("/tasks/heartbeat", summary="Tell that a task is alive", status_code=204, responses=_OVER)
async def heartbeat(engine: EngineDep, body: models.TaskHeartbeat) -> None:
    await engine.send_task_heartbeat(body.token)


@router.get("/activities", summary="List activities", response_model=models.Activities)
async def list_activities(engine: EngineDep, limit: Limit = PAGE, token: Token = None) -> dict[str, Any]:
    page = await engine.blueprints.list_activities(limit, token)
    items = [models.activity(each, engine.partition) for each in page.items]
    return {"items": items, "next_token": page.next_token}


@router.put("/activities/{name}", summary="Create an activity", response_model=models.Activity, responses=CONFLICT)
async def put_activity(engine: EngineDep, name: str) -> dict[str, Any]:
    """Answers with the one that is there already, if there is one."""
    made = await engine.consult(lambda catalog: catalog.activities.create(name))
    return models.activity(made, engine.partition)


@router.delete("/activities/{name}", summary="Delete an activity", status_code=204)
async def delete_activity(engine: EngineDep, name: str) -> None:
    await engine.consult(lambda catalog: catalog.activities.delete(name))


@router.post(
    "/activities/{name}/tasks",
    summary="Take the next task of an activity",
    response_model=models.ActivityTask,
    responses=_NOTHING,
)
async def take_task(
    engine: EngineDep,
    name: str,
    worker: Annotated[str | None, Query(description="Name of the worker, for the history.", max_length=80)] = None,
    wait: Annotated[float, Query(ge=0, description="Seconds to wait for one.")] = 0,
) -> Any:
    task = await engine.get_activity_task(name, worker, min(wait, LONGEST_WAIT_S))
    return Response(status_code=204) if task is None else {"token": task.token, "input": jsonvalue.loads(task.input)}
