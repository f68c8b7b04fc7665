"""How the server fares: health for load balancers and people, figures for dashboards, a page to begin with."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import HTMLResponse, PlainTextResponse

from serve.capacity import Capacity, Worker
from serve.home import render_home
from serve.metrics import Figures, render
from serve.routes.common import BridgeDep, EngineDep
from sfc.errors import Unavailable

router = APIRouter(tags=["monitor"])


@router.get("/health", summary="Health", responses={503: {"description": "Alive, but not ready to take requests."}})
async def health(engine: EngineDep, request: Request, response: Response) -> dict[str, Any]:
    """200 when executions can be started: the store answers. `workers` tells how many there are now."""
    parts: dict[str, Any] = {"status": "ok", "store": "ok", "workers": len(await _workers(request))}
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
    """Each worker process: its name, pool, pid, and how many jobs it runs. Empty where the handlers run in the
    server.
    """
    return {"items": [asdict(worker) for worker in await _workers(request)]}


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def metrics(engine: EngineDep, bridge: BridgeDep, request: Request) -> Response:
    """The figures of this moment in Prometheus' text format."""
    capacity: Capacity | None = request.app.state.capacity
    try:
        pools = None if capacity is None else await capacity.overview()
    except Unavailable:
        pools = None
    triggers = await engine.consult(lambda catalog: catalog.triggers.all())
    reports = [(trigger, bridge.report(trigger)) for trigger in triggers]
    found = Figures(await engine.counts(), engine.stats(), pools, bridge.feeds(), reports, bridge.events())
    return Response(render(found), media_type=CONTENT_TYPE_LATEST)


async def _workers(request: Request) -> Sequence[Worker]:
    """None while the scheduler is away: it comes back by itself, and starts do not wait for it."""
    capacity: Capacity | None = request.app.state.capacity
    try:
        return () if capacity is None else await capacity.workers()
    except Unavailable:
        return ()


@router.get("/", include_in_schema=False)
async def home(engine: EngineDep) -> HTMLResponse:
    blueprints = await engine.blueprints.list(20, None)
    recent = await engine.list(None, None, 20, None)
    return HTMLResponse(render_home(blueprints.items, recent.items, await engine.counts()))
