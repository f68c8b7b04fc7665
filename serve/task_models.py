"""Bodies of the REST API about task metas."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from serve.models import Strict, when
from sfc.catalog.tasks import TaskChange
from sfc.limits import MAX_SECONDS
from sfc.task_meta import TaskMeta

Kind = Literal["python", "rest", "grpc", "kafka"]


class NewTaskVersion(Strict):
    type: Kind
    version: str | None = Field(None, description="1 to 32 characters; the next number if absent.", examples=["2"])
    description: str = Field("", max_length=1_000)
    input_schema: dict[str, Any] | bool | None = Field(None, description="JSON Schema that inputs must fit.")
    output_schema: dict[str, Any] | bool | None = Field(None, description="JSON Schema that results must fit.")
    retry: list[dict[str, Any]] | None = Field(None, description="`Retry` of Tasks that have none.")
    timeout_seconds: int | None = Field(None, ge=1, le=MAX_SECONDS, description="Of Tasks that have none.")
    heartbeat_seconds: int | None = Field(None, ge=1, le=MAX_SECONDS, description="Of Tasks that have none.")
    package: str | None = Field(None, description="python: SHA-256 of an uploaded package.")
    handler: str | None = Field(None, description="python: `module:function` in the package, or a registered name.")
    requirements: list[str] | None = Field(None, description="python: what pip installs for the package.")
    url: str | None = Field(None, description="rest: may hold `{field}` of the input. grpc: that of the method.")
    method: str | None = Field(None, description="rest: POST if absent.")
    headers: dict[str, str] | None = Field(None, description="rest, kafka: sent with each request or message.")
    descriptors: str | None = Field(None, description="grpc: a FileDescriptorSet, base64.")
    topic: str | None = Field(None, description="kafka: where jobs go; absent: what `layout` names.")
    layout: Literal["task", "workflow", "shared"] | None = Field(
        None, description="kafka: a topic for each task, each workflow or all; absent: what the blueprint says."
    )
    key: str | None = Field(
        None, description="kafka: an expression for the message's key; the execution's id if absent."
    )
    format: str | None = Field(None, description="kafka: how the value is written; json if absent.")
    reply: bool | None = Field(None, description="kafka: wait for the service's answer; false if absent.")
    reply_to: str | None = Field(None, description="kafka: the topic of answers; that of all tasks if absent.")
    relay: bool | None = Field(None, description="kafka: the input is a trigger's record, to be handed on unchanged.")
    partitions: int | None = Field(None, description="kafka: of a topic that SFC makes.")
    replication: int | None = Field(None, description="kafka: of a topic that SFC makes.")
    topic_config: dict[str, str] | None = Field(
        None, description="kafka: settings of a topic that SFC makes, such as `retention.ms`."
    )

    def meta(self, name: str) -> TaskMeta:
        return TaskMeta.of(name, self.model_dump(exclude_none=True))


class TaskVersion(BaseModel):
    """One version of a task, in outline."""

    name: str
    version: str
    digest: str = Field(description="SHA-256 of all that this version says.")
    created_at: datetime


class Task(TaskVersion, NewTaskVersion):
    """One version of a task."""

    version: str


class Tasks(BaseModel):
    items: list[TaskVersion]
    next_token: str | None = Field(description="Pass it as `token` for the next page.")


class TaskVersions(BaseModel):
    items: list[TaskVersion]


class Package(BaseModel):
    digest: str
    bytes: int


def outline(change: TaskChange) -> TaskVersion:
    return TaskVersion(
        name=change.name, version=change.version, digest=change.digest, created_at=when(change.created_at)
    )


def task(change: TaskChange, meta: TaskMeta) -> Task:
    return Task(
        name=meta.name,
        version=meta.version,
        digest=change.digest,
        created_at=when(change.created_at),
        type=meta.kind,
        description=meta.description,
        input_schema=meta.input_schema,
        output_schema=meta.output_schema,
        retry=meta.retry,
        timeout_seconds=meta.timeout_s,
        heartbeat_seconds=meta.heartbeat_s,
        **meta.settings,
    )
