"""The messages by which a service answers a job: made of the job's own headers, sent with any Kafka producer."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sfc.kafka import headers as names
from sfc.tasks.outcome import encode


class Message(NamedTuple):
    """`producer.produce(**message._asdict())` sends it."""

    topic: str
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


def succeeded(job: Mapping[str, str], output: Any = None, key: bytes | None = None) -> Message | None:
    """The job with these headers is done. None: nobody wants an answer. Raises NotJson for what JSON cannot hold."""
    return _answer(job, names.SUCCEEDED, encode(output), key)


def failed(job: Mapping[str, str], error: str, cause: str | None = None, key: bytes | None = None) -> Message | None:
    """It failed; Retry and Catch match on `error`."""
    more = [(names.ERROR, error.encode())]
    if cause is not None:
        more.append((names.CAUSE, cause.encode(errors="replace")))
    return _answer(job, names.FAILED, b"", key, more)


def heartbeat(job: Mapping[str, str], key: bytes | None = None) -> Message | None:
    """It goes on: the state's HeartbeatSeconds begin anew."""
    return _answer(job, names.HEARTBEAT, b"", key)


def _answer(
    job: Mapping[str, str], status: str, value: bytes, key: bytes | None, more: list[tuple[str, bytes]] | None = None
) -> Message | None:
    topic = job.get(names.REPLY_TO)
    if topic is None:
        return None
    known = (names.TASK_TOKEN, names.IDEMPOTENCY_KEY, names.TRACEPARENT)
    headers = [(name, job[name].encode()) for name in known if name in job]
    return Message(topic, key, value, [*headers, (names.STATUS, status.encode()), *(more or ())])
