"""Settings of triggers are checked when they are made; every mistake is told with its field."""

import pytest

from sfc.errors import InvalidName, InvalidRequest
from sfc.jsonvalue import Json
from sfc.kafka import formats
from sfc.triggers.kafka import FORMATS, Batch, Control, read_kafka
from sfc.triggers.schedule import read_schedule
from sfc.triggers.trigger import check_trigger
from sfc.triggers.webhook import PRESETS, read_webhook

SECRET = "${env:SECRET}"


def test_a_kafka_trigger_has_explicit_defaults() -> None:
    found = read_kafka({"topic": "orders"})
    assert (found.topic, found.format, found.begin, found.batch, found.rate) == ("orders", "json", "latest", None, None)
    assert found.max_bytes == 1_048_576


def test_a_kafka_trigger_says_what_it_reads_and_how() -> None:
    found = read_kafka(
        {
            "topic": "raw_order.tmall-1",
            "schema": {"type": "object"},
            "from": "earliest",
            "batch": {"size": 10, "seconds": 0.5},
            "rate": 50,
            "control": {"header": "x-control", "secret": SECRET},
        }
    )
    assert (found.begin, found.rate, found.schema) == ("earliest", 50, {"type": "object"})
    assert (found.batch, found.control) == (Batch(size=10, seconds=0.5), Control(header="x-control", secret=SECRET))


def test_a_kafka_trigger_takes_every_format_that_messages_may_have() -> None:
    assert set(FORMATS) == set(formats.FORMATS)


def test_a_schedule_has_explicit_defaults() -> None:
    found = read_schedule({"cron": "0 9 * * MON-FRI"})
    assert (found.timezone, found.missed, found.overlap, found.catch_up_s) == ("UTC", "latest", "allow", 86_400)


def test_a_preset_of_a_webhook_knows_how_the_service_signs() -> None:
    found = read_webhook({"signature": {"preset": "github", "secret": SECRET}})
    assert found.signature is not None
    assert (found.signature.header, found.signature.secrets, found.dedupe) == (
        "X-Hub-Signature-256",
        (SECRET,),
        "X-GitHub-Delivery",
    )


def test_a_webhook_without_signature_must_say_so() -> None:
    assert read_webhook({"signature": "none"}).signature is None


def test_presets_are_named_in_the_documentation_of_webhooks() -> None:
    assert set(PRESETS) == {"github", "gitlab", "stripe", "slack", "shopify", "standard"}


@pytest.mark.parametrize(
    ("kind", "settings", "field"),
    [
        ("kafka", {}, "topic"),
        ("kafka", {"topic": "a b"}, "topic"),
        ("kafka", {"topic": ".."}, "topic"),
        ("kafka", {"topic": "a", "format": "xml"}, "format"),
        ("kafka", {"topic": "a", "schema": {"type": 1}}, "schema"),
        ("kafka", {"topic": "a", "schema": {"$ref": "http://x/y"}}, "schema"),
        ("kafka", {"topic": "a", "format": "avro", "schema": {}}, "schema"),
        ("kafka", {"topic": "a", "from": "now"}, "from"),
        ("kafka", {"topic": "a", "batch": 5}, "batch"),
        ("kafka", {"topic": "a", "batch": {"seconds": 1}}, "batch.size"),
        ("kafka", {"topic": "a", "batch": {"size": 0}}, "batch.size"),
        ("kafka", {"topic": "a", "batch": {"size": 2, "bytes": 1}}, "batch.bytes"),
        ("kafka", {"topic": "a", "rate": 0}, "rate"),
        ("kafka", {"topic": "a", "max_bytes": 1.5}, "max_bytes"),
        ("kafka", {"topic": "a", "control": {"header": "h"}}, "control.secret"),
        ("kafka", {"topic": "a", "control": {"header": "h", "secret": "plain"}}, "control.secret"),
        ("kafka", {"topic": "a", "cron": "* * * * *"}, "cron"),
        ("kafka", {"topic": "a", "filter": 1}, "filter"),
        ("schedule", {}, "cron"),
        ("schedule", {"cron": "* * * * *", "every_s": 5}, "cron"),
        ("schedule", {"cron": "* * * *"}, "cron"),
        ("schedule", {"cron": "61 * * * *"}, "cron"),
        ("schedule", {"cron": "0 0 30 2 *"}, "cron"),
        ("schedule", {"cron": f"{'9' * 200} * * * *"}, "cron"),
        ("schedule", {"cron": "* " * 200}, "cron"),
        ("schedule", {"cron": "* * * * *", "timezone": "Mars/Base"}, "timezone"),
        ("schedule", {"cron": "* * * * *", "timezone": "../etc/passwd"}, "timezone"),
        ("schedule", {"cron": "* * * * *", "timezone": "Europe"}, "timezone"),
        ("schedule", {"every_s": 60, "timezone": "UTC"}, "timezone"),
        ("schedule", {"every_s": 0}, "every_s"),
        ("schedule", {"every_s": True}, "every_s"),
        ("schedule", {"every_s": 60, "from": "tomorrow"}, "from"),
        ("schedule", {"every_s": 60, "from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
        ("schedule", {"every_s": 60, "missed": "some"}, "missed"),
        ("schedule", {"every_s": 60, "overlap": "queue"}, "overlap"),
        ("schedule", {"every_s": 60, "jitter_s": -1}, "jitter_s"),
        ("schedule", {"every_s": 60, "catch_up_s": 0}, "catch_up_s"),
        ("webhook", {}, "signature"),
        ("webhook", {"signature": "off"}, "signature"),
        ("webhook", {"signature": {"preset": "github"}}, "signature.secret"),
        ("webhook", {"signature": {"preset": "github", "secret": "hunter2"}}, "signature.secret"),
        ("webhook", {"signature": {"preset": "github", "secret": []}}, "signature.secret"),
        ("webhook", {"signature": {"preset": "unknown", "secret": SECRET}}, "signature.preset"),
        ("webhook", {"signature": {"preset": "github", "secret": SECRET, "header": "X"}}, "signature.header"),
        ("webhook", {"signature": {"secret": SECRET}}, "signature"),
        ("webhook", {"signature": {"secret": SECRET, "header": "X Y"}}, "signature.header"),
        ("webhook", {"signature": {"secret": SECRET, "header": "X", "algorithm": "md5"}}, "signature.algorithm"),
        ("webhook", {"signature": {"secret": SECRET, "header": "X", "signed": "{timestamp}"}}, "signature.signed"),
        (
            "webhook",
            {"signature": {"secret": SECRET, "header": "X", "signed": "{timestamp}{body}"}},
            "signature.signed",
        ),
        ("webhook", {"signature": {"secret": SECRET, "header": "X", "timestamp_header": "T"}}, "signature.signed"),
        ("webhook", {"signature": "none", "dedupe": "X", "name": "$.body.id"}, "dedupe"),
        ("mail", {}, "kind"),
        ("kafka", {"topic": "a", "schema": {"enum": ["x" * 262_144]}}, "settings"),
        ("kafka", {"topic": "a", "schema": {"const": 2**64}}, "settings"),
    ],
)
def test_a_mistake_is_told_with_its_field(kind: str, settings: dict[str, Json], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_trigger("name", kind, settings)
    assert refused.value.field == field


def test_a_secret_that_was_written_down_is_not_repeated() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_webhook({"signature": {"preset": "github", "secret": "hunter2"}})
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize("name", ["", "a b", "x" * 49])
def test_a_name_leaves_room_for_what_executions_are_named(name: str) -> None:
    with pytest.raises(InvalidName):
        check_trigger(name, "kafka", {"topic": "a"})
