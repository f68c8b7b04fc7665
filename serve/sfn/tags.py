"""Step Functions actions on tags."""

from typing import Any, Final

from serve.sfn import shapes
from sfc import arn as arns
from sfc.catalog.catalog import Catalog
from sfc.engine.engine import Engine
from sfc.errors import NotFound

Body = dict[str, Any]

TAG: Final = {"resourceArn": shapes.ARN, "tags": shapes.required(shapes.list_of(shapes.TAG))}
UNTAG: Final = {
    "resourceArn": shapes.ARN,
    "tagKeys": shapes.required(shapes.list_of(shapes.Field(low=1, high=128))),
}
LIST: Final = {"resourceArn": shapes.ARN}


def tags_in(items: list[Body]) -> dict[str, str]:
    """Of the same key twice the last one counts."""
    return {item.get("key") or "": item.get("value") or "" for item in items}


async def tag_resource(engine: Engine, body: Body) -> Body:
    def add(catalog: Catalog) -> None:
        catalog.tags.add(_resource(catalog, body["resourceArn"]), tags_in(body["tags"]))

    await engine.consult(add)
    return {}


async def untag_resource(engine: Engine, body: Body) -> Body:
    def remove(catalog: Catalog) -> None:
        catalog.tags.remove(_resource(catalog, body["resourceArn"]), body["tagKeys"])

    await engine.consult(remove)
    return {}


async def list_tags_for_resource(engine: Engine, body: Body) -> Body:
    found = await engine.consult(lambda catalog: catalog.tags.of(_resource(catalog, body["resourceArn"])))
    return {"tags": [{"key": key, "value": value} for key, value in found.items()]}


def _resource(catalog: Catalog, text: str) -> str:
    """The resource that has the tags. Raises InvalidArn, NotFound (ResourceNotFound)."""
    arn = arns.parse(text, "stateMachine", "activity")
    try:
        if arn.name:
            raise NotFound("only the state machine itself has tags")
        if arn.kind == "activity":
            catalog.activities.get(arn.machine)
        else:
            catalog.get(arn.machine)
    except NotFound:
        raise NotFound(f"Resource not found: '{arn.text}'") from None
    return f"{arn.kind}:{arn.machine}"
