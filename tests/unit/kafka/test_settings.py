"""What is said about Kafka on a command line, and the secrets it refers to."""

from pathlib import Path

import pytest

from sfc.errors import InvalidRequest
from sfc.kafka.settings import KafkaSettings, TopicSettings
from sfc.secrets import SecretUnavailable


def test_properties_are_those_of_librdkafka_and_secrets_are_read_where_a_client_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("of a file\n")
    given = ["sasl.username=${env:SFC_TEST_USER}", f"sasl.password=${{file:{tmp_path}/password}}", "ssl.key=a=b"]
    settings = KafkaSettings.of("a:9092, [::1]:9093", given)
    monkeypatch.setenv("SFC_TEST_USER", "ada")
    assert settings.resolved() == {
        "bootstrap.servers": "a:9092,[::1]:9093",
        "sasl.username": "ada",
        "sasl.password": "of a file",
        "ssl.key": "a=b",
    }
    assert "password" not in repr(settings)


def test_the_schema_registry_has_properties_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFC_TEST_USER", "ada:secret")
    given = ["schema.registry.basic.auth.user.info=${env:SFC_TEST_USER}", "client.rack=a"]
    settings = KafkaSettings.of("a:9092", given, schema_registry="http://r:8081")
    assert settings.registry() == {"url": "http://r:8081", "basic.auth.user.info": "ada:secret"}
    assert settings.resolved() == {"bootstrap.servers": "a:9092", "client.rack": "a"}
    assert KafkaSettings.of("a:9092").registry() is None


@pytest.mark.parametrize(
    ("reference", "says"),
    [("${env:SFC_TEST_NOBODY}", "no environment variable"), ("${file:/nowhere/at/all}", "No such file")],
)
def test_a_reference_that_leads_nowhere_is_said_so(reference: str, says: str) -> None:
    settings = KafkaSettings.of("a:9092", [f"sasl.password={reference}"])
    with pytest.raises(SecretUnavailable, match=says):
        settings.resolved()


@pytest.mark.parametrize("servers", ["", "a", "a:", "a:0", "a:70000", "a b:9092", "a:9092,,b:9092", "http://a:9092"])
def test_servers_are_hosts_with_ports(servers: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        KafkaSettings.of(servers)
    assert refused.value.field == "servers"


@pytest.mark.parametrize(
    ("property", "says"),
    [
        ("acks=1", "acks is set by SFC itself"),
        ("isolation.level=read_uncommitted", "set by SFC"),
        ("secret", "not written NAME=VALUE"),
        ("=x", "not written NAME=VALUE"),
        ("sasl.password=${file:relative}", "a reference is written"),
        ("sasl.password=${vault:x}", "a reference is written"),
        ("sasl.password=${env:", "a reference is written"),
    ],
)
def test_a_property_that_cannot_be_is_refused(property: str, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says) as refused:
        KafkaSettings.of("a:9092", [property])
    assert refused.value.field == "properties"


@pytest.mark.parametrize("prefix", ["", "a/b", "ä", "x" * 65])
def test_a_prefix_is_a_part_of_a_topics_name(prefix: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        KafkaSettings.of("a:9092", prefix=prefix)
    assert refused.value.field == "prefix"
    assert KafkaSettings.of("a:9092", prefix="shop").name("results") == "shop.results"


def test_topics_that_sfc_makes_have_settings_of_kafka() -> None:
    given = ["partitions=12", "retention.ms=86400000", "replication=3", "cleanup.policy=delete"]
    found = KafkaSettings.of("a:9092", topics=given).topics
    config = (("cleanup.policy", "delete"), ("retention.ms", "86400000"))
    assert found == TopicSettings(partitions=12, replication=3, config=config)


@pytest.mark.parametrize("given", ["partitions=0", "partitions=many", "partitions=10001", "replication=0", "nothing"])
def test_settings_of_topics_that_cannot_be_are_refused(given: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        KafkaSettings.of("a:9092", topics=[given])
    assert refused.value.field == "topics"
