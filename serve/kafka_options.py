"""The options of `sfc up` that are about Kafka."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sfc.errors import InvalidRequest, KafkaNotConfigured
from sfc.secrets import SecretUnavailable

if TYPE_CHECKING:
    from sfc.kafka.settings import KafkaSettings

KafkaOption = Annotated[
    str | None, typer.Option("--kafka", metavar="HOST:PORT[,...]", help="Bootstrap servers of the Kafka to work with.")
]
KafkaPropertyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--kafka-property",
        metavar="NAME=VALUE",
        help="librdkafka's, for every client; values may be ${env:NAME} or ${file:/PATH}; may be repeated.",
    ),
]
KafkaPrefixOption = Annotated[
    str, typer.Option("--kafka-prefix", help="With which the names of SFC's own topics and groups begin.")
]
KafkaTopicOption = Annotated[
    list[str] | None,
    typer.Option(
        "--kafka-topic",
        metavar="NAME=VALUE",
        help="Of topics that SFC makes: partitions, replication, or a setting of Kafka's such as retention.ms; may be "
        "repeated.",
    ),
]
SchemaRegistryOption = Annotated[
    str | None, typer.Option("--schema-registry", metavar="URL", help="Where Avro, Protobuf and JSON Schemas are.")
]
_OPTIONS: Final = {
    "servers": "--kafka", "properties": "--kafka-property", "prefix": "--kafka-prefix", "topics": "--kafka-topic",
    "schema_registry": "--schema-registry",
}  # fmt: skip


def kafka_settings(
    servers: str | None,
    properties: Sequence[str] | None,
    prefix: str,
    schema_registry: str | None,
    topics: Sequence[str] | None,
) -> "KafkaSettings | None":
    """What the options say, tried out on a client. Exits with a usage error that names the option."""
    from sfc.kafka.clients import Clients
    from sfc.kafka.settings import KafkaSettings

    if servers is None:
        if properties or schema_registry or topics:
            raise typer.BadParameter("it says more of a Kafka that --kafka does not name", param_hint="--kafka")
        return None
    try:
        settings = KafkaSettings.of(servers, properties or (), prefix, schema_registry, topics or ())
        Clients(settings).check()
        settings.registry()
    except (InvalidRequest, KafkaNotConfigured, SecretUnavailable) as error:
        raise typer.BadParameter(error.message, param_hint=_OPTIONS.get(error.field or "", "--kafka")) from None
    return settings
