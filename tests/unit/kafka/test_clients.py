"""How SFC speaks to Kafka, and what its log says of a broker that is away."""

import logging

import orjson
import pytest
from confluent_kafka import KafkaError

from sfc.errors import InvalidRequest, KafkaNotConfigured
from sfc.kafka.clients import Clients, Outage, librdkafka
from sfc.kafka.settings import KafkaSettings

REFUSED = "127.0.0.1:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after {}ms in state X)"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_an_outage_is_one_line_at_its_begin_and_one_at_its_end(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    outage = Outage("a:9092", lambda: now)
    for number in range(50):
        outage.error(KafkaError(KafkaError._TRANSPORT, REFUSED.format(number)))
        outage.error(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    outage.statistics(orjson.dumps({"brokers": {"a": {"state": "INIT"}}}).decode())
    assert outage.on
    now = 220.0
    for _ in range(3):
        outage.statistics(orjson.dumps({"brokers": {"a": {"state": "UP"}}}).decode())
    assert lines(caplog) == [
        "Kafka at a:9092 cannot be reached (Connection refused); what needs it waits",
        "Kafka at a:9092 is reached again, after 120 s",
    ]
    assert not outage.on


def test_another_reason_during_an_outage_is_a_line_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("a:9092")
    outage.error(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    for _ in range(2):
        outage.error(
            KafkaError(KafkaError._AUTHENTICATION, "sasl_plain://a:9092/bootstrap: wrong password (after 3ms)")
        )
    assert lines(caplog) == [
        "Kafka at a:9092 cannot be reached (all connections are closed); what needs it waits",
        "Kafka at a:9092 cannot be reached: wrong password",
    ]


def test_what_else_goes_wrong_is_told_each_time(caplog: pytest.LogCaptureFixture) -> None:
    Outage("a:9092").error(KafkaError(KafkaError._FATAL, "fenced"))
    assert lines(caplog) == ["Kafka at a:9092: fenced"]


def test_librdkafkas_own_repetitions_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    librdkafka.log(logging.ERROR, "FAIL [rdkafka#producer-1] …")
    librdkafka.log(logging.WARNING, "CONFWARN [rdkafka#producer-1] …")
    librdkafka.log(logging.WARNING, "PROTOERR [rdkafka#producer-1] …")
    assert lines(caplog) == ["PROTOERR [rdkafka#producer-1] …"]


def test_all_clients_of_a_process_tell_of_an_outage_together() -> None:
    assert Clients(KafkaSettings.of("a:1")).outage is Clients(KafkaSettings.of("a:1", prefix="b")).outage
    assert Clients(KafkaSettings.of("a:1")).outage is not Clients(KafkaSettings.of("b:1")).outage


def test_a_property_that_is_none_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidRequest, match=r"no\.such\.thing") as refused:
        Clients(KafkaSettings.of("127.0.0.1:9", ["no.such.thing=1"])).check()
    assert refused.value.field == "properties"


def test_without_the_client_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(KafkaNotConfigured, match=r"service-flow-conductor\[kafka\]"):
        Clients(KafkaSettings.of("127.0.0.1:9")).check()


def test_one_set_of_properties_serves_every_kind_of_client() -> None:
    clients = Clients(KafkaSettings.of("127.0.0.1:9", ["linger.ms=7", "fetch.min.bytes=1"]))
    clients.producer({"client.id": "me"})
    clients.admin()
    clients.consumer("group").close()
