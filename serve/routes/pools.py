"""Pools of workers: who has how many, why, and what may be set."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request

from serve import models_pools as models
from serve.capacity import Capacity
from serve.routes.common import ERRORS
from sfc.errors import NotFound

router = APIRouter(prefix="/api/pools", tags=["pools"], responses=ERRORS)


async def _pools(request: Request) -> Capacity:
    found = cast(Capacity | None, request.app.state.capacity)
    if found is None:
        raise NotFound("this server has no pools: handlers run in its own process (--no-ray)", code="PoolDoesNotExist")
    return found


PoolsDep = Annotated[Capacity, Depends(_pools)]


@router.get("", summary="List pools")
async def list_pools(pools: PoolsDep) -> models.Pools:
    """The common pool, and every blueprint with work, workers or a policy of its own; the latest decisions."""
    return models.pools(await pools.overview())


@router.get("/{name}", summary="Show a pool")
async def get_pool(pools: PoolsDep, name: str) -> models.Pool:
    """`name` is that of a blueprint, or `common`."""
    return models.pool(await pools.pool(name))


@router.put("/{name}", summary="Set a pool's policy")
async def put_pool(pools: PoolsDep, name: str, body: models.Settings) -> models.Policy:
    """In the place of everything that was set before; what is not given is as the blueprint says, or the default."""
    return models.policy(await pools.set(name, body, over=False))


@router.patch("/{name}", summary="Change a pool's policy")
async def patch_pool(pools: PoolsDep, name: str, body: models.Settings) -> models.Policy:
    """Only what is given; null takes a setting back."""
    return models.policy(await pools.set(name, body, over=True))


@router.post("/{name}/scale", summary="Fix a pool's size")
async def scale_pool(pools: PoolsDep, name: str, body: models.Scale) -> models.Policy:
    """`size` workers until told otherwise; null: the pool follows its load again."""
    return models.policy(await pools.set(name, {"size": body.size}, over=True))


@router.post("/{name}/drain", summary="Replace a pool's workers", status_code=202)
async def drain_pool(pools: PoolsDep, name: str) -> None:
    """Each finishes its jobs and ends; new ones take their place as far as the load asks for them."""
    await pools.drain(name)


@router.get("/{name}/why", summary="Why a pool is as it is")
async def why_pool(pools: PoolsDep, name: str) -> models.Decisions:
    """The latest decisions of the scheduler about it, each with its numbers, latest last."""
    return models.Decisions(items=[models.decision(name, each) for each in await pools.why(name)])
