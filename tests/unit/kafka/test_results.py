"""What services say about their jobs, as decisions."""

import json
from typing import Any

import pytest

from sfc.bridge.results import topics_of
from sfc.kafka.chunk import Answer, Dead
from sfc.kafka.formats import Formats
from sfc.kafka.record import Record
from sfc.kafka.results import ResultsProgram, answer_of
from sfc.kafka.settings import KafkaSettings
from sfc.limits import PAYLOAD_BYTES
from sfc.task_meta import TaskMeta

JSON = Formats().of("json")


def said(value: bytes | None, **headers: str | None) -> Answer | Dead:
    given = [(name.replace("_", "-"), None if each is None else each.encode()) for name, each in headers.items()]
    return answer_of(Record("results", 0, 5, 0, None, value, given), JSON)


@pytest.mark.parametrize(
    ("value", "headers", "answer"),
    [
        (b'{"a": 1}', {"sfc_task_token": "t"}, Answer(5, "t", None, b'{"a":1}')),
        (b"[]", {"idempotency_key": "1f:1:0"}, Answer(5, None, "1f:1:0", b"[]")),
        (b"1", {"correlation_id": "1f:1:0", "sfc_status": "succeeded"}, Answer(5, None, "1f:1:0", b"1")),
        (None, {"sfc_task_token": "t"}, Answer(5, "t", None, b"null")),
        (
            b"not JSON",
            {"sfc_task_token": "t", "sfc_status": "failed", "sfc_error": "Declined", "sfc_cause": "no money"},
            Answer(5, "t", None, error="Declined", cause="no money"),
        ),
        (None, {"sfc_task_token": "t", "sfc_status": "failed"}, Answer(5, "t", None)),
        (b"?", {"sfc_task_token": "t", "sfc_status": "heartbeat"}, Answer(5, "t", None, heartbeat=True)),
        (b'{"taskToken": "t", "output": [1]}', {}, Answer(5, "t", None, b"[1]")),
        (b'{"taskToken": "t"}', {}, Answer(5, "t", None, b"null")),
        (b'{"taskToken": "t", "error": "E"}', {}, Answer(5, "t", None, error="E")),
        (b'{"taskToken": "t", "heartbeat": true}', {}, Answer(5, "t", None, heartbeat=True)),
    ],
)
def test_an_answer_is_read(value: bytes | None, headers: dict[str, str], answer: Answer) -> None:
    assert said(value, **headers) == answer


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b"not JSON", {"sfc_task_token": "t"}, "NotInFormat"),
        (b"not JSON", {}, "NotInFormat"),
        (b'{"output": 1}', {}, "NotAnAnswer"),
        (b"[1]", {"sfc_task_token": None}, "NotAnAnswer"),
        (b'{"taskToken": 7}', {}, "NotAnAnswer"),
        (b'{"taskToken": "t", "error": {}}', {}, "NotAnAnswer"),
        (b"1", {"sfc_task_token": "t", "sfc_status": "done"}, "NotAnAnswer"),
    ],
)
def test_what_is_no_answer_is_a_dead_letter(value: bytes, headers: dict[str, Any], reason: str) -> None:
    found = said(value, **headers)
    assert isinstance(found, Dead)
    assert found.reason == reason


def test_an_output_that_is_too_large_fails_the_task() -> None:
    found = said(json.dumps("x" * PAYLOAD_BYTES).encode(), sfc_task_token="t")
    assert isinstance(found, Answer)
    assert (found.output, found.error) == (None, "States.DataLimitExceeded")


def test_the_program_reads_in_its_format() -> None:
    decide = ResultsProgram(format="text", kafka=KafkaSettings.of("a:9092")).compile()
    assert decide(Record("r", 0, 1, 0, None, b"hi", [("sfc-task-token", b"t")])) == Answer(1, "t", None, b'"hi"')


def test_topics_of_answers_are_the_common_one_and_those_that_tasks_name() -> None:
    def meta(version: str, **settings: Any) -> TaskMeta:
        return TaskMeta(name="a", version=version, kind="kafka", settings=settings)

    rest = TaskMeta(name="b", version="1", kind="rest", settings={"url": "x"})
    found = topics_of(
        [meta("1", reply_to="receipts"), rest, meta("2", reply_to="receipts", format="avro")], "sfc.results"
    )
    assert found == {"sfc.results": "json", "receipts": "avro"}
