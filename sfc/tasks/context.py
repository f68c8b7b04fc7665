"""What a handler is told about its job, and the errors it may raise on purpose."""

import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING

from sfc.jsonvalue import Json
from sfc.tasks.job import Job

if TYPE_CHECKING:
    BoundLogger = logging.LoggerAdapter[logging.Logger]
else:
    BoundLogger = logging.LoggerAdapter

_LOGGER = logging.getLogger("sfc.task")


class TaskError(Exception):
    """Fails the task with an Error and a Cause of the handler's choice; Retry and Catch match on `error`. A cause that
    is no str is kept as JSON text.
    """

    def __init__(self, error: str, cause: Json = None) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause


class TaskCancelled(Exception):
    """Nobody waits for this job any more: it timed out, or its execution went on without it."""


class TaskContext:
    """The job as its handler sees it; every member may be used from any thread."""

    def __init__(self, job: Job) -> None:
        self.execution = job.execution
        """ARN."""
        self.state = job.state
        self.attempt = job.retry_count
        """Retries so far: 0 for the first try."""
        self.idempotency_key = job.key
        """The same for every repetition of this try: hand it to services that do things only once per key."""
        self.role_arn = job.role_arn
        """The role that the state's `Credentials` name; empty: none."""
        self.deadline: int | None = None
        """UTC ms when the job times out; None: no limit."""
        self.cancelled = False
        """True once the result is no longer wanted."""
        self.beat = time.monotonic()

    def heartbeat(self) -> None:
        """Tell that the job is alive. Raises TaskCancelled when its result is no longer wanted."""
        self.beat = time.monotonic()
        if self.cancelled:
            raise TaskCancelled(self.idempotency_key)

    @cached_property
    def logger(self) -> BoundLogger:
        """Logs with execution, state and attempt as fields of the record."""
        extra = {"execution": self.execution, "state": self.state, "attempt": self.attempt}
        return logging.LoggerAdapter(_LOGGER, extra)
