"""The state of one execution while it runs: frames, tokens, what is awaited, what is due.

A *frame* is one running (sub-)machine: the execution itself, a branch of a Parallel, an iteration of a Map. A *token*
is one thread of control in a frame; it stands in exactly one state. A frame begins with one token; a fork makes
several, a Join gathers them. A token either is ready to move, or waits: for a job's answer, a timer, the frames it
started, or the others at a Join.

A `Run` is changed in place (a copied one would make a Map of n items cost n²); the JSON values in it never are.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Protocol

from sfc.asl.expression import Failure, Scope
from sfc.asl.model import State, StateMachine, SubMachine, Task
from sfc.interpreter import task_token
from sfc.interpreter.commands import (
    CancelTask,
    CloseMapRun,
    CloseTask,
    Command,
    DispatchTask,
    Finish,
    StartMapRun,
    Status,
)
from sfc.interpreter.entries import EXECUTION_TIMEOUT
from sfc.interpreter.entropy import SeededEntropy
from sfc.interpreter.info import ExecutionInfo
from sfc.interpreter.map_run import MapRun, MapRunStatus
from sfc.jsonvalue import Json
from sfc.limits import EXPRESS_DURATION_MS, STANDARD_DURATION_MS

Event = dict[str, Json]


@dataclass(slots=True)
class Accepted:
    """A job that was accepted and will be answered later."""

    job: DispatchTask
    since: int
    """When heartbeats began to count, UTC ms; 0 while an activity's task waits for a worker."""


class Gather(Protocol):
    """The frames that a Parallel or Map state has started, and what becomes of their ends."""

    frames: "dict[int, Frame]"
    lost: "list[Frame]"
    """Frames that failed the state or were given up with it, while the run keeps them for a redrive."""

    def child_ended(
        self, run: "Run", parent: "Token", child: "Frame", output: Json, previous: int
    ) -> "Token | None": ...

    def child_failed(
        self, run: "Run", parent: "Token", child: "Frame", failure: Failure, previous: int
    ) -> "Token | None": ...


class Fork:
    """One passage through a state with several `Next`: the tokens it made that live, and the Joins that wait for some
    of them.
    """

    __slots__ = ("joins", "state", "tokens")

    def __init__(self, state: str) -> None:
        self.state = state
        self.tokens: dict[Token, None] = {}
        self.joins: dict[str, Arrivals] = {}


class Arrivals:
    """The tokens that have come to one Join of one fork."""

    __slots__ = ("fired", "tokens")

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self.fired = False


class Frame:
    """One running (sub-)machine."""

    __slots__ = (
        "index", "item", "lost", "machine", "output", "output_event", "parent", "sizes", "tokens", "variables",
    )  # fmt: skip

    def __init__(self, machine: SubMachine, parent: "Token | None" = None, index: int = 0, item: Json = None) -> None:
        self.machine = machine
        self.parent = parent
        self.index = index
        self.item = item
        """The item of a Map iteration, for `$$.Map.Item.Value`."""
        self.tokens: dict[Token, None] = {}
        self.lost: list[Token] = []
        """Tokens that failed the frame or were given up with it, while the run keeps them for a redrive."""
        self.output: Json = None
        self.output_event = 0
        """Number of the event after which the frame's output stood; 0 while no token has reached an End."""
        self.variables: Mapping[str, Json] = {} if parent is None else parent.frame.variables
        """Everything in scope: those of the frames around, as they were when this one began, and its own. Never
        changed, an assignment makes a new mapping.
        """
        self.sizes: dict[str, int] = {}
        """Bytes of each variable that this frame itself has assigned."""


IDLE, JOB, TIMER, RETRY, CHILDREN, JOIN, GONE = range(7)
MAP_RUN = 20
"""What a token waits for; GONE: it was given up and moves no more."""


class Token:
    """One thread of control, standing in `state` with its raw input."""

    __slots__ = (
        "attempt", "before_entry", "came_from", "due", "entered_at", "entered_event", "forks", "frame", "gather",
        "input", "previous", "retries", "retry_count", "scope", "state", "task", "waits", "wreck",
    )  # fmt: skip

    def __init__(self, frame: Frame, state: State, value: Json, previous: int) -> None:
        self.frame = frame
        self.state = state
        self.input = value
        self.previous = previous
        """Number of the history event that the next one of this token follows."""
        self.came_from = ""
        self.entered_at = 0
        self.entered_event = 0
        self.before_entry = 0
        """Number of the event that the entering of its state follows."""
        self.task = 0
        self.attempt = 0
        self.due = 0
        """When the timer of what it waits for is due, UTC ms; 0: there is none."""
        self.waits = IDLE
        self.retry_count = 0
        self.retries: dict[int, int] | None = None
        """How often each retrier (by position) of the state has been used."""
        self.gather: Gather | None = None
        self.wreck: Gather | None = None
        """The children of a state that one of them failed, while the run keeps them for a redrive."""
        self.forks: tuple[Fork, ...] = ()
        self.scope: Scope | None = None


class Run:
    """One execution. Read its public attributes; only `sfc.interpreter.step` changes it."""

    __slots__ = (
        "accepted", "commands", "current", "deadline", "digest", "entropy", "event_limit", "events", "expected",
        "failure", "info", "input", "jobs", "keeps", "last_event", "machine", "map_runs", "next_task", "now", "output",
        "ready", "redriven_at", "redrives", "root", "started_at", "status", "tasks", "timers", "told_map_runs",
        "variable_bytes",
    )  # fmt: skip

    def __init__(self, machine: StateMachine, info: ExecutionInfo, record: bool = False, keeps: bool = False) -> None:
        self.machine = machine
        self.keeps = keeps
        """Whether what is lost at the end is kept, so that the execution can be redriven."""
        self.root: Frame | None = None
        """The execution's own frame, in a run that keeps."""
        self.redrives = 0
        self.redriven_at = 0
        self.info = info
        self.events: list[Event] | None = [] if record else None
        """History events so far, when recorded; numbers count either way."""
        self.last_event = 0
        self.event_limit = info.history_events
        self.status: Status = "RUNNING"
        self.output: bytes | None = None
        self.failure: Failure | None = None
        self.digest = 0
        self.input: Json = None
        self.now = 0
        self.started_at = 0
        self.tasks = 0
        """The catalog's change of tasks that it pinned: its machine is bound to what that says."""
        self.deadline = 0
        """When the whole execution times out, UTC ms."""
        self.entropy = SeededEntropy(0)
        self.ready: deque[Token] = deque()
        self.commands: list[Command] = []
        self.current: Token
        """The token whose state is being evaluated: whose failure it is when an expression fails."""
        self.next_task = 1
        self.expected: dict[int, Token] = {}
        self.jobs: dict[int, DispatchTask] = {}
        """Jobs that are out, by task number."""
        self.accepted: dict[int, Accepted] = {}
        """Jobs that are answered later, by task number."""
        self.timers: list[tuple[int, int, int]] = []
        self.variable_bytes = 0
        """Of all variables of the frames that run."""
        self.map_runs: dict[int, MapRun] = {}
        """Map Runs that are going on, by task number."""
        self.told_map_runs: list[MapRun] = []
        """All that there were."""

    @property
    def done(self) -> bool:
        return self.status != "RUNNING"

    @property
    def started(self) -> bool:
        return self.started_at != 0

    def awaits(self, task: int, attempt: int) -> bool:
        """Whether an answer or timer of this (task, attempt) would change anything."""
        if task == EXECUTION_TIMEOUT:
            return self.started and not self.done
        token = self.expected.get(task)
        return token is not None and token.attempt == attempt

    def open_job(self, task: int, attempt: int) -> DispatchTask | None:
        """The job of this (task, attempt) that is out or accepted; None when it has its answer. (`awaits` is also true
        while that attempt's retry is delayed.)"""
        job = self.jobs.get(task)
        if job is None and task in self.accepted:
            job = self.accepted[task].job
        return job if job is not None and job.attempt == attempt else None

    def next_timer(self) -> tuple[int, int, int] | None:
        """(due ms, task, attempt) of the earliest timer; None when the execution has ended."""
        if self.done or not self.started:
            return None
        timers = self.timers
        while timers:
            due, task, attempt = timers[0]
            token = self.expected.get(task)
            if token is not None and token.attempt == attempt and token.due == due:
                return timers[0] if due <= self.deadline else (self.deadline, EXECUTION_TIMEOUT, 0)
            heappop(timers)
        return self.deadline, EXECUTION_TIMEOUT, 0

    def active_states(self) -> list[str]:
        """Names of the states in which something is awaited, in the order they were entered."""
        tokens = sorted(set(self.expected.values()), key=lambda token: token.entered_event)
        return list(dict.fromkeys(token.state.name for token in tokens))

    # What the states use

    def expect_timer(self, token: Token, due: int, waits: int) -> None:
        """Have `token` wait until `due`. The delay before a task's retry belongs to the attempt that failed."""
        if waits != RETRY or not isinstance(token.state, Task):
            self.begin_attempt(token)
        self.expected[token.task] = token
        token.waits = waits
        self.set_due(token, due)

    def set_due(self, token: Token, due: int) -> None:
        """The token waits until `due` at the longest."""
        token.due = due
        heappush(self.timers, (due, token.task, token.attempt))

    def begin_attempt(self, token: Token) -> None:
        """From now on (task, attempt) of the token name what it is going to wait for."""
        token.attempt += 1
        if token.task == 0:
            token.task = self.next_task
            self.next_task += 1

    def expect_job(self, token: Token, job: DispatchTask) -> None:
        """Send the job, which is of the token's attempt, and have `token` wait for its answer."""
        self.expected[token.task] = token
        token.waits = JOB
        self.jobs[token.task] = job
        self.commands.append(job)

    def name_map_run(self, label: str) -> tuple[str, str]:
        """Uuid and ARN of the next Map Run. The uuid holds the execution's id and the run's number in it; with a
        child's number at its end it becomes that child's name.
        """
        number = len(self.told_map_runs) + 1
        digits = f"{self.info.id:016x}{number:04x}"
        uuid = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:]}-{0:012x}"
        blueprint = self.info.machine_arn.replace(":stateMachine:", ":mapRun:").partition("/")[0]
        return uuid, f"{blueprint}/{label}:{uuid}"

    def expect_map_run(self, token: Token, map_run: MapRun) -> None:
        """Have the host carry the Map Run out, and `token` wait for it."""
        self.begin_attempt(token)
        self.expected[token.task] = token
        token.waits = MAP_RUN
        token.gather = map_run
        map_run.task, map_run.attempt = token.task, token.attempt
        self.map_runs[token.task] = map_run
        self.told_map_runs.append(map_run)
        self.commands.append(StartMapRun(token.task, token.attempt))

    def resume_map_run(self, token: Token, map_run: MapRun) -> None:
        """Have the host carry on with a Map Run that was over."""
        self.expected[token.task] = token
        token.waits = MAP_RUN
        token.gather = map_run
        self.map_runs[token.task] = map_run
        self.commands.append(StartMapRun(token.task, token.attempt))

    def end_map_run(self, token: Token, map_run: MapRun, status: MapRunStatus) -> None:
        """The Map Run of `token` is over."""
        self.answered(token)
        del self.map_runs[token.task]
        map_run.status, map_run.stopped_at = status, self.now
        self.commands.append(CloseMapRun(token.task, token.attempt))

    def accept(self, token: Token) -> Accepted | None:
        """The token's job was accepted; None when that is known already, or nothing is to be answered later."""
        job = self.jobs.get(token.task)
        if job is None or not job.resource.is_answered_later:
            return None
        del self.jobs[token.task]
        accepted = self.accepted[token.task] = Accepted(job, 0 if job.resource.kind == "activity" else self.now)
        return accepted

    def settle(self, token: Token) -> None:
        """The token waits no longer; a job still out is called back."""
        if token.task in self.expected:
            del self.expected[token.task]
            if token.waits == JOB:
                self._give_up(token.task)
            elif token.waits == MAP_RUN:
                self._abort_map_run(token.task, token.attempt)
        token.waits = IDLE
        token.due = 0

    def _abort_map_run(self, task: int, attempt: int) -> None:
        map_run = self.map_runs.pop(task)
        map_run.status, map_run.stopped_at = "ABORTED", self.now
        self.commands.append(CloseMapRun(task, attempt))

    def answered(self, token: Token) -> None:
        """The job or timer the token waited for has come."""
        del self.expected[token.task]
        job = self.jobs.pop(token.task, None)
        if job is None and token.task in self.accepted:
            job = self.accepted.pop(token.task).job
        if job is not None and job.resource.is_kept:
            self.commands.append(CloseTask(job.task, job.attempt, job.resource, given_up=False))
        token.waits = IDLE
        token.due = 0

    def _give_up(self, task: int) -> None:
        """Call back the job of this task, if it is out or accepted."""
        is_out = task in self.jobs
        if not is_out and task not in self.accepted:
            return
        job = self.jobs.pop(task) if is_out else self.accepted.pop(task).job
        if job.resource.is_kept:
            self.commands.append(CloseTask(job.task, job.attempt, job.resource, given_up=True))
        elif is_out:
            self.commands.append(CancelTask(job.task, job.attempt))

    def task_token(self, token: Token) -> str:
        """The task token of the attempt that `token` is in."""
        return task_token.make(self.info.secret, task_token.TokenPlace(self.info.id, token.task, token.attempt))

    def finish(self, status: Status, output: bytes | None, failure: Failure | None) -> None:
        """End the execution. Jobs still out are called back first; `Finish` is the last command."""
        for task in [*self.jobs, *self.accepted]:
            self._give_up(task)
        for task in list(self.map_runs):
            self._abort_map_run(task, self.expected[task].attempt)
        self.expected.clear()
        self.timers.clear()
        self.ready.clear()
        if not self.keeps:
            self._untie()
        self.status, self.output, self.failure = status, output, failure
        self.commands.append(Finish(status, output, failure))

    def _untie(self) -> None:
        """Tokens and their frames point at each other: cut that, so that all of it goes without the collector."""
        token: Token | None = self.current
        while token is not None:
            token.scope = None
            token.frame.tokens.clear()
            token = token.frame.parent

    def set_limits(self) -> None:
        """The execution's own time-out, from now on: TimeoutSeconds, or the service's limit for its kind when that is
        sooner.
        """
        most = STANDARD_DURATION_MS if self.info.kind == "STANDARD" else EXPRESS_DURATION_MS
        if self.machine.timeout_s is not None:
            most = min(most, self.machine.timeout_s * 1000)
        self.deadline = self.now + most
