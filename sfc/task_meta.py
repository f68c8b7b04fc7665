"""A task meta: one version of a named task that any blueprint may refer to as `task:NAME` or `task:NAME:VERSION`.

It is a value: content-addressed JSON text that never changes, made by the catalog and read by workers.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, TypeAlias

from sfc import jsonvalue
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json

TaskKind: TypeAlias = Literal["python", "rest", "grpc", "kafka"]


_OWN: Final = {
    "type": "kind", "version": "version", "description": "description", "input_schema": "input_schema",
    "output_schema": "output_schema", "retry": "retry", "timeout_seconds": "timeout_s",
    "heartbeat_seconds": "heartbeat_s",
}  # fmt: skip
"""Fields of the API and what they are here."""
_SETTINGS: Final = frozenset({
    "package", "handler", "requirements", "url", "method", "headers", "descriptors", "topic", "layout", "key", "format",
    "reply", "reply_to", "relay", "partitions", "replication", "topic_config",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TaskMeta:
    """`settings` by kind:

    - python: `package` (digest; absent: a handler that workers have anyway), `handler` (a name it is registered
      under, or `module:function`; absent: the task's name), `requirements` (a list of pip's)
    - rest: `url` (may hold `{field}` of the input), `method`, `headers`
    - grpc: `url`, `descriptors` (a FileDescriptorSet as base64; absent: the server is asked)
    - kafka: as `sfc.catalog.kafka_task` reads them
    """

    name: str
    version: str
    kind: TaskKind
    settings: Mapping[str, Json] = field(default_factory=dict)
    description: str = ""
    input_schema: Json = None
    """JSON Schema; None: any input is taken."""
    output_schema: Json = None
    retry: Json = None
    """ASL's `Retry`, for Tasks that have none of their own."""
    timeout_s: int | None = None
    """For Tasks that have no TimeoutSeconds."""
    heartbeat_s: int | None = None

    @cached_property
    def text(self) -> bytes:
        """JSON; the same for the same meta."""
        return jsonvalue.dumps({name: getattr(self, name) for name in sorted(self.__dataclass_fields__)})

    @cached_property
    def digest(self) -> str:
        return digest_of(self.text)

    @classmethod
    def of(cls, name: str, fields: Mapping[str, Json]) -> "TaskMeta":
        """Of the fields that the REST API and files have. Raises InvalidRequest for one that there is not; the values
        are checked when the catalog keeps it."""
        for given in fields:
            if given not in _OWN and given not in _SETTINGS:
                raise InvalidRequest(f"a task has no field {given!r}", field=given)
        own = {_OWN[given]: value for given, value in fields.items() if given in _OWN and value is not None}
        settings = {given: value for given, value in fields.items() if given in _SETTINGS and value is not None}
        return cls(**{"version": "", "kind": "", **own}, name=name, settings=settings)

    @classmethod
    def read(cls, text: bytes) -> "TaskMeta":
        """Of what `text` gave."""
        value = jsonvalue.loads(text)
        assert isinstance(value, dict)
        return cls(**value)


def digest_of(data: bytes) -> str:
    """What a meta or a package is known by: SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
