"""Pauses: a blueprint, or all blueprints of a group, begin nothing for a while; or are stopped."""

from fastapi import APIRouter

from serve import models, models_pauses
from serve.routes.common import ERRORS, EngineDep
from sfc.asl.expression import Failure
from sfc.engine.pauses import What

router = APIRouter(prefix="/api", tags=["pauses"], responses=ERRORS)


@router.get("/pauses", summary="List what is paused")
async def list_pauses(engine: EngineDep) -> models_pauses.Pauses:
    """Blueprints and groups that are paused, or that let out what was held."""
    return models_pauses.Pauses(items=[models_pauses.pause(each) for each in engine.pauses.current()])


@router.get("/groups", summary="List groups")
async def list_groups(engine: EngineDep) -> models_pauses.Groups:
    """The groups that blueprints name in their setting `group`."""
    paused = {each.name for each in engine.pauses.current() if each.kind == "group" and each.resumed_at is None}
    found = await engine.pauses.groups()
    return models_pauses.Groups(
        items=[
            models_pauses.Group(name=name, blueprints=members, paused=name in paused) for name, members in found.items()
        ]
    )


@router.post("/blueprints/{name}/pause", summary="Pause a blueprint")
async def pause_blueprint(engine: EngineDep, name: str) -> models_pauses.Pause:
    """Nothing of it is begun any more; jobs that workers have go on, and their results are taken."""
    return models_pauses.pause(await engine.pauses.pause("blueprint", name))


@router.post("/blueprints/{name}/resume", summary="Resume a blueprint")
async def resume_blueprint(
    engine: EngineDep, name: str, body: models_pauses.Resume | None = None
) -> models_pauses.Pause:
    """What was held goes out in turn, `rate` a second."""
    return models_pauses.pause(await engine.pauses.resume("blueprint", name, None if body is None else body.rate))


@router.post("/blueprints/{name}/stop", summary="Stop a blueprint")
async def stop_blueprint(engine: EngineDep, name: str, body: models.Stop | None = None) -> models_pauses.Stopped:
    """It is paused, and its executions are aborted, some at each request: ask again while there are `more`."""
    return await _stop(engine, "blueprint", name, body)


@router.post("/groups/{name}/pause", summary="Pause a group")
async def pause_group(engine: EngineDep, name: str) -> models_pauses.Pause:
    """As a blueprint is paused, for all executions whose version names the group."""
    return models_pauses.pause(await engine.pauses.pause("group", name))


@router.post("/groups/{name}/resume", summary="Resume a group")
async def resume_group(engine: EngineDep, name: str, body: models_pauses.Resume | None = None) -> models_pauses.Pause:
    """What was held goes out in turn, `rate` a second for the whole group."""
    return models_pauses.pause(await engine.pauses.resume("group", name, None if body is None else body.rate))


@router.post("/groups/{name}/stop", summary="Stop a group")
async def stop_group(engine: EngineDep, name: str, body: models.Stop | None = None) -> models_pauses.Stopped:
    """As a blueprint is stopped, for all blueprints of the group."""
    return await _stop(engine, "group", name, body)


async def _stop(engine: EngineDep, kind: What, name: str, body: models.Stop | None) -> models_pauses.Stopped:
    why = Failure(None, f"The {kind} {name} was stopped.") if body is None else Failure(body.error, body.cause)
    stopped, more = await engine.pauses.stop(kind, name, why)
    return models_pauses.Stopped(stopped=stopped, more=more)
