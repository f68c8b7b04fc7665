"""One piece of work for a worker, its result, and the border between engine and workers.

Both cross process borders: small tuples of plain values, JSON as bytes.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol

QUEUE_TIMEOUT: Final = "SFC.QueueTimeout"
"""The error of a job that waited to be begun for longer than it may."""


class Job(NamedTuple):
    key: str
    """"execution:task:attempt" (execution id in hex): stable over repeats, so it is the idempotency key given to
    services.
    """
    execution: str
    """ARN, for the handler's context and logs."""
    machine: str
    """Name of the state machine: chooses the pool."""
    state: str
    resource: str
    """The Task's Resource, as written."""
    input: bytes
    retry_count: int = 0
    timeout_s: float | None = None
    """From the worker's start of the job; then the result is States.Timeout."""
    heartbeat_s: float | None = None
    """Longest time between two heartbeats of a handler; then the result is States.HeartbeatTimeout."""
    meta: str = ""
    """Digest of the task meta that does it; empty: what the Resource says."""
    begun: bytes = b""
    """What a service said when it began a job that is to be watched; empty: begin it, and tell what it says."""
    role_arn: str = ""
    """The role that a call of an AWS service takes on; empty: none."""
    queue_s: float | None = None
    """What is left of the time that it may wait to be begun, when a worker gets it; then the result is
    SFC.QueueTimeout.
    """


class JobResult(NamedTuple):
    """Exactly one of `output` (JSON text) and `error` is set."""

    key: str
    output: bytes | None
    error: str | None
    cause: str | None
    began: int
    """UTC ms when the worker began it; 0 when it never began."""
    submitted: bool = False
    """`output` is what a service said when it began its job; another job watches that."""


class Dispatcher(Protocol):
    """Carries jobs to workers and brings results back. Methods are called on the engine's event loop and never
    block.
    """

    async def open(
        self, on_results: Callable[[Sequence[JobResult]], None], written: Callable[[], Awaitable[None]]
    ) -> None:
        """Connect; from now on every finished job is handed to `on_results`, in batches, on the same loop, at least
        once. `written` returns when what was handed over before is on disk, or refused by the store: until then
        whoever did the jobs keeps the results, so that the next engine hears of them if this one dies.
        """
        ...

    def dispatch(self, jobs: Sequence[Job]) -> None:
        """Have each job done at least once; a key that a worker already has (or has just finished) is not begun
        again.
        """
        ...

    def cancel(self, keys: Sequence[str]) -> None:
        """Stop the jobs if that is possible; their results, if any, are dropped by the engine."""
        ...

    async def close(self) -> None: ...
