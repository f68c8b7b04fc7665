"""Names of the message headers that SFC writes and reads. Values are UTF-8 text.

A job's message carries where it comes from (CloudEvents' `ce_…` headers, W3C's `traceparent`) and how it is answered;
an answer needs the task token, or the idempotency key of the job, and its status.
"""

from typing import Final

IDEMPOTENCY_KEY: Final = "idempotency-key"
"""`execution:task:attempt`; the same when a job is sent again after a crash."""
CORRELATION_ID: Final = "correlation-id"
"""Of an answer: what some services call the idempotency key."""
TASK_TOKEN: Final = "sfc-task-token"  # noqa: S105 (a name)
REPLY_TO: Final = "sfc-reply-to"
"""The topic on which an answer is expected."""

STATUS: Final = "sfc-status"
"""Of an answer: one of the three below; absent: it succeeded."""
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
HEARTBEAT: Final = "heartbeat"
ERROR: Final = "sfc-error"
"""Of an answer that failed: the error's name, which Retry and Catch match on."""
CAUSE: Final = "sfc-cause"

TRACEPARENT: Final = "traceparent"
CONTENT_TYPE: Final = "content-type"
CE_ID: Final = "ce_id"
CE_SOURCE: Final = "ce_source"
CE_TYPE: Final = "ce_type"
CE_TIME: Final = "ce_time"
CE_SUBJECT: Final = "ce_subject"
CE_SPEC_VERSION: Final = "ce_specversion"
