"""What a service says of a job, without a broker."""

import json
import threading

import pytest

from sfc.client import JobRecord, Message, TaskError, failed, heartbeat, succeeded
from sfc.client.service import KafkaService, _Answers, answer_of, text_headers
from sfc.errors import InvalidRequest

JOB = {
    "sfc-task-token": "t0", "sfc-reply-to": "sfc.results", "idempotency-key": "a:1:0", "traceparent": "00-1-2-01",
    "ce_id": "x",
}  # fmt: skip


def answered(message: Message | None) -> tuple[str, dict[str, str], bytes]:
    assert message is not None
    return message.topic, {name: value.decode() for name, value in message.headers}, message.value


def record(headers: dict[str, str] = JOB) -> tuple[JobRecord, list[Message]]:
    sent: list[Message] = []
    return JobRecord("jobs", b"k", headers, sent.append), sent


def test_an_answer_carries_what_tells_whose_it_is() -> None:
    topic, headers, value = answered(succeeded(JOB, {"ok": True}, b"k"))
    assert (topic, json.loads(value)) == ("sfc.results", {"ok": True})
    assert headers == {
        "sfc-task-token": "t0", "idempotency-key": "a:1:0", "traceparent": "00-1-2-01", "sfc-status": "succeeded"
    }  # fmt: skip


def test_a_failure_names_its_error_and_cause() -> None:
    _, headers, value = answered(failed(JOB, "CardDeclined", "no money"))
    assert (headers["sfc-status"], headers["sfc-error"], headers["sfc-cause"]) == ("failed", "CardDeclined", "no money")
    assert value == b""


@pytest.mark.parametrize("answer", [succeeded({}), failed({"sfc-task-token": "t"}, "E"), heartbeat({})])
def test_who_asks_for_no_answer_gets_none(answer: Message | None) -> None:
    assert answer is None


def test_what_a_function_returns_is_the_output() -> None:
    job, sent = record()

    def double(value: int, job: JobRecord) -> int:
        job.heartbeat()
        return value * 2

    assert answered(answer_of(double, b"21", job))[2] == b"42"
    assert answered(sent[0])[1]["sfc-status"] == "heartbeat"


@pytest.mark.parametrize(
    ("raised", "error"), [(TaskError("Chosen", "why"), "Chosen"), (KeyError("x"), "KeyError")], ids=["chosen", "any"]
)
def test_what_a_function_raises_is_the_failure(raised: Exception, error: str) -> None:
    def fail(value: object, job: JobRecord) -> None:
        raise raised

    assert answered(answer_of(fail, b"{}", record()[0]))[1]["sfc-error"] == error


@pytest.mark.parametrize(("value", "result"), [(b"{", 1), (b"1", float("nan")), (b"1", object())])
def test_what_is_not_json_is_a_failure_too(value: bytes, result: object) -> None:
    assert answered(answer_of(lambda *_: result, value, record()[0]))[1]["sfc-error"] == "SFC.InvalidResult"


def test_a_key_that_comes_again_is_answered_without_doing_it_again() -> None:
    answers, calls = _Answers(2), []

    def ask(key: str | None) -> Message | None:
        return answers.once(key, lambda: calls.append(key) or succeeded(JOB, len(calls)))  # type: ignore[func-returns-value]

    assert ask("a") == ask("a")
    assert calls == ["a"]
    ask("b"), ask("c"), ask("a")
    ask(None), ask(None)
    assert calls == ["a", "b", "c", "a", None, None]


def test_the_second_of_two_at_once_waits_for_the_first() -> None:
    answers, go = _Answers(10), threading.Event()
    answer = succeeded(JOB, 1)

    def slow() -> Message | None:
        go.wait(10)
        return answer

    got: list[Message | None] = []
    threads = [threading.Thread(target=lambda: got.append(answers.once("a", slow))) for _ in range(2)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert got == [answer, answer]


def test_headers_are_text_and_the_last_of_a_name_counts() -> None:
    assert text_headers([("a", b"1"), ("b", None), ("a", b"\xff")]) == {"a": "�", "b": ""}
    assert text_headers(None) == {}


def test_two_functions_for_a_topic_are_refused() -> None:
    service = KafkaService("127.0.0.1:9092", "g")
    service.job("t")(lambda *_: None)
    with pytest.raises(InvalidRequest, match="has a function") as caught:
        service.job("t")
    assert caught.value.field == "topic"


@pytest.mark.parametrize(
    ("servers", "more", "field"),
    [
        ("nowhere", {}, "servers"),
        ("h:1", {"concurrency": 0}, "concurrency"),
        ("h:1", {"properties": ["x"]}, "properties"),
    ],
)
def test_bad_settings_of_a_service_are_named(servers: str, more: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        KafkaService(servers, "g", **more)  # type: ignore[arg-type]
    assert caught.value.field == field
