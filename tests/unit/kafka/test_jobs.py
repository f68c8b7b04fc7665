"""What the message of a job says."""

import base64
import json
from typing import Any

import pytest

from sfc.catalog.kafka_task import KafkaTask, read_kafka_task, topic_of
from sfc.errors import InvalidRequest
from sfc.kafka.chunk import Answer
from sfc.kafka.formats import Formats, NotInFormat
from sfc.kafka.jobs import Messages, Origin, trace_parent
from sfc.kafka.outbox import Message
from sfc.kafka.record import Record
from sfc.kafka.relayed import read_shown, shown
from sfc.kafka.results import ResultsProgram
from sfc.kafka.settings import KafkaSettings, TopicSettings
from tests.support.registry import schema_registry

ARN = "arn:aws:states:us-east-1:123456789012:execution:orders:a"
ORIGIN = Origin("1f:3:0", "1f", ARN, "orders", {}, "Charge", "", 1_790_000_000_000, None)
ASKED = ORIGIN._replace(token="t0ken", task="charge")
SETTINGS = KafkaSettings.of("a:9092", prefix="shop", topics=["partitions=3", "retention.ms=5"])
MESSAGES = Messages(SETTINGS, Formats())


def headers(message: Message) -> dict[str, str]:
    return {name: (value or b"").decode(errors="replace") for name, value in message.headers}


def parameters(**given: Any) -> bytes:
    return json.dumps(given).encode()


def test_a_job_says_where_it_comes_from_and_by_which_key_its_repetitions_are_known() -> None:
    message = MESSAGES.to_topic("jobs", b'{"total":1}', ORIGIN)
    assert (message.topic, message.value, message.key, message.partition) == ("jobs", b'{"total":1}', b"1f", -1)
    assert message.made is None
    assert headers(message) == {
        "ce_specversion": "1.0",
        "ce_id": "1f:3:0",
        "ce_source": ARN,
        "ce_type": "sfc.job",
        "ce_subject": "Charge",
        "ce_time": "2026-09-21T14:13:20.000Z",
        "content-type": "application/json",
        "idempotency-key": "1f:3:0",
        "traceparent": trace_parent(ARN, "1f:3:0"),
    }


def test_a_job_that_is_answered_has_a_token_and_a_topic_for_the_answer() -> None:
    found = headers(MESSAGES.to_topic("jobs", b"1", ASKED))
    assert (found["sfc-task-token"], found["sfc-reply-to"]) == ("t0ken", "shop.results")
    task = read_kafka_task({"reply": True, "reply_to": "receipts"})
    found = headers(MESSAGES.of_task(task, b"1", ASKED))
    assert (found["sfc-reply-to"], found["ce_type"]) == ("receipts", "sfc.job.charge")


def test_the_jobs_of_an_execution_share_a_trace_and_each_has_a_span() -> None:
    first, second, other = trace_parent(ARN, "1f:3:0"), trace_parent(ARN, "1f:4:0"), trace_parent(ARN + "b", "20:3:0")
    version, trace, span, flags = first.split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")
    assert second.split("-")[1] == trace != other.split("-")[1]
    assert second.split("-")[2] != span


def test_publish_takes_topic_value_key_headers_and_partition() -> None:
    given = parameters(Topic="t", Value={"a": 1}, Key=7, Headers={"tenant": "a", "ce_type": "order.made"}, Partition=2)
    message = MESSAGES.published(given, ORIGIN)
    assert message[:3] == ("t", b'{"a":1}', b"7")
    assert message.partition == 2
    found = headers(message)
    assert (found["tenant"], found["ce_type"], found["idempotency-key"]) == ("a", "order.made", "1f:3:0")
    plain = MESSAGES.published(parameters(Topic="t"), ORIGIN)
    assert (plain.value, plain.key) == (b"null", b"1f")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "Topic"),
        ({"Topic": "a b"}, "Topic"),
        ({"Topic": "t", "Key": {}}, "Key"),
        ({"Topic": "t", "Headers": []}, "Headers"),
        ({"Topic": "t", "Headers": {"a": 1}}, "Headers.a"),
        ({"Topic": "t", "Headers": {str(n): "" for n in range(65)}}, "Headers"),
        ({"Topic": "t", "Partition": -1}, "Partition"),
        ({"Topic": "t", "Partition": 1.5}, "Partition"),
        ({"Topic": "t", "value": 1}, "value"),
        ({"Topic": "t", "Record": {}}, "record"),
        ({"Topic": "t", "Record": shown(None, b"", ()), "Key": "a"}, "Key"),
    ],
)
def test_parameters_of_publish_that_cannot_be_are_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        MESSAGES.published(parameters(**given), ORIGIN)
    assert refused.value.field == field


def test_a_record_is_relayed_byte_by_byte_and_what_an_answer_needs_is_added() -> None:
    came = (("a", b"\xff"), ("a", b"2"), ("traceparent", b"theirs"), ("none", None))
    record = json.loads(json.dumps(shown(b"\x00k", b"not { json", came)))
    message = MESSAGES.published(parameters(Topic="t", Record=record), ASKED)
    assert (message.key, message.value) == (b"\x00k", b"not { json")
    assert message.headers[:4] == came
    assert {name for name, _ in message.headers[4:]} == {"idempotency-key", "sfc-task-token", "sfc-reply-to"}
    task = read_kafka_task({"topic": "b", "relay": True, "headers": {"a": "3", "lane": "b"}})
    relayed = MESSAGES.of_task(task, parameters(record=record, more=1), ORIGIN)
    assert (relayed.key, relayed.value, relayed.headers[:4]) == (b"\x00k", b"not { json", came)
    assert headers(relayed)["lane"] == "b"


def test_a_tombstone_is_relayed_as_one() -> None:
    assert read_shown(shown(b"k", None, ())) == (b"k", None, ())


@pytest.mark.parametrize("record", [None, 1, {}, {"key": 1, "value": None, "headers": []},
                                    {"key": None, "value": "?", "headers": []},
                                    {"key": None, "value": None, "headers": [1]}])  # fmt: skip
def test_what_is_no_record_of_a_trigger_is_refused(record: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_shown(record)
    assert refused.value.field == "record"


def test_a_task_chooses_key_headers_format_and_the_settings_of_its_topic() -> None:
    task = read_kafka_task(
        {
            "topic": "charges",
            "key": "{% $states.input.order %}",
            "headers": {"tenant": "a"},
            "format": "text",
            "partitions": 12,
            "topic_config": {"cleanup.policy": "compact"},
        }
    )
    message = MESSAGES.of_task(task, b'{"order":7}', ASKED)
    assert message.key == b"7"
    assert headers(message)["tenant"] == "a"
    assert headers(message)["content-type"] == "text/plain"
    assert message.made == TopicSettings(partitions=12, config=(("cleanup.policy", "compact"), ("retention.ms", "5")))
    assert callable(message.value)
    assert MESSAGES.of_task(read_kafka_task({"key": "$.id"}), b'{"id":"a"}', ASKED).key == b"a"


def test_a_job_and_its_answer_may_be_written_with_schemas() -> None:
    record = {"type": "record", "name": "order", "fields": [{"name": "total", "type": "int"}]}
    with schema_registry() as registry:
        for topic in ("charges", "receipts"):
            registry.register(topic, "AVRO", json.dumps(record))
        kafka = KafkaSettings.of("a:9092", schema_registry=registry.url)
        formats = Formats(kafka.registry())
        task = read_kafka_task({"topic": "charges", "format": "avro", "reply": True, "reply_to": "receipts"})
        message = Messages(kafka, formats).of_task(task, b'{"total":7}', ASKED)
        assert callable(message.value)
        written = message.value()
        assert written[0] == 0
        answer = Record("receipts", 0, 5, 0, None, b"\0\0\0\0\2" + written[5:], [("sfc-task-token", b"t")])
        decide = ResultsProgram(format="avro", kafka=kafka).compile()
        assert decide(answer) == Answer(5, "t", None, b'{"total":7}')
        of_another_shape = Messages(kafka, formats).of_task(task, b'{"sum":7}', ASKED).value
        assert callable(of_another_shape)
        with pytest.raises(NotInFormat):
            of_another_shape()


def test_a_key_that_the_input_does_not_give_is_said_so() -> None:
    with pytest.raises(InvalidRequest, match="key") as refused:
        MESSAGES.of_task(read_kafka_task({"key": "$.id"}), b"{}", ASKED)
    assert refused.value.field == "key"


@pytest.mark.parametrize(
    ("task", "settings", "topic"),
    [
        ({"topic": "own"}, {"topics": "shared"}, "own"),
        ({}, {}, "sfc.jobs.charge"),
        ({}, {"topics": "workflow"}, "sfc.jobs.orders"),
        ({}, {"topics": "shared"}, "sfc.jobs"),
        ({}, {"topic": "orders-topic"}, "orders-topic"),
        ({}, {"pool_mode": "common"}, "sfc.jobs"),
        ({}, {"pool_mode": "specific"}, "sfc.jobs.charge"),
        ({"layout": "workflow"}, {"topics": "shared"}, "sfc.jobs.orders"),
        ({"layout": "task"}, {"topic": "orders-topic"}, "sfc.jobs.charge"),
    ],
)
def test_topics_are_laid_out_per_task_per_workflow_or_for_all(
    task: dict[str, Any], settings: dict[str, Any], topic: str
) -> None:
    assert topic_of(read_kafka_task(task), "charge", "orders", settings, "sfc") == topic


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"topic": "a/b"}, "topic"),
        ({"layout": "own"}, "layout"),
        ({"topic": "a", "layout": "task"}, "layout"),
        ({"key": "order"}, "key"),
        ({"headers": {"a": 1}}, "headers"),
        ({"format": "xml"}, "format"),
        ({"reply": "yes"}, "reply"),
        ({"reply_to": "a"}, "reply_to"),
        ({"relay": True, "key": "$.a"}, "key"),
        ({"relay": True, "format": "avro"}, "format"),
        ({"partitions": 0}, "partitions"),
        ({"replication": "3"}, "replication"),
        ({"topic_config": {"retention.ms": 5}}, "topic_config"),
        ({"url": "x"}, "url"),
    ],
)
def test_settings_of_a_task_that_cannot_be_are_named(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_kafka_task(settings)
    assert refused.value.field == field


def test_a_task_without_settings_sends_json_that_nobody_answers() -> None:
    assert read_kafka_task({}) == KafkaTask()
    assert base64.b64decode(shown(b"k", None, ())["key"]) == b"k"
