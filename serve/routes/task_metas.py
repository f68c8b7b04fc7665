"""Tasks that blueprints refer to as `task:NAME`, and packages with their code."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from serve import task_models
from serve.routes.common import CONFLICT, ERRORS, PAGE, EngineDep, Limit, Token
from sfc.errors import InvalidRequest
from sfc.task_meta import digest_of

router = APIRouter(prefix="/api", tags=["task metas"], responses=ERRORS)

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the zip, in hex.")]
_ZIP: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/tasks", summary="List tasks")
async def list_tasks(engine: EngineDep, limit: Limit = PAGE, token: Token = None) -> task_models.Tasks:
    """The latest version of each, by name."""
    page = await engine.blueprints.list_tasks(limit, token)
    return task_models.Tasks(items=[task_models.outline(each) for each in page.items], next_token=page.next_token)


@router.get("/tasks/{name}", summary="Show a task")
async def get_task(engine: EngineDep, name: str) -> task_models.Task:
    """Its latest version."""
    return task_models.task(*await engine.consult(lambda catalog: catalog.tasks.get(name)))


@router.delete("/tasks/{name}", summary="Delete a task", status_code=204)
async def delete_task(engine: EngineDep, name: str) -> None:
    """Executions that run keep the version that they began with."""
    await engine.consult(lambda catalog: catalog.tasks.delete(name))


@router.get("/tasks/{name}/versions", summary="List the versions of a task")
async def list_versions(engine: EngineDep, name: str) -> task_models.TaskVersions:
    """Newest first."""
    found = await engine.consult(lambda catalog: catalog.tasks.versions(name))
    return task_models.TaskVersions(items=[task_models.outline(each) for each in found])


@router.get("/tasks/{name}/versions/{version}", summary="Show a version of a task")
async def get_version(engine: EngineDep, name: str, version: str) -> task_models.Task:
    return task_models.task(*await engine.consult(lambda catalog: catalog.tasks.get(name, version)))


@router.post("/tasks/{name}/versions", summary="Give a task a version", status_code=201, responses=CONFLICT)
async def put_version(engine: EngineDep, name: str, body: task_models.NewTaskVersion, response: Response) -> Any:
    """Executions that begin from now on use it; those that run keep theirs. Nothing new gives the version there is."""

    def put(catalog: Any) -> task_models.Task:
        made = catalog.tasks.put(body.meta(name))
        return task_models.task(made, catalog.tasks.meta(made.digest))

    made = await engine.consult(put)
    response.headers["Location"] = f"/api/tasks/{name}/versions/{made.version}"
    return made


@router.put("/packages/{digest}", summary="Upload a package of handlers", openapi_extra=_ZIP)
async def put_package(engine: EngineDep, request: Request, digest: Digest) -> task_models.Package:
    """A zip of Python files. Kept under its digest, so a repeated upload changes nothing."""
    body = await request.body()
    if digest_of(body) != digest:
        raise InvalidRequest("the digest in the path is not that of the body", field="digest")
    await engine.consult(lambda catalog: catalog.tasks.put_package(body))
    return task_models.Package(digest=digest, bytes=len(body))
