"""What a Kafka trigger reads and how: its settings, checked.

{"topic": "orders", "format": "json", "from": "earliest", "filter": "{% $states.input.value.total > 0 %}",
 "batch": {"size": 100, "seconds": 1}, "rate": 50, "max_bytes": 1048576,
 "control": {"header": "x-flow-control", "secret": "${env:CONTROL_SECRET}"}}

The event that filter and mapping see is {"value", "key", "headers", "topic", "partition", "offset", "timestamp",
"record"}.
"""

import re
from collections.abc import Mapping as Members
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from sfc.checks import Check, anything, json_schema, number, one_of, read, text, whole
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.limits import KAFKA_BATCH_RECORDS, KAFKA_BATCH_SECONDS, KAFKA_RATE, KAFKA_RECORD_BYTES
from sfc.secrets import check_reference
from sfc.triggers.mapping import FIELDS, Mapping, read_mapping

Begin: TypeAlias = Literal["earliest", "latest"]

FORMATS: Final = ("json", "text", "bytes", "avro", "protobuf", "json-schema")
"""How a record's value is read; the last three by the schema registry."""
DEFAULT_RECORD_BYTES: Final = 1_048_576
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records that start one execution together."""

    size: int
    seconds: float = 1.0
    """The longest that the first of a batch waits for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A record is a control message when its header of this name holds the secret."""

    header: str
    secret: str
    """A reference: `sfc.secrets`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaTrigger:
    topic: str
    mapping: Mapping
    format: str = "json"
    schema: Json = None
    """JSON Schema that values must fit; None: any."""
    begin: Begin = "latest"
    """Where a new trigger begins; partitions that a topic gets later are read from their first record on."""
    batch: Batch | None = None
    rate: float | None = None
    """Records a second at most; None: as fast as it goes."""
    max_bytes: int = DEFAULT_RECORD_BYTES
    """Of one record's value, key and headers together."""
    control: Control | None = None


def read_kafka(settings: Members[str, Json]) -> KafkaTrigger:
    """Raises InvalidRequest that names the field."""
    found = read(_CHECKS, settings, "a Kafka trigger")
    if "topic" not in found:
        raise InvalidRequest("topic is missing: the topic whose records start executions", field="topic")
    if found.get("schema") is not None and found.get("format", "json") != "json":
        raise InvalidRequest("schema is for the format json; other formats bring their own", field="schema")
    given = {key: value for key, value in found.items() if key not in (*FIELDS, "from")}
    return KafkaTrigger(mapping=read_mapping(found, "$.value"), begin=found.get("from", "latest"), **given)


def check_topic(place: str, value: Json) -> str:
    if not isinstance(value, str) or not _TOPIC.fullmatch(value) or value in (".", ".."):
        raise InvalidRequest(
            f"{place} must be the name of a topic: 1 to 249 letters, digits, '.', '_' and '-'", field=place
        )
    return value


def _batch(place: str, value: Json) -> Batch:
    if not isinstance(value, dict):
        raise InvalidRequest(f"{place} must be an object: {{size, seconds}}", field=place)
    found = read(_BATCH, value, "a batch", place)
    if "size" not in found:
        raise InvalidRequest(f"{place}.size is missing: the most records of one execution", field=f"{place}.size")
    return Batch(**found)


def _control(place: str, value: Json) -> Control:
    if not isinstance(value, dict):
        raise InvalidRequest(f"{place} must be an object: {{header, secret}}", field=place)
    found = read(_CONTROL, value, "control", place)
    for part in _CONTROL:
        if part not in found:
            raise InvalidRequest(f"{place}.{part} is missing", field=f"{place}.{part}")
    return Control(**found)


_BATCH: Final[Members[str, Check]] = {
    "size": whole(1, KAFKA_BATCH_RECORDS),
    "seconds": number(0, KAFKA_BATCH_SECONDS),
}
_CONTROL: Final[Members[str, Check]] = {"header": text(249), "secret": check_reference}
_CHECKS: Final[dict[str, Any]] = {
    "topic": check_topic,
    "format": one_of(*FORMATS),
    "schema": json_schema,
    "from": one_of("earliest", "latest"),
    **dict.fromkeys(FIELDS, anything),
    "batch": _batch,
    "rate": number(0.001, KAFKA_RATE),
    "max_bytes": whole(1, KAFKA_RECORD_BYTES),
    "control": _control,
}
