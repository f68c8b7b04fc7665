"""Triggers: what starts executions by itself."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from serve import models_triggers as models
from serve.routes.common import CONFLICT, ERRORS, PAGE, BridgeDep, EngineDep, Limit, Token
from sfc.bridge.bridge import Bridge
from sfc.catalog.catalog import Catalog
from sfc.engine.engine import Engine
from sfc.triggers.trigger import Trigger

router = APIRouter(prefix="/api/triggers", tags=["triggers"], responses=ERRORS)


@router.get("", summary="List triggers")
async def list_triggers(
    engine: EngineDep, bridge: BridgeDep, limit: Limit = PAGE, token: Token = None
) -> models.Triggers:
    """By name."""
    page = await engine.blueprints.page("triggers", token, limit, lambda catalog: catalog.triggers.list)
    items = [models.outline(each, bridge.report(each)) for each in page.items]
    return models.Triggers(items=items, next_token=page.next_token)


@router.get("/{name}", summary="Show a trigger")
async def get_trigger(engine: EngineDep, bridge: BridgeDep, name: str) -> models.Trigger:
    """Its settings, and how it fares."""
    return _shown(engine, bridge, await engine.consult(lambda catalog: catalog.triggers.get(name)))


@router.put("/{name}", summary="Create or change a trigger", responses={201: {"model": models.Trigger}, **CONFLICT})
async def put_trigger(
    engine: EngineDep, bridge: BridgeDep, name: str, body: models.NewTrigger, response: Response
) -> models.Trigger:
    """In the place of all that was said before. A schedule that changes begins anew: what it missed is not started."""
    bridge.check(body.kind)

    def put(catalog: Catalog) -> tuple[Trigger | None, Trigger]:
        before = catalog.triggers.find(name)
        return before, catalog.triggers.put(name, body.kind, body.blueprint, body.settings, paused=body.paused)

    before, made = await engine.consult(put)
    if before is None:
        response.status_code = 201
    return _shown(engine, bridge, made)


@router.delete("/{name}", summary="Delete a trigger", status_code=204)
async def delete_trigger(engine: EngineDep, name: str) -> None:
    """What it started runs on; how far it had come is forgotten."""
    await engine.consult(lambda catalog: catalog.triggers.delete(name))


@router.post("/{name}/pause", summary="Pause a trigger")
async def pause_trigger(engine: EngineDep, bridge: BridgeDep, name: str) -> models.Trigger:
    """It starts nothing until it is resumed."""
    return _shown(engine, bridge, await engine.consult(lambda catalog: catalog.triggers.pause(name, True)))


@router.post("/{name}/resume", summary="Resume a trigger")
async def resume_trigger(engine: EngineDep, bridge: BridgeDep, name: str) -> models.Trigger:
    """A topic is read on from where it stood; ticks that were missed follow the schedule's policy."""
    return _shown(engine, bridge, await engine.consult(lambda catalog: catalog.triggers.pause(name, False)))


@router.post("/{name}/backfill", summary="Start the ticks of a time that has passed")
async def backfill(bridge: BridgeDep, name: str, body: models.Backfill) -> models.Backfilled:
    """Each tick of the schedule that has no execution yet gets one."""
    done = await bridge.schedules.backfill(name, _ms(body.begin), _ms(body.end))
    return models.backfilled(done)


def _shown(engine: Engine, bridge: Bridge, found: Trigger) -> models.Trigger:
    return models.trigger(found, bridge.report(found), engine.now())


def _ms(moment: datetime) -> int:
    """UTC ms; a time without a zone is UTC."""
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)
