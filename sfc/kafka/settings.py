"""Which Kafka there is, and how it is spoken to.

Properties are librdkafka's, so that whatever it can do (SASL, TLS, tuning) can be set. A value may be a reference
(`sfc.secrets`), which is looked up where a client is made.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sfc import secrets
from sfc.errors import InvalidRequest
from sfc.limits import KAFKA_PARTITIONS, KAFKA_PREFIX_CHARS

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_SERVER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_REGISTRY: Final = "schema.registry."
"""Properties that begin so are those of the schema registry's client: `schema.registry.basic.auth.user.info`."""
_OWN: Final = frozenset({
    "bootstrap.servers", "metadata.broker.list", "client.id", "group.id", "group.instance.id", "acks",
    "request.required.acks", "enable.idempotence", "enable.gapless.guarantee", "transactional.id", "enable.auto.commit",
    "auto.commit.enable", "enable.auto.offset.store", "auto.offset.reset", "isolation.level", "enable.partition.eof",
    "allow.auto.create.topics", "statistics.interval.ms",
})  # fmt: skip
"""What exactly-once and at-least-once rest on is not for others to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSettings:
    """Of topics that SFC makes."""

    partitions: int = 6
    replication: int = -1
    """Copies of each partition; -1: what the broker has for its default."""
    config: tuple[tuple[str, str], ...] = ()
    """Kafka's own topic settings: `retention.ms`, `cleanup.policy` …"""

    @classmethod
    def of(cls, given: Sequence[str], field: str) -> "TopicSettings":
        """Of texts `NAME=VALUE`: partitions, replication, and any of Kafka's. Raises InvalidRequest that names
        `field`."""
        pairs = dict(_pair(each, field) for each in given)
        partitions = _number(pairs.pop("partitions", "6"), "partitions", 1, KAFKA_PARTITIONS, field)
        replication = _number(pairs.pop("replication", "-1"), "replication", -1, 1_000, field)
        if replication == 0:
            raise InvalidRequest("replication is a whole number from 1, or -1 for the broker's default", field=field)
        return cls(partitions=partitions, replication=replication, config=tuple(sorted(pairs.items())))


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    servers: str
    """`HOST:PORT`, several with commas: where clients begin."""
    properties: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """librdkafka's, their references unresolved. Not shown: somebody may write a password instead of a reference."""
    prefix: str = "sfc"
    """Of the names of SFC's own topics and groups."""
    schema_registry: str | None = field(default=None, repr=False)
    """URL, or a reference to one."""
    topics: TopicSettings = TopicSettings()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "KafkaSettings":
        """Of what `dataclasses.asdict` made, as it comes out of JSON."""
        topics = dict(value["topics"])
        topics["config"] = tuple((name, text) for name, text in topics["config"])
        properties = tuple((name, text) for name, text in value["properties"])
        return cls(**{**value, "properties": properties, "topics": TopicSettings(**topics)})

    @classmethod
    def of(
        cls,
        servers: str,
        properties: Sequence[str] = (),
        prefix: str = "sfc",
        schema_registry: str | None = None,
        topics: Sequence[str] = (),
    ) -> "KafkaSettings":
        """Of what a command line says; `properties` and `topics` are texts `NAME=VALUE`. Raises InvalidRequest that
        names the field."""
        for server in servers.split(","):
            found = _SERVER.fullmatch(server.strip())
            if found is None or not 0 < int(found[2]) < 65_536:
                raise InvalidRequest(f"{server.strip()!r} is no HOST:PORT", field="servers")
        if not _NAME.fullmatch(prefix) or len(prefix) > KAFKA_PREFIX_CHARS:
            raise InvalidRequest(
                f"a prefix has 1 to {KAFKA_PREFIX_CHARS} of the characters A-Z a-z 0-9 . _ -", field="prefix"
            )
        pairs = [_pair(each, "properties") for each in properties]
        for name, value in pairs:
            if name in _OWN:
                raise InvalidRequest(f"{name} is set by SFC itself", field="properties")
            _check_reference(value, "properties")
        if schema_registry is not None:
            if not schema_registry.startswith(("http://", "https://", "mock://", "${")):
                raise InvalidRequest("the schema registry is an http(s) URL", field="schema_registry")
            _check_reference(schema_registry, "schema_registry")
        return cls(
            servers=",".join(server.strip() for server in servers.split(",")),
            properties=tuple(pairs),
            prefix=prefix,
            schema_registry=schema_registry,
            topics=TopicSettings.of(topics, "topics"),
        )

    def resolved(self) -> dict[str, str]:
        """The properties with their secrets, for a client that is made now. Raises SecretUnavailable."""
        given = {name: secrets.resolve(value) for name, value in self.properties if not name.startswith(_REGISTRY)}
        return {"bootstrap.servers": self.servers, **given}

    def registry(self) -> dict[str, str] | None:
        """What confluent's SchemaRegistryClient takes; None: there is none. Raises as `resolved`."""
        if self.schema_registry is None:
            return None
        given = {name.removeprefix(_REGISTRY): secrets.resolve(value) for name, value in self.properties
                 if name.startswith(_REGISTRY)}  # fmt: skip
        return {"url": secrets.resolve(self.schema_registry), **given}

    def name(self, what: str) -> str:
        """The name of a topic or a group of SFC's own: `sfc.results`."""
        return f"{self.prefix}.{what}"


def _check_reference(value: str, field: str) -> None:
    if "${" in value and not secrets.is_reference(value):
        raise InvalidRequest(f"a reference is written {secrets.HOW}", field=field)


def _pair(text: str, field: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise InvalidRequest(f"{name!r} is not written NAME=VALUE", field=field)  # what follows may be a secret
    return name, value


def _number(text: str, name: str, least: int, most: int, field: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise InvalidRequest(f"{name} is a whole number from {least} to {most}", field=field)
    return number
