"""Releases and aliases of blueprints: AWS calls them versions and aliases of a state machine."""

from fastapi import APIRouter

from serve import models
from serve.routes.common import CONFLICT, ERRORS, PAGE, EngineDep, Limit, Token
from sfc.catalog.catalog import Catalog
from sfc.catalog.release import Alias, Release, Route
from sfc.engine import tokens
from sfc.errors import NotFound

router = APIRouter(prefix="/api/blueprints/{name}", tags=["blueprints"], responses=ERRORS)


@router.get("/releases", summary="List releases, newest first")
async def list_releases(engine: EngineDep, name: str, limit: Limit = PAGE, token: Token = None) -> models.Releases:
    question: list[object] = ["releases", name]
    below = tokens.place_of_number(token, question)

    def read(catalog: Catalog) -> list[Release]:
        catalog.get(name)
        return catalog.releases.releases(name, below, limit + 1)

    found = await engine.consult(read)
    following = tokens.give(question, found[limit - 1].number) if len(found) > limit else None
    items = [models.release(each, engine.partition.release(name, each.number)) for each in found[:limit]]
    return models.Releases(items=items, next_token=following)


@router.post("/releases", summary="Publish the blueprint as it is", status_code=201)
async def publish(engine: EngineDep, name: str, body: models.NewRelease | None = None) -> models.Release:
    """A release that executions can be started through; the newest one, when nothing has changed since."""
    description = None if body is None else body.description
    made = await engine.consult(lambda catalog: catalog.releases.publish(name, description=description))
    return models.release(made, engine.partition.release(name, made.number))


@router.delete("/releases/{number}", summary="Delete a release", status_code=204, responses=CONFLICT)
async def withdraw(engine: EngineDep, name: str, number: int) -> None:
    """Refused while an alias leads to it. Executions that were started through it are not touched."""
    await engine.consult(lambda catalog: catalog.releases.withdraw(name, number))


@router.get("/aliases", summary="List aliases")
async def list_aliases(engine: EngineDep, name: str) -> models.Aliases:
    found = await engine.consult(lambda catalog: catalog.releases.aliases(name))
    return models.Aliases(items=[models.alias(each, engine.partition.alias(name, each.alias)) for each in found])


@router.put("/aliases/{alias}", summary="Create or change an alias")
async def put_alias(engine: EngineDep, name: str, alias: models.AliasName, body: models.NewAlias) -> models.Alias:
    """One or two releases, with the percentage of starts that go to each."""
    routing = [Route(route.release, route.weight) for route in body.routing]

    def put(catalog: Catalog) -> Alias:
        try:
            catalog.releases.alias(name, alias)
        except NotFound:
            return catalog.releases.create_alias(name, alias, routing, body.description)
        return catalog.releases.update_alias(name, alias, routing, body.description)

    made = await engine.consult(put)
    return models.alias(made, engine.partition.alias(name, made.alias))


@router.delete("/aliases/{alias}", summary="Delete an alias", status_code=204)
async def delete_alias(engine: EngineDep, name: str, alias: str) -> None:
    await engine.consult(lambda catalog: catalog.releases.delete_alias(name, alias))
