"""Step Functions actions on state machines."""

from typing import Any, Final

from serve.sfn import shapes
from sfc import arn
from sfc.asl.parse import parse
from sfc.catalog.version import Version
from sfc.engine.engine import Engine
from sfc.errors import InvalidRequest, NotFound, NotSupported
from sfc.limits import DEFAULT_PAGE_SIZE

Body = dict[str, Any]

_CONFIGURATION: Final = {
    "loggingConfiguration": shapes.OBJECT,
    "tracingConfiguration": shapes.OBJECT,
    "encryptionConfiguration": shapes.OBJECT,
    "publish": shapes.FLAG,
    "versionDescription": shapes.Field(high=256),
}
CREATE: Final = {
    "name": shapes.required(shapes.NAME),
    "definition": shapes.required(shapes.DEFINITION),
    "roleArn": shapes.ARN,
    "type": shapes.KIND,
    "tags": shapes.LIST,
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
    "maxResults": shapes.Field(type=int, low=0, high=100),
}

_CONFIGURATIONS: Final = ("loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
_NO_LOGGING: Final[Body] = {"level": "OFF", "includeExecutionData": False}
_NO_TRACING: Final[Body] = {"enabled": False}
_DIAGNOSTICS: Final = 100


async def create_state_machine(engine: Engine, body: Body) -> Body:
    name = arn.check_name(body["name"])
    _check_publishing(body)
    settings = _settings(body)
    if body.get("tags"):
        settings["tags"] = body["tags"]
    version = await engine.create_blueprint(
        name, body["definition"], kind=body.get("type", "STANDARD"), role_arn=body["roleArn"], settings=settings
    )
    return {"stateMachineArn": engine.partition.state_machine(name), "creationDate": version.created_at / 1000}


async def update_state_machine(engine: Engine, body: Body) -> Body:
    given = _settings(body)
    if body.get("definition") is None and body.get("roleArn") is None and not given:
        raise InvalidRequest(
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration "
            "must be specified",
            code="MissingRequiredParameter",
        )
    _check_publishing(body)
    before = await _version(engine, body["stateMachineArn"])
    version = await engine.update_blueprint(
        before.name,
        definition=body.get("definition"),
        role_arn=body.get("roleArn"),
        settings={**before.settings, **given} if given else None,
    )
    answer: Body = {"updateDate": version.updated_at / 1000}
    if version.revision_id:
        answer["revisionId"] = version.revision_id
    return answer


def _check_publishing(body: Body) -> None:
    if body.get("versionDescription") is not None and not body.get("publish"):
        raise InvalidRequest("Version description can only be set when publish is true")
    if body.get("publish"):
        raise NotSupported("Publishing versions is not supported", code="ValidationException")


def _settings(body: Body) -> Body:
    settings = {key: body[key] for key in _CONFIGURATIONS if body.get(key) is not None}
    logging = settings.get("loggingConfiguration")
    if logging is not None:
        destinations = logging.get("destinations") or ()
        if len(destinations) > 1 or (logging.get("level", "OFF") != "OFF" and len(destinations) != 1):
            raise InvalidRequest(
                "Invalid Logging Configuration: Must specify exactly one Log Destination.",
                code="InvalidLoggingConfiguration",
            )
    return settings


async def _version(engine: Engine, machine_arn: str) -> Version:
    target = arn.parse(machine_arn, "stateMachine")
    if target.name:
        raise NotFound(f"State Machine Does Not Exist: '{target.text}'", code="StateMachineDoesNotExist")
    return await engine.get_blueprint(target.machine)


async def describe_state_machine(engine: Engine, body: Body) -> Body:
    version = await _version(engine, body["stateMachineArn"])
    return {
        **_described(engine, version),
        "status": "ACTIVE",
        "type": version.kind,
        "creationDate": version.created_at / 1000,
    }


async def describe_state_machine_for_execution(engine: Engine, body: Body) -> Body:
    version = await engine.version_of(arn.parse(body["executionArn"], "execution").text)
    return {**_described(engine, version), "updateDate": version.updated_at / 1000}


def _described(engine: Engine, version: Version) -> Body:
    answer: Body = {
        "stateMachineArn": engine.partition.state_machine(version.name),
        "name": version.name,
        "definition": version.definition,
        "roleArn": version.role_arn,
        "loggingConfiguration": {**_NO_LOGGING, **version.settings.get("loggingConfiguration", {})},
        "tracingConfiguration": {**_NO_TRACING, **version.settings.get("tracingConfiguration", {})},
    }
    if version.revision_id:
        answer["revisionId"] = version.revision_id
    if "encryptionConfiguration" in version.settings:
        answer["encryptionConfiguration"] = version.settings["encryptionConfiguration"]
    return answer


async def delete_state_machine(engine: Engine, body: Body) -> Body:
    try:
        await engine.delete_blueprint(arn.parse(body["stateMachineArn"], "stateMachine").machine)
    except NotFound:
        return {}  # deleting is idempotent
    return {}


async def list_state_machines(engine: Engine, body: Body) -> Body:
    page = await engine.list_blueprints(body.get("maxResults") or DEFAULT_PAGE_SIZE, body.get("nextToken"))
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
    limit = body.get("maxResults") or _DIAGNOSTICS
    failed = any(diagnostic["severity"] == "ERROR" for diagnostic in found)
    return {
        "result": "FAIL" if failed else "OK",
        "diagnostics": found[:limit],
        "truncated": len(found) > limit,
    }
