"""What the message of a job says. Pure.

Its value is the task's input; its key the execution's id, so that what one execution sends to a topic stays in order.
Headers tell where it comes from (CloudEvents in binary mode, W3C Trace Context), the key by which its repetitions are
known, and how it is answered.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Final, NamedTuple

from sfc import jsonvalue
from sfc.asl.timestamps import format_ms
from sfc.catalog.kafka_task import KafkaTask, topic_of
from sfc.checks import read, text, whole
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.kafka import headers as names
from sfc.kafka.formats import Formats
from sfc.kafka.outbox import Headers, Message
from sfc.kafka.relayed import read_shown
from sfc.kafka.settings import KafkaSettings, TopicSettings
from sfc.limits import KAFKA_HEADERS
from sfc.triggers.kafka import check_topic
from sfc.triggers.mapping import MappingFailed


class Origin(NamedTuple):
    """Where a job comes from."""

    key: str
    """The idempotency key."""
    execution: str
    """Id, in hex."""
    arn: str
    blueprint: str
    settings: Mapping[str, Json]
    """Of the blueprint."""
    state: str
    task: str
    """Name of the task; empty: the Resource names a topic."""
    at: int
    """UTC ms."""
    token: str | None
    """None: nobody waits for an answer."""


class Messages:
    """Makes them, for one Kafka."""

    def __init__(self, kafka: KafkaSettings, formats: Formats) -> None:
        self._kafka = kafka
        self._formats = formats

    def to_topic(self, topic: str, input: bytes, origin: Origin) -> Message:
        """The input as the value, to a topic that must be there."""
        return Message(topic, input, _bytes(origin.execution), self._headers(origin, "json", None))

    def published(self, input: bytes, origin: Origin) -> Message:
        """Of the parameters of `kafka:publish`: Topic; Value, Key, Headers and Partition, or a Record of a trigger.

        Raises InvalidRequest that names the parameter.
        """
        given = _object(input)
        found = read(_PARAMETERS, given, "kafka:publish")
        if "Topic" not in found:
            raise InvalidRequest("Topic is missing", field="Topic")
        topic, partition = found["Topic"], found.get("Partition", -1)
        if "Record" in given:
            for name in ("Value", "Key", "Headers"):
                if name in given:
                    raise InvalidRequest(f"{name} is that of the Record", field=name)
            return self._relayed(given["Record"], topic, origin, None)._replace(partition=partition)
        own = tuple((name, _bytes(value)) for name, value in found.get("Headers", {}).items())
        headers = _joined(own, self._headers(origin, "json", None))
        return Message(
            topic, jsonvalue.dumps(given.get("Value")), _bytes(found.get("Key", origin.execution)), headers, partition
        )

    def of_task(self, task: KafkaTask, input: bytes, origin: Origin) -> Message:
        """Of a task of the catalog. Raises InvalidRequest when the input does not fit it."""
        topic = topic_of(task, origin.task, origin.blueprint, origin.settings, self._kafka.prefix)
        made = self._topic(task)
        own = tuple((name, _bytes(value)) for name, value in task.headers.items())
        if task.relay:
            given = _object(input)
            relayed = self._relayed(given.get("record"), topic, origin, task)
            return relayed._replace(made=made, headers=_joined(relayed.headers, own))
        headers = _joined(own, self._headers(origin, task.format, task))
        return Message(topic, self._value(task.format, topic, input), self._key(task, input, origin), headers, -1, made)

    def _relayed(self, record: Json, topic: str, origin: Origin, task: KafkaTask | None) -> Message:
        """As it came: value, key and headers byte by byte; what an answer needs is added."""
        key, value, headers = read_shown(record)
        return Message(topic, value, key, _joined(headers, self._reply(origin, task)))

    def _value(self, format: str, topic: str, input: bytes) -> "bytes | Callable[[], bytes]":
        if format == "json":
            return input
        return lambda: self._formats.of(format).write(jsonvalue.loads(input), topic)

    def _key(self, task: KafkaTask, input: bytes, origin: Origin) -> bytes:
        if task.key is None:
            return _bytes(origin.execution)
        try:
            return _bytes(task.key.apply(jsonvalue.loads(input), now_ms=origin.at, seed=0))
        except MappingFailed as error:
            raise InvalidRequest(str(error), field="key") from None

    def _topic(self, task: KafkaTask) -> TopicSettings:
        given = self._kafka.topics
        return TopicSettings(
            partitions=task.partitions or given.partitions,
            replication=task.replication or given.replication,
            config=tuple(sorted({**dict(given.config), **task.topic_config}.items())),
        )

    def _headers(self, origin: Origin, format: str, task: KafkaTask | None) -> Headers:
        found = {
            names.CE_SPEC_VERSION: "1.0",
            names.CE_ID: origin.key,
            names.CE_SOURCE: origin.arn,
            names.CE_TYPE: f"sfc.job.{origin.task}" if origin.task else "sfc.job",
            names.CE_SUBJECT: origin.state,
            names.CE_TIME: format_ms(origin.at),
            names.CONTENT_TYPE: _CONTENT.get(format, "application/octet-stream"),
        }
        return (*((name, _bytes(value)) for name, value in found.items()), *self._reply(origin, task))

    def _reply(self, origin: Origin, task: KafkaTask | None) -> Headers:
        """What tells repetitions apart, goes on with a trace, and answers."""
        found = {names.IDEMPOTENCY_KEY: origin.key, names.TRACEPARENT: trace_parent(origin.arn, origin.key)}
        if origin.token is not None:
            topic = None if task is None else task.reply_to
            found |= {names.TASK_TOKEN: origin.token, names.REPLY_TO: topic or self._kafka.name("results")}
        return tuple((name, _bytes(value)) for name, value in found.items())


def trace_parent(execution: str, key: str) -> str:
    """W3C's: one trace for each execution, one span for each job, the same whenever it is sent again."""
    trace = blake2b(execution.encode(), digest_size=16).hexdigest()
    return f"00-{trace}-{blake2b(key.encode(), digest_size=8).hexdigest()}-01"


def _joined(first: Headers, more: Headers) -> Headers:
    """Where both have a name, the first one's counts."""
    known = {name for name, _ in first}
    return (*first, *(each for each in more if each[0] not in known))


def _object(input: bytes) -> dict[str, Json]:
    given = jsonvalue.loads(input)
    if not isinstance(given, dict):
        raise InvalidRequest("the input must be an object")
    return given


def _key_of(place: str, value: Json) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    found: str = text()(place, value)
    return found


def _headers_of(place: str, value: Json) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > KAFKA_HEADERS:
        raise InvalidRequest(f"{place} must be an object of at most {KAFKA_HEADERS} texts", field=place)
    for name, each in value.items():
        if not name or not isinstance(each, str):
            raise InvalidRequest(f"{place}.{name} must be a text", field=f"{place}.{name}")
    return value


def _anything(_place: str, value: Json) -> Json:
    return value


def _bytes(value: str) -> bytes:
    return value.encode()


_CONTENT: Final = {"json": "application/json", "json-schema": "application/json", "text": "text/plain"}
_PARTITION_MOST: Final = 2_147_483_647
_PARAMETERS: Final = {
    "Topic": check_topic,
    "Value": _anything,
    "Key": _key_of,
    "Headers": _headers_of,
    "Partition": whole(0, _PARTITION_MOST),
    "Record": _anything,
}
