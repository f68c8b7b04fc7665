"""What the host must do next. A command may be carried out only after the entry that caused it is committed.

Timers are no commands: `Run.next_timer()` always tells the earliest one, and the host feeds `TimerFired` when it is
due.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sfc.asl.expression import Failure
from sfc.asl.model import Resource

Status: TypeAlias = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


@dataclass(frozen=True, slots=True)
class DispatchTask:
    """Have a worker do this job; answer with TaskSucceeded or TaskFailed of the same (task, attempt)."""

    task: int
    attempt: int
    state: str
    resource: Resource
    input: bytes
    """JSON text: the effective input."""
    retry_count: int
    timeout_s: int | None = None
    """Counts from the worker's start of the job."""
    heartbeat_s: int | None = None


@dataclass(frozen=True, slots=True)
class CancelTask:
    """The answer is no longer wanted (another branch failed, the execution ended)."""

    task: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The execution ended. Always the last command of its execution."""

    status: Status
    output: bytes | None
    failure: Failure | None


Command: TypeAlias = DispatchTask | CancelTask | Finish
