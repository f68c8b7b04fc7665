"""What `sfc up` says of options about Kafka that cannot be."""

import subprocess
import sys
from typing import Any

import pytest
import typer

from serve.kafka_options import kafka_settings
from tests.house.tree import ROOT

NONE: dict[str, Any] = {"servers": None, "properties": None, "prefix": "sfc", "schema_registry": None, "topics": None}


def test_without_servers_there_is_no_kafka() -> None:
    assert kafka_settings(**NONE) is None


def test_what_is_said_is_kept_with_its_references_unresolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFC_TEST_USER", "ada")
    given = {**NONE, "servers": "127.0.0.1:9", "properties": ["sasl.username=${env:SFC_TEST_USER}"]}
    found = kafka_settings(**given)
    assert found is not None
    assert found.properties == (("sasl.username", "${env:SFC_TEST_USER}"),)


@pytest.mark.parametrize(
    ("given", "hint", "says"),
    [
        ({"servers": "nowhere"}, "--kafka", "no HOST:PORT"),
        ({"properties": ["a=b"]}, "--kafka", "--kafka does not name"),
        ({"servers": "a:9", "properties": ["acks=0"]}, "--kafka-property", "set by SFC itself"),
        ({"servers": "a:9", "properties": ["no.such=1"]}, "--kafka-property", "no.such"),
        ({"servers": "a:9", "properties": ["sasl.password=${env:SFC_TEST_NOBODY}"]}, "--kafka", "SFC_TEST_NOBODY"),
        ({"servers": "a:9", "prefix": "a/b"}, "--kafka-prefix", "a prefix has"),
        ({"servers": "a:9", "topics": ["partitions=0"]}, "--kafka-topic", "partitions is"),
        ({"servers": "a:9", "schema_registry": "r:8081"}, "--schema-registry", "http(s) URL"),
    ],
)
def test_the_option_that_is_wrong_is_named(given: dict[str, Any], hint: str, says: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        kafka_settings(**{**NONE, **given})
    assert refused.value.param_hint == hint
    assert says in refused.value.message


def test_a_server_without_kafka_loads_nothing_of_its_client() -> None:
    code = "import sys, serve.host, serve.assembly, sfc.engine.engine; print('confluent_kafka' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "False"
