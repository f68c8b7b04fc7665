"""Step Functions actions on versions and aliases, which the catalog calls releases and aliases."""

from typing import Any, Final

from serve.sfn import names, shapes
from sfc import arn as arns
from sfc.catalog.release import Alias, Route
from sfc.engine import tokens
from sfc.engine.engine import Engine
from sfc.errors import InvalidRequest
from sfc.limits import ARN_CHARS, DEFAULT_PAGE_SIZE

Body = dict[str, Any]

_ALIAS_NAME: Final = shapes.Field(low=1, high=80, pattern=r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$")
_ROUTING: Final = shapes.list_of(
    shapes.structure(
        "RoutingConfigurationListItem",
        stateMachineVersionArn=shapes.ARN,
        weight=shapes.required(shapes.Field(type=int, low=0, high=100)),
    ),
    low=1,
    high=2,
)
PUBLISH: Final = {
    "stateMachineArn": shapes.ARN,
    "revisionId": shapes.Field(),
    "description": shapes.DESCRIPTION,
}
LIST_VERSIONS: Final = {
    "stateMachineArn": shapes.ARN,
    "nextToken": shapes.TOKEN,
    "maxResults": shapes.MAX_RESULTS,
}
DELETE_VERSION: Final = {"stateMachineVersionArn": shapes.required(shapes.Field(low=1, high=2000))}
CREATE_ALIAS: Final = {
    "description": shapes.DESCRIPTION,
    "name": shapes.required(_ALIAS_NAME),
    "routingConfiguration": shapes.required(_ROUTING),
}
UPDATE_ALIAS: Final = {
    "stateMachineAliasArn": shapes.ARN,
    "description": shapes.DESCRIPTION,
    "routingConfiguration": _ROUTING,
}
ALIAS: Final = {"stateMachineAliasArn": shapes.ARN}
LIST_ALIASES: Final = LIST_VERSIONS


async def publish_state_machine_version(engine: Engine, body: Body) -> Body:
    name = names.unqualified(body["stateMachineArn"])
    release = await engine.consult(
        lambda catalog: catalog.releases.publish(
            name, revision_id=body.get("revisionId"), description=body.get("description")
        )
    )
    return {
        "creationDate": release.created_at / 1000,
        "stateMachineVersionArn": engine.partition.release(name, release.number),
    }


async def list_state_machine_versions(engine: Engine, body: Body) -> Body:
    name = names.unqualified(body["stateMachineArn"])
    limit = body.get("maxResults") or DEFAULT_PAGE_SIZE
    question: list[object] = ["versions", name]
    below = tokens.place_of_number(body.get("nextToken"), question)
    found = await engine.consult(lambda catalog: catalog.releases.releases(name, below, limit + 1))
    answer: Body = {
        "stateMachineVersions": [
            {
                "stateMachineVersionArn": engine.partition.release(name, release.number),
                "creationDate": release.created_at / 1000,
            }
            for release in found[:limit]
        ]
    }
    if len(found) > limit:
        answer["nextToken"] = tokens.give(question, found[limit - 1].number)
    return answer


async def delete_state_machine_version(engine: Engine, body: Body) -> Body:
    name, number = names.version_of(body["stateMachineVersionArn"])
    await engine.consult(lambda catalog: catalog.releases.withdraw(name, number))
    return {}


async def create_state_machine_alias(engine: Engine, body: Body) -> Body:
    name, routing = _routing(body["routingConfiguration"])
    alias = await engine.consult(
        lambda catalog: catalog.releases.create_alias(name, body["name"], routing, body.get("description"))
    )
    return {
        "stateMachineAliasArn": engine.partition.alias(name, alias.alias),
        "creationDate": alias.created_at / 1000,
    }


async def update_state_machine_alias(engine: Engine, body: Body) -> Body:
    name, alias = names.alias_of(body["stateMachineAliasArn"])
    routing = None
    if body.get("routingConfiguration") is not None:
        machine, routing = _routing(body["routingConfiguration"])
        if machine != name:
            raise _not_versions(body["routingConfiguration"])
    elif body.get("description") is None:
        raise InvalidRequest(
            "Either the description or the routing configuration must be specified", code="MissingRequiredParameter"
        )
    changed = await engine.consult(
        lambda catalog: catalog.releases.update_alias(name, alias, routing, body.get("description"))
    )
    return {"updateDate": changed.updated_at / 1000}


async def describe_state_machine_alias(engine: Engine, body: Body) -> Body:
    name, named = names.alias_of(body["stateMachineAliasArn"])
    alias: Alias = await engine.consult(lambda catalog: catalog.releases.alias(name, named))
    answer: Body = {
        "stateMachineAliasArn": engine.partition.alias(name, alias.alias),
        "name": alias.alias,
        "routingConfiguration": [
            {"stateMachineVersionArn": engine.partition.release(name, route.number), "weight": route.weight}
            for route in alias.routing
        ],
        "creationDate": alias.created_at / 1000,
        "updateDate": alias.updated_at / 1000,
    }
    if alias.description is not None:
        answer["description"] = alias.description
    return answer


async def list_state_machine_aliases(engine: Engine, body: Body) -> Body:
    """Those of a machine, or those that lead to a version of it."""
    arn = arns.parse(body["stateMachineArn"], "stateMachine")
    if arn.name and not arn.name.isdecimal():
        raise names.unknown(arn.text)
    number = int(arn.name) if arn.name else None
    limit = body.get("maxResults") or DEFAULT_PAGE_SIZE
    question: list[object] = ["aliases", arn.machine, number]
    after = tokens.place_of_text(body.get("nextToken"), question)
    every = await engine.consult(lambda catalog: catalog.releases.aliases(arn.machine, after or ""))
    found = [alias for alias in every if number is None or alias.leads_to(number)]
    answer: Body = {
        "stateMachineAliases": [
            {
                "stateMachineAliasArn": engine.partition.alias(arn.machine, alias.alias),
                "creationDate": alias.created_at / 1000,
            }
            for alias in found[:limit]
        ]
    }
    if len(found) > limit:
        answer["nextToken"] = tokens.give(question, found[limit - 1].alias)
    return answer


async def delete_state_machine_alias(engine: Engine, body: Body) -> Body:
    name, alias = names.alias_of(body["stateMachineAliasArn"])
    await engine.consult(lambda catalog: catalog.releases.delete_alias(name, alias))
    return {}


def _routing(items: list[Body]) -> tuple[str, list[Route]]:
    """The machine that all versions are of, and the routes. Raises InvalidArn, InvalidRequest."""
    targets = [arns.parse(item["stateMachineVersionArn"], "stateMachine") for item in items]
    machines = {target.machine for target in targets}
    if len(machines) > 1 or not all(target.name.isdecimal() for target in targets):
        raise _not_versions(items)
    routes = [Route(int(target.name), item["weight"]) for target, item in zip(targets, items, strict=True)]
    return machines.pop(), routes


def _not_versions(items: list[Body]) -> InvalidRequest:
    received = ", ".join(item["stateMachineVersionArn"][:ARN_CHARS] for item in items)
    return InvalidRequest(
        f"Routing configuration must contain state machine version ARNs. Received: [{received}]",
        field="routingConfiguration",
    )
