"""The other spelling of a workflow becomes plain ASL and settings."""

from typing import Any

from sfc.asl import parse
from sfc.asl.spelling import normalise

OTHER: dict[str, Any] = {
    "schemaVersion": "1",
    "Version": "3",
    "startstate": "charge",
    "messageType": "Specific",
    "topic": "orders",
    "traceKeys": {"order": "$.order.id"},
    "states": {
        "charge": {"type": "task", "Mode": "Sync", "Processor": "charge-card", "next": "tell"},
        "tell": {"Type": "Task", "Mode": "Async", "Processor": "tell:2", "End": True},
    },
}


def test_it_becomes_asl_and_settings() -> None:
    document, settings, findings = normalise(OTHER)
    assert findings == ()
    assert document == {
        "StartAt": "charge",
        "States": {
            "charge": {"Type": "Task", "Resource": "task:charge-card", "Next": "tell"},
            "tell": {"Type": "Task", "Resource": "task:tell:2", "End": True},
        },
    }
    assert settings == {
        "schema_version": "1",
        "version": "3",
        "pool_mode": "specific",
        "topic": "orders",
        "trace_keys": {"order": "$.order.id"},
        "modes": {"charge": "sync", "tell": "async"},
    }


def test_it_can_be_run_and_keeps_its_settings() -> None:
    parsed = parse(OTHER)
    assert parsed.machine is not None, parsed.diagnostics
    assert parsed.settings["topic"] == "orders"


def test_processors_in_branches_are_read_too() -> None:
    branch = {"startstate": "a", "states": {"a": {"type": "Task", "processor": "p", "end": True}}}
    nested = {"startstate": "P", "states": {"P": {"type": "parallel", "branches": [branch], "end": True}}}
    assert parse(nested).machine is not None


def test_a_message_type_of_no_kind_is_refused_at_its_place() -> None:
    parsed = parse({**OTHER, "messageType": "own"})
    assert [each.location for each in parsed.diagnostics] == ["/messageType"]


def test_plain_asl_is_checked_strictly() -> None:
    plain = {"StartAt": "A", "States": {"A": {"Type": "Pass", "end": True}}}
    assert normalise(plain) == (plain, {}, ())
    assert not parse(plain).valid
