"""Bodies of the REST API: what strangers write, checked; what they get, described."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from sfc import jsonvalue
from sfc.arn import Partition
from sfc.asl.diagnostics import Diagnostic
from sfc.catalog import activity as activities
from sfc.catalog import release as catalog
from sfc.catalog.version import Version
from sfc.engine.records import ExecutionRecord, HistoryEvent, MapRunRecord
from sfc.limits import CAUSE_CHARS, DEFINITION_CHARS, ERROR_CHARS, NAME_CHARS, TASK_TOKEN_CHARS

Kind = Literal["STANDARD", "EXPRESS"]
Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]

_HELLO: dict[str, Any] = {
    "StartAt": "Greet",
    "States": {"Greet": {"Type": "Pass", "Result": {"hello": "world"}, "End": True}},
}
Definition = Annotated[
    dict[str, Any] | Annotated[str, Field(min_length=1, max_length=DEFINITION_CHARS)],
    Field(description="Amazon States Language, as a JSON object or as text.", examples=[_HELLO]),
]


class Strict(BaseModel):
    """A body in which a misspelt field is an error instead of being ignored."""

    model_config = ConfigDict(extra="forbid")


class NewBlueprintVersion(Strict):
    definition: Definition
    kind: Kind = Field("STANDARD", description="EXPRESS: short, at most five minutes, no stored history.")
    role_arn: str = Field("arn:aws:iam::123456789012:role/sfc", description="Shown in histories; not used otherwise.")
    settings: dict[str, Any] | None = Field(
        None,
        description="What belongs to the blueprint but not to ASL: `pool`, `group`, `topics`. "
        "Absent: as before, or none.",
    )

    def text(self) -> str:
        """The definition as text."""
        return self.definition if isinstance(self.definition, str) else jsonvalue.text(self.definition)


class NewBlueprint(NewBlueprintVersion):
    name: str = Field(min_length=1, max_length=NAME_CHARS, examples=["hello"])


class DefinitionToCheck(Strict):
    definition: Definition
    kind: Kind = "STANDARD"

    def text(self) -> str:
        """The definition as text."""
        return self.definition if isinstance(self.definition, str) else jsonvalue.text(self.definition)


class NewExecution(Strict):
    blueprint: str = Field(description="Name or ARN of the blueprint.", examples=["hello"])
    input: Any = Field(default_factory=dict, description="Any JSON value.", examples=[{"order": 4711}])
    name: str | None = Field(None, max_length=NAME_CHARS, description="Unique within the blueprint; made up if absent.")


class Stop(Strict):
    error: str | None = Field(None, max_length=ERROR_CHARS, examples=["Cancelled"])
    cause: str | None = Field(None, max_length=CAUSE_CHARS, examples=["the customer changed her mind"])


_TaskToken = Annotated[str, Field(min_length=1, max_length=TASK_TOKEN_CHARS, description="Of the task, as given out.")]


class TaskSuccess(Strict):
    token: _TaskToken
    output: Any = Field(description="Any JSON value.", examples=[{"approved": True}])


class TaskFailure(Stop):
    token: _TaskToken


class TaskHeartbeat(Strict):
    token: _TaskToken


class Activity(BaseModel):
    name: str
    arn: str
    created_at: datetime


class Activities(BaseModel):
    items: list[Activity]
    next_token: str | None = Field(description="Pass it as `token` for the next page.")


class ActivityTask(BaseModel):
    """A task that the worker has now: it answers with the token."""

    token: str
    input: Any


class DiagnosticBody(BaseModel):
    """One finding in a definition."""

    location: str = Field(examples=["/States/Greet/Next"])
    code: str = Field(examples=["MISSING_TRANSITION_TARGET"])
    message: str
    severity: Literal["ERROR", "WARNING"]

    @classmethod
    def of(cls, found: Diagnostic) -> "DiagnosticBody":
        return cls(location=found.location, code=found.code, message=found.message, severity=found.severity)


class CheckResult(BaseModel):
    result: Literal["OK", "FAIL"]
    diagnostics: list[DiagnosticBody]


class ErrorBody(BaseModel):
    """Every error of this API."""

    error: str = Field(description="Stable code.", examples=["ExecutionDoesNotExist"])
    message: str = Field(examples=["Execution Does Not Exist: 'hello:1'"])
    field: str | None = Field(None, description="The field at fault, if it is one.")
    diagnostics: list[DiagnosticBody] = Field(
        default_factory=list, description="Findings, if a definition is at fault."
    )


class BlueprintSummary(BaseModel):
    name: str
    arn: str
    kind: Kind
    version: int
    group: str | None = Field(description="The group that its new executions belong to.")
    paused: bool = Field(description="It begins nothing now: it is paused, or its group.")
    created_at: datetime
    updated_at: datetime


class Blueprint(BlueprintSummary):
    definition: Any
    role_arn: str
    settings: dict[str, Any]


class Blueprints(BaseModel):
    items: list[BlueprintSummary]
    next_token: str | None = Field(description="Pass it as `token` for the next page.")


class NewRelease(Strict):
    description: str | None = Field(None, max_length=256)


class Release(BaseModel):
    number: int
    arn: str
    description: str
    created_at: datetime


class Releases(BaseModel):
    items: list[Release]
    next_token: str | None = Field(description="Pass it as `token` for the next page.")


AliasName = Annotated[
    str, Path(min_length=1, max_length=NAME_CHARS, pattern=r"^[a-zA-Z0-9_\-.]*[a-zA-Z_\-.][a-zA-Z0-9_\-.]*$")
]


class Routing(Strict):
    release: int = Field(ge=1, description="Number of the release.")
    weight: int = Field(100, ge=0, le=100, description="Percentage of the starts; all weights together are 100.")


class NewAlias(Strict):
    routing: list[Routing] = Field(min_length=1, max_length=2)
    description: str | None = Field(None, max_length=256)


class Alias(BaseModel):
    alias: str
    arn: str
    description: str | None
    routing: list[Routing]
    created_at: datetime
    updated_at: datetime


class Aliases(BaseModel):
    items: list[Alias]


class Execution(BaseModel):
    arn: str
    blueprint: str
    name: str
    kind: Kind
    version: int
    release: int | None = Field(None, description="The release it was started through, by itself or by an alias.")
    alias: str | None = Field(None, description="The alias it was started through.")
    status: Status
    paused: bool = Field(False, description="It is RUNNING, and begins nothing now: its blueprint or group is paused.")
    started_at: datetime
    stopped_at: datetime | None = None
    redrives: int = Field(0, description="How often it was redriven.")
    redriven_at: datetime | None = None
    input: Any = None
    output: Any = None
    error: str | None = None
    cause: str | None = None
    states: list[str] = Field(default_factory=list, description="Where it is now, while RUNNING.")


class Executions(BaseModel):
    items: list[Execution]
    next_token: str | None = Field(description="Pass it as `token` for the next page.")


class MapRunCounts(BaseModel):
    pending: int
    running: int
    succeeded: int
    failed: int
    timed_out: int
    aborted: int
    total: int = Field(description="So far: of what has been read.")
    results_written: int


class MapRun(BaseModel):
    arn: str
    execution_arn: str = Field(description="Of the execution with the Map state.")
    status: str = Field(description="RUNNING, SUCCEEDED, FAILED or ABORTED.")
    started_at: datetime
    stopped_at: datetime | None
    max_concurrency: int = Field(description="0: as many as there may be.")
    tolerated_failure_count: int
    tolerated_failure_percentage: float
    items: MapRunCounts
    children: MapRunCounts
    redrives: int
    redriven_at: datetime | None


class MapRuns(BaseModel):
    items: list[MapRun]
    next_token: str | None


class MapRunLimits(BaseModel):
    max_concurrency: int | None = Field(None, ge=0)
    tolerated_failure_count: int | None = Field(None, ge=0)
    tolerated_failure_percentage: float | None = Field(None, ge=0, le=100)


class History(BaseModel):
    items: list[dict[str, Any]] = Field(description="History events as Step Functions spells them; times are ISO 8601.")
    next_token: str | None


def when(at: int) -> datetime:
    """UTC ms as a datetime."""
    return datetime.fromtimestamp(at / 1000, UTC)


def _value(text: str | None) -> Any:
    return None if text is None else jsonvalue.loads(text)


def summary(version: Version, arn: str, paused: bool) -> BlueprintSummary:
    """A blueprint without its definition."""
    return BlueprintSummary.model_validate(_outline(version, arn, paused))


def blueprint(version: Version, arn: str, paused: bool) -> Blueprint:
    """A blueprint with everything."""
    try:
        definition: Any = jsonvalue.loads(version.definition)
    except jsonvalue.NotJson:
        definition = version.definition
    return Blueprint.model_validate(
        {
            **_outline(version, arn, paused),
            "definition": definition,
            "role_arn": version.role_arn,
            "settings": version.settings,
        }
    )


def _outline(version: Version, arn: str, paused: bool) -> Mapping[str, Any]:
    return {
        "name": version.name,
        "arn": arn,
        "kind": version.kind,
        "version": version.number,
        "group": version.group,
        "paused": paused,
        "created_at": when(version.created_at),
        "updated_at": when(version.updated_at),
    }


def release(found: catalog.Release, arn: str) -> Release:
    return Release(number=found.number, arn=arn, description=found.description, created_at=when(found.created_at))


def alias(found: catalog.Alias, arn: str) -> Alias:
    return Alias(
        alias=found.alias,
        arn=arn,
        description=found.description,
        routing=[Routing(release=route.number, weight=route.weight) for route in found.routing],
        created_at=when(found.created_at),
        updated_at=when(found.updated_at),
    )


def execution(record: ExecutionRecord) -> dict[str, Any]:
    """The body of `Execution`, as plain data: it is written to streams too."""
    return {
        "arn": record.arn,
        "blueprint": record.machine,
        "name": record.name,
        "kind": record.kind,
        "version": record.version,
        "release": record.published,
        "alias": record.alias,
        "status": record.status,
        "paused": record.paused,
        "started_at": when(record.started_at),
        "stopped_at": None if record.stopped_at is None else when(record.stopped_at),
        "redrives": record.redrives,
        "redriven_at": None if record.redriven_at is None else when(record.redriven_at),
        "input": _value(record.input),
        "output": _value(record.output),
        "error": record.error,
        "cause": record.cause,
        "states": list(record.states),
    }


def map_run(record: MapRunRecord) -> dict[str, Any]:
    return {
        **asdict(record),
        "started_at": when(record.started_at),
        "stopped_at": None if record.stopped_at is None else when(record.stopped_at),
        "redriven_at": None if record.redriven_at is None else when(record.redriven_at),
    }


def history_event(event: HistoryEvent) -> dict[str, Any]:
    """A history event with its time in words."""
    return {**event, "timestamp": when(event["timestamp"])}


def activity(found: activities.Activity, partition: Partition) -> dict[str, Any]:
    return {"name": found.name, "arn": partition.activity(found.name), "created_at": when(found.created_at)}
