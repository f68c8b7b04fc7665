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
    """Have this job done; answer with TaskSucceeded or TaskFailed of the same (task, attempt).

    A resource that is answered later is first answered with TaskSubmitted: the job was accepted. So is one that is
    watched: then comes a second command, with what the service said, to ask after the service's job until it ends.
    """

    task: int
    attempt: int
    state: str
    resource: Resource
    input: bytes
    """JSON text: the effective input."""
    retry_count: int
    timeout_s: int | None = None
    """Counts from the worker's start of the job; of what is answered later the interpreter itself keeps the time."""
    heartbeat_s: int | None = None
    begun: bytes = b""
    """JSON text: what the service said when it began the job that is to be watched; empty: begin it."""
    role_arn: str = ""
    """The role to take on for the call (`Credentials`); empty: the worker's own."""


@dataclass(frozen=True, slots=True)
class CancelTask:
    """The answer is no longer wanted (another branch failed, the execution ended)."""

    task: int
    attempt: int


@dataclass(frozen=True, slots=True)
class CloseTask:
    """A task for which the host keeps something (a child execution, a place in an activity's queue) is over."""

    task: int
    attempt: int
    resource: Resource
    given_up: bool
    """Nobody wants the answer any more: a child execution that was waited for is stopped."""


@dataclass(frozen=True, slots=True)
class StartMapRun:
    """Carry out `Run.map_runs[task]`: read its items, start its children, tell how they end."""

    task: int
    attempt: int


@dataclass(frozen=True, slots=True)
class WriteResults:
    """Its children have ended, or it has failed and they are to be stopped: write its results, or give them as the
    state's output."""

    task: int
    attempt: int


@dataclass(frozen=True, slots=True)
class CloseMapRun:
    """The Map Run is over: let go of it, and stop what it still runs."""

    task: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The execution ended. Always the last command of its execution."""

    status: Status
    output: bytes | None
    failure: Failure | None


MapRunCommand: TypeAlias = StartMapRun | WriteResults | CloseMapRun
Command: TypeAlias = DispatchTask | CancelTask | CloseTask | MapRunCommand | Finish
