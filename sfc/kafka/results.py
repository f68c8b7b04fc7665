"""What services say about their jobs: messages on the topics of answers, as decisions.

An answer names its job by a header, `sfc-task-token`, `idempotency-key` or `correlation-id`, and its value is the
output. A service that can set no headers writes a JSON object: {"taskToken": …, "output": …}, or with "error" and
"cause", or with "heartbeat": true.
"""

from dataclasses import dataclass

from sfc import jsonvalue
from sfc.jsonvalue import Json
from sfc.kafka import headers as names
from sfc.kafka.chunk import Answer, Dead
from sfc.kafka.formats import Format, Formats, NotInFormat
from sfc.kafka.program import NOT_IN_FORMAT, Decide, dead
from sfc.kafka.record import Record
from sfc.kafka.settings import KafkaSettings
from sfc.limits import PAYLOAD_BYTES

NOT_AN_ANSWER = "NotAnAnswer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsProgram:
    """Implements `Program`: records answer tasks."""

    format: str
    kafka: KafkaSettings

    def compile(self) -> Decide:
        format = Formats(self.kafka.registry()).of(self.format)
        return lambda record: answer_of(record, format)


def answer_of(record: Record, format: Format) -> Answer | Dead:
    """Raises Unavailable while the record cannot be read."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
    token = headers.get(names.TASK_TOKEN)
    key = headers.get(names.IDEMPOTENCY_KEY) or headers.get(names.CORRELATION_ID)
    status = headers.get(names.STATUS, names.SUCCEEDED)
    if status not in (names.SUCCEEDED, names.FAILED, names.HEARTBEAT):
        return dead(record, NOT_AN_ANSWER, f"{names.STATUS} is {status!r}")
    if status == names.SUCCEEDED or (token is None and key is None):
        try:
            value = None if record.value is None else format.read(record.value, record.topic)
        except NotInFormat as error:
            return dead(record, NOT_IN_FORMAT, str(error))
        if token is None and key is None:
            return _in_body(record, value)
        return _succeeded(Answer(record.offset, token, key), value)
    if status == names.HEARTBEAT:
        return Answer(record.offset, token, key, heartbeat=True)
    return Answer(record.offset, token, key, error=headers.get(names.ERROR), cause=headers.get(names.CAUSE))


def _in_body(record: Record, value: Json) -> Answer | Dead:
    token = value.get("taskToken") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(token, str):
        return dead(record, NOT_AN_ANSWER, f"no header {names.TASK_TOKEN} or {names.IDEMPOTENCY_KEY}, and no taskToken")
    answer = Answer(record.offset, token, None)
    if value.get("heartbeat") is True:
        return answer._replace(heartbeat=True)
    error, cause = value.get("error"), value.get("cause")
    if error is None and cause is None:
        return _succeeded(answer, value.get("output"))
    if not isinstance(error, str | None) or not isinstance(cause, str | None):
        return dead(record, NOT_AN_ANSWER, "error and cause must be texts")
    return answer._replace(error=error, cause=cause)


def _succeeded(answer: Answer, value: Json) -> Answer:
    output = jsonvalue.dumps(value)
    if len(output) <= PAYLOAD_BYTES:
        return answer._replace(output=output)
    cause = f"The answer has {len(output):,} bytes; a task's result has at most {PAYLOAD_BYTES:,}"
    return answer._replace(error="States.DataLimitExceeded", cause=cause)
