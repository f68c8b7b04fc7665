"""Blueprints: named, versioned state machines."""

from fastapi import APIRouter, Response

from serve import models
from serve.routes.common import CONFLICT, ERRORS, PAGE, EngineDep, Limit, Token
from sfc.arn import check_name
from sfc.asl.parse import parse
from sfc.catalog.version import Version
from sfc.errors import NotFound

router = APIRouter(prefix="/api/blueprints", tags=["blueprints"], responses=ERRORS)


@router.get("", summary="List blueprints")
async def list_blueprints(engine: EngineDep, limit: Limit = PAGE, token: Token = None) -> models.Blueprints:
    page = await engine.blueprints.list(limit, token)
    items = [
        models.summary(version, engine.partition.state_machine(version.name), engine.pauses.holds(version))
        for version in page.items
    ]
    return models.Blueprints(items=items, next_token=page.next_token)


@router.post("", summary="Create a blueprint", status_code=201, responses=CONFLICT)
async def create_blueprint(engine: EngineDep, body: models.NewBlueprint, response: Response) -> models.Blueprint:
    """Creating the same blueprint twice is no error; another one of the same name is."""
    response.headers["Location"] = f"/api/blueprints/{check_name(body.name)}"
    return await _create(engine, body.name, body)


@router.post("/validate", summary="Check a definition")
async def validate_definition(body: models.DefinitionToCheck) -> models.CheckResult:
    """All findings, each with its place in the definition. Nothing is stored."""
    parsed = parse(body.text(), kind=body.kind)
    found = [models.DiagnosticBody.of(diagnostic) for diagnostic in (*parsed.diagnostics, *parsed.unsupported)]
    failed = any(diagnostic.severity == "ERROR" for diagnostic in found)
    return models.CheckResult(result="FAIL" if failed else "OK", diagnostics=found)


@router.get("/{name}", summary="Show a blueprint")
async def get_blueprint(engine: EngineDep, name: str) -> models.Blueprint:
    version = await engine.blueprints.get(name)
    return _shown(engine, version)


@router.put("/{name}", summary="Create or update a blueprint", responses={201: {"model": models.Blueprint}})
async def put_blueprint(
    engine: EngineDep, name: str, body: models.NewBlueprintVersion, response: Response
) -> models.Blueprint:
    """A new version, when anything differs; running executions keep the version they started with."""
    try:
        version = await engine.blueprints.get(check_name(name))
        if (version.definition, version.role_arn, dict(version.settings)) != (
            body.text(),
            body.role_arn,
            dict(version.settings) if body.settings is None else body.settings,
        ):
            version = await engine.blueprints.update(
                name, definition=body.text(), role_arn=body.role_arn, settings=body.settings
            )
    except NotFound:
        response.status_code = 201
        return await _create(engine, name, body)
    return _shown(engine, version)


async def _create(engine: EngineDep, name: str, body: models.NewBlueprintVersion) -> models.Blueprint:
    version = await engine.blueprints.create(
        name, body.text(), kind=body.kind, role_arn=body.role_arn, settings=body.settings
    )
    return _shown(engine, version)


def _shown(engine: EngineDep, version: Version) -> models.Blueprint:
    return models.blueprint(version, engine.partition.state_machine(version.name), engine.pauses.holds(version))


@router.delete("/{name}", summary="Delete a blueprint", status_code=204)
async def delete_blueprint(engine: EngineDep, name: str) -> None:
    await engine.blueprints.delete(name)
