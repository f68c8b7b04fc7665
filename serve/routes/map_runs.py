"""Map Runs: the children of distributed Maps, together."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from serve import models
from serve.routes.common import ERRORS, PAGE, EngineDep, Limit, Token

router = APIRouter(prefix="/api/map-runs", tags=["executions"], responses=ERRORS)

Arn = Annotated[str, Query(description="Of the Map Run.")]


@router.get("", summary="Show a Map Run", response_model=models.MapRun)
async def get_map_run(engine: EngineDep, arn: Arn) -> dict[str, Any]:
    return models.map_run(await engine.describe_map_run(arn))


@router.patch("", summary="Change the limits of a Map Run", response_model=models.MapRun)
async def update_map_run(engine: EngineDep, arn: Arn, body: models.MapRunLimits) -> dict[str, Any]:
    """What is given, from now on; only while it is running."""
    await engine.update_map_run(arn, **body.model_dump())
    return models.map_run(await engine.describe_map_run(arn))


@router.get("/children", summary="Children of a Map Run", response_model=models.Executions)
async def list_children(
    engine: EngineDep, arn: Arn, status: models.Status | None = None, limit: Limit = PAGE, token: Token = None
) -> dict[str, Any]:
    """STANDARD ones newest first; EXPRESS ones once they have ended."""
    page = await engine.list_children(arn, status, limit, token)
    return {"items": [models.execution(record) for record in page.items], "next_token": page.next_token}
