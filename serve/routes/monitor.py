"""How the server fares: health for load balancers and people, figures for dashboards, a page to begin with."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from serve.capacity import Worker
from serve.home import render_home
from serve.routes.common import EngineDep
from sfc.errors import Unavailable

router = APIRouter(tags=["monitor"])


@router.get("/health", summary="Health", responses={503: {"description": "Alive, but not ready to take requests."}})
async def health(engine: EngineDep, request: Request, response: Response) -> dict[str, Any]:
    """200 when executions can be started: the store answers. `workers` tells how many there are now."""
    parts: dict[str, Any] = {"status": "ok", "store": "ok", "workers": len(await request.app.state.workers())}
    try:
        await engine.counts()
    except Unavailable as error:
        response.status_code = 503
        parts |= {"status": "unavailable", "store": error.message}
    return parts


@router.get("/health/live", summary="Liveness")
async def live() -> dict[str, str]:
    """200 as long as the process answers at all."""
    return {"status": "ok"}


@router.get("/api/stats", summary="Figures")
async def stats(engine: EngineDep, blueprint: str | None = None) -> dict[str, Any]:
    """Executions by status, of one blueprint or all, and the engine's own figures."""
    return {"executions": await engine.counts(blueprint), "engine": engine.stats()}


@router.get("/api/workers", summary="Workers")
async def workers(request: Request) -> dict[str, list[dict[str, Any]]]:
    """Each worker process: its name, pid, and how many jobs it runs. Empty where the handlers run in the server."""
    found: Sequence[Worker] = await request.app.state.workers()
    return {"items": [asdict(worker) for worker in found]}


@router.get("/", include_in_schema=False)
async def home(engine: EngineDep) -> HTMLResponse:
    blueprints = await engine.list_blueprints(20, None)
    recent = await engine.list(None, None, 20, None)
    return HTMLResponse(render_home(blueprints.items, recent.items, await engine.counts()))
