"""Step Functions actions on state machines."""

from typing import Any, Final

from serve.sfn import configuration, names, shapes
from serve.sfn.tags import tags_in
from sfc import arn
from sfc.asl.parse import parse
from sfc.asl.references import variable_references
from sfc.catalog.catalog import Catalog
from sfc.catalog.version import Version
from sfc.engine.engine import Engine
from sfc.engine.target import find_target
from sfc.errors import InvalidRequest, NotFound
from sfc.limits import DEFAULT_PAGE_SIZE, DIAGNOSTICS

Body = dict[str, Any]

_CONFIGURATION: Final = {
    "loggingConfiguration": shapes.without_effect(shapes.LOGGING),
    "tracingConfiguration": shapes.without_effect(shapes.TRACING),
    "encryptionConfiguration": shapes.without_effect(shapes.ENCRYPTION),
    "publish": shapes.FLAG,
    "versionDescription": shapes.DESCRIPTION,
}
CREATE: Final = {
    "name": shapes.required(shapes.NAME),
    "definition": shapes.required(shapes.DEFINITION),
    "roleArn": shapes.ARN,
    "type": shapes.KIND,
    "tags": shapes.list_of(shapes.TAG),
    **_CONFIGURATION,
}
UPDATE: Final = {
    "stateMachineArn": shapes.ARN,
    "definition": shapes.DEFINITION,
    "roleArn": shapes.Field(low=1, high=256),
    **_CONFIGURATION,
}
DESCRIBE: Final = {"stateMachineArn": shapes.ARN, "includedData": shapes.DATA}
DESCRIBE_FOR_EXECUTION: Final = {"executionArn": shapes.ARN, "includedData": shapes.DATA}
DELETE: Final = {"stateMachineArn": shapes.ARN}
LIST: Final = {"maxResults": shapes.MAX_RESULTS, "nextToken": shapes.TOKEN}
VALIDATE: Final = {
    "definition": shapes.required(shapes.DEFINITION),
    "type": shapes.KIND,
    "severity": shapes.Field(members=("ERROR", "WARNING")),
    "maxResults": shapes.Field(type=int, low=0, high=DIAGNOSTICS),
}


async def create_state_machine(engine: Engine, body: Body) -> Body:
    name = arn.check_name(body["name"])
    publish = _publishing(body)
    settings = configuration.settings({}, configuration.given(body))

    def create(catalog: Catalog) -> Version:
        return catalog.create(
            name,
            body["definition"],
            kind=body.get("type") or "STANDARD",
            role_arn=body["roleArn"],
            settings=settings,
            tags=tags_in(body.get("tags") or []),
            publish=publish,
            description=body.get("versionDescription"),
        )

    version = await engine.consult(create)
    answer = {"stateMachineArn": engine.partition.state_machine(name), "creationDate": version.created_at / 1000}
    if publish:
        answer["stateMachineVersionArn"] = engine.partition.release(name, 1)
    return answer


async def update_state_machine(engine: Engine, body: Body) -> Body:
    configurations = configuration.given(body)
    if body.get("definition") is None and body.get("roleArn") is None and not configurations:
        raise InvalidRequest(
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration "
            "must be specified",
            code="MissingRequiredParameter",
        )
    publish = _publishing(body)
    name = names.unqualified(body["stateMachineArn"])
    answer: Body = {}

    def update(catalog: Catalog) -> Version:
        before = catalog.get(name)
        version = catalog.update(
            name,
            definition=body.get("definition"),
            role_arn=body.get("roleArn"),
            settings=configuration.settings(dict(before.settings), configurations) if configurations else None,
        )
        if publish:
            release = catalog.releases.publish(name, description=body.get("versionDescription"))
            answer["stateMachineVersionArn"] = engine.partition.release(name, release.number)
        return version

    version = await engine.consult(update)
    answer["updateDate"] = version.updated_at / 1000
    if version.revision_id:
        answer["revisionId"] = version.revision_id
    references = variable_references(version.definition)
    if references:
        answer["variableReferences"] = references
    return answer


def _publishing(body: Body) -> bool:
    publish = bool(body.get("publish"))
    if body.get("versionDescription") is not None and not publish:
        raise InvalidRequest("Version description can only be set when publish is true")
    return publish


async def describe_state_machine(engine: Engine, body: Body) -> Body:
    """Of a machine, of one of its versions, or of a machine by the label of one of its Maps."""
    target = arn.parse(body["stateMachineArn"], "stateMachine")
    machine, _, label = target.machine.partition("/")

    def find(catalog: Catalog) -> tuple[Version, Body]:
        status = "DELETING" if catalog.is_deleting(machine) else "ACTIVE"
        if target.name.isdecimal():
            release = catalog.releases.release(machine, int(target.name))
            about: Body = {"status": status, "creationDate": release.created_at / 1000}
            if release.description:
                about["description"] = release.description
            return catalog.version(release.version), about
        named = target.text.replace(f"/{label}", "") if label else target.text
        version = find_target(catalog, named, even_deleting=True).version
        if label and label not in version.labels:
            raise names.unknown(target.text)
        return version, {"status": status, "label": label} if label else {"status": status}

    version, about = await engine.consult(find)
    return {
        **_described(engine, version, body),
        "type": version.kind,
        "creationDate": version.created_at / 1000,
        **about,
        "stateMachineArn": target.text,
    }


async def describe_state_machine_for_execution(engine: Engine, body: Body) -> Body:
    execution = arn.parse(body["executionArn"], "execution")
    version = await engine.version_of(execution.text)
    answer = {**_described(engine, version, body), "updateDate": version.updated_at / 1000}
    label = execution.machine.partition("/")[2]
    if label:
        answer["label"] = label
        answer["mapRunArn"] = (await engine.describe(execution.text)).map_run_arn
    return answer


def _described(engine: Engine, version: Version, body: Body) -> Body:
    answer: Body = {
        "stateMachineArn": engine.partition.state_machine(version.name),
        "name": version.name,
        "definition": "{}" if body.get("includedData") == "METADATA_ONLY" else version.definition,
        "roleArn": version.role_arn,
        **configuration.described(version),
    }
    if version.revision_id:
        answer["revisionId"] = version.revision_id
    references = variable_references(version.definition)
    if references:
        answer["variableReferences"] = references
    return answer


async def delete_state_machine(engine: Engine, body: Body) -> Body:
    try:
        await engine.blueprints.delete(names.unqualified(body["stateMachineArn"]))
    except NotFound:
        return {}  # deleting is idempotent
    return {}


async def list_state_machines(engine: Engine, body: Body) -> Body:
    page = await engine.blueprints.list(body.get("maxResults") or DEFAULT_PAGE_SIZE, body.get("nextToken"))
    answer: Body = {
        "stateMachines": [
            {
                "stateMachineArn": engine.partition.state_machine(version.name),
                "name": version.name,
                "type": version.kind,
                "creationDate": version.created_at / 1000,
            }
            for version in page.items
        ]
    }
    if page.next_token:
        answer["nextToken"] = page.next_token
    return answer


async def validate_definition(engine: Engine, body: Body) -> Body:
    """Errors only, unless warnings are asked for by `severity`: WARNING."""
    found = [
        {key: value for key, value in
         (("severity", d.severity), ("code", d.code), ("message", d.message), ("location", d.location)) if value}
        for d in parse(body["definition"], kind=body.get("type", "STANDARD")).diagnostics
        if d.severity == "ERROR" or body.get("severity") == "WARNING"
    ]  # fmt: skip
    limit = body.get("maxResults") or DIAGNOSTICS
    failed = any(diagnostic["severity"] == "ERROR" for diagnostic in found)
    return {
        "result": "FAIL" if failed else "OK",
        "diagnostics": found[:limit],
        "truncated": len(found) > limit,
    }
