"""The interpreter: run + entry → commands. Deterministic, without a clock, chance or I/O.

An execution is advanced by one journal entry at a time. The entry is the only source of time (`entry.at`) and of
anything from outside; chance comes from the seed in Started. Applied to the same entries, every `step` gives the same
commands, the same history and the same digest, in a live engine and in a replay: recovery is replay.

One step moves every token that can move until each waits or has ended. What may follow what:

    Started ─► tokens move ─► each waits for … a job       (TaskSubmitted, ActivityStarted) TaskSucceeded, TaskFailed
                                               a timer     TimerFired (a Wait's end, a retry's delay, a job's end)
                                               a Map Run   ItemsRead, ItemsFinished, ResultsWritten, MapRunFailed
                                               its frames  (branches, iterations: they end by the entries above)
                                               others      (at a Join)
    TimerFired(0) ends the execution TIMED_OUT, Stopped ends it ABORTED, at any time. Redriven goes on with one that
    ended otherwise than SUCCEEDED.

An entry that matches no open expectation changes nothing: tasks run at least once, so late and double answers are no
error.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final, assert_never

from sfc.asl.expression import EvaluationError, Failure, FlowError
from sfc.asl.model import Choice, Fail, Join, Map, Parallel, Pass, Succeed, Task, Wait
from sfc.interpreter import history
from sfc.interpreter.commands import (
    CancelTask,
    CloseMapRun,
    CloseTask,
    Command,
    DispatchTask,
    Finish,
    StartMapRun,
    WriteResults,
)
from sfc.interpreter.entries import (
    EXECUTION_TIMEOUT,
    ActivityStarted,
    Entry,
    EntryOfOneRunning,
    ItemsFinished,
    ItemsRead,
    MapRunFailed,
    MapRunUpdated,
    Redriven,
    ResultsWritten,
    Started,
    Stopped,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from sfc.interpreter.entropy import SeededEntropy
from sfc.interpreter.map_run import MapRun
from sfc.interpreter.moves import explain, fail
from sfc.interpreter.redrive import bring_back
from sfc.interpreter.run import GONE, IDLE, JOB, TIMER, Frame, Run, Token
from sfc.interpreter.states import choice, ends, join, map_, map_run, parallel, pass_, task, wait
from sfc.jsonvalue import loads

Enter = Callable[[Run, Token, Any], Token | None]

_ENTER: Final[dict[type, Enter]] = {
    Pass: pass_.enter,
    Task: task.enter,
    Choice: choice.enter,
    Wait: wait.enter,
    Parallel: parallel.enter,
    Map: map_.enter,
    Join: join.enter,
    Succeed: ends.enter_succeed,
    Fail: ends.enter_fail,
}


def step(run: Run, entry: Entry) -> list[Command]:
    """Advance one execution by one journal entry.

    The host has committed `entry` before it carries the commands out, in order. `run` is changed in place. Afterwards
    `run.digest` is a 64-bit signed digest of what this entry made.
    """
    run.commands = []
    if isinstance(entry, Redriven):
        _on_redriven(run, entry)
    elif not run.done and (run.started or isinstance(entry, Started)):
        run.now = max(entry.at, run.now)
        _apply(run, entry)
    while run.ready:
        token = run.ready.popleft()
        if token.waits != GONE:
            _move(run, token)
    run.digest = _digest(run)
    return run.commands


def _apply(run: Run, entry: EntryOfOneRunning) -> None:
    match entry:
        case TaskSucceeded() | TaskFailed():
            _on_answer(run, entry)
        case Started():
            if not run.started:
                _on_started(run, entry)
        case TimerFired():
            _on_timer(run, entry)
        case TaskSubmitted() | ActivityStarted():
            _on_progress(run, entry)
        case Stopped():
            history.execution_ended(run, 0, "ExecutionAborted", entry.failure)
            run.finish("ABORTED", None, entry.failure)
        case ItemsRead() | ItemsFinished() | ResultsWritten() | MapRunFailed() | MapRunUpdated():
            _on_map_run(run, entry)
        case _:
            assert_never(entry)


def _on_started(run: Run, entry: Started) -> None:
    run.started_at = run.now
    run.tasks = entry.tasks
    run.entropy = SeededEntropy(entry.seed)
    run.input = loads(entry.input)
    run.set_limits()
    history.execution_started(run, entry.input.decode())
    frame = Frame(run.machine)
    frame.variables = run.info.variables
    token = Token(frame, run.machine.states[run.machine.start_at], run.input, 0)
    frame.tokens[token] = None
    run.ready.append(token)
    if run.keeps:
        run.root = frame


def _on_redriven(run: Run, entry: Redriven) -> None:
    """Restart what was lost. A run that does not keep it, and one that runs or succeeded, stay as they are."""
    if run.root is None or run.status in ("RUNNING", "SUCCEEDED"):
        return
    run.now = max(entry.at, run.now)
    run.status, run.output, run.failure = "RUNNING", None, None
    run.redrives += 1
    run.redriven_at = run.now
    run.set_limits()
    redriven = history.execution_redriven(run)
    for token in bring_back(run):
        if run.done:
            return
        if token.waits == GONE:
            continue
        token.previous = redriven
        if token.entered_event:
            _go_on(run, token, lambda token=token: _restart(run, token))  # type: ignore[misc]
        else:
            run.ready.append(token)


def _restart(run: Run, token: Token) -> Token | None:
    """The state is entered already, save for a Fail, which AWS enters anew. A Join cannot gather again."""
    state = token.state
    if isinstance(state, Join):
        cause = f"What the Join '{state.name}' had gathered before the redrive cannot be gathered again."
        return fail(run, token, Failure("SFC.JoinUnsatisfiable", cause))
    if isinstance(token.gather, MapRun):
        return map_run.redriven(run, token, token.gather)
    if isinstance(state, Fail):
        history.entered(run, token)
    return _ENTER[type(state)](run, token, state)


def _on_answer(run: Run, entry: TaskSucceeded | TaskFailed) -> None:
    token = run.expected.get(entry.task)
    if token is None or token.attempt != entry.attempt or token.waits != JOB:
        return
    state = token.state
    assert isinstance(state, Task)
    if isinstance(entry, TaskSucceeded):
        run.answered(token)
        _go_on(run, token, lambda: task.succeeded(run, token, state, entry.output))
        return
    unscheduled = state.resource.kind == "activity" and entry.task in run.jobs
    run.settle(token) if entry.failure.error == "States.HeartbeatTimeout" else run.answered(token)
    if unscheduled:
        _go_on(run, token, lambda: task.refused(run, token, entry.failure))
    else:
        _go_on(run, token, lambda: task.failed(run, token, state, entry.failure))


def _on_progress(run: Run, entry: TaskSubmitted | ActivityStarted) -> None:
    token = run.expected.get(entry.task)
    if token is None or token.attempt != entry.attempt or token.waits != JOB:
        return
    assert isinstance(token.state, Task)
    if isinstance(entry, TaskSubmitted):
        task.submitted(run, token, token.state, entry.output)
    else:
        task.started(run, token, entry.worker)


def _on_timer(run: Run, entry: TimerFired) -> None:
    if entry.task == EXECUTION_TIMEOUT:
        history.execution_ended(run, 0, "ExecutionTimedOut", Failure(None))
        run.finish("TIMED_OUT", None, None)
        return
    token = run.expected.get(entry.task)
    if token is None or token.attempt != entry.attempt or not token.due:
        return
    waits, state = token.waits, token.state
    run.settle(token)
    if waits == JOB:
        assert isinstance(state, Task)
        _go_on(run, token, lambda: task.timed_out(run, token, state))
    elif waits == TIMER:
        assert isinstance(state, Wait)
        _go_on(run, token, lambda: wait.over(run, token, state))
    else:
        _go_on(run, token, lambda: _ENTER[type(state)](run, token, state))


def _on_map_run(run: Run, entry: map_run.MapRunEntry) -> None:
    token, found = run.expected.get(entry.task), run.map_runs.get(entry.task)
    if token is not None and found is not None and token.attempt == entry.attempt:
        _go_on(run, token, lambda: map_run.go_on(run, token, found, entry))


def _go_on(run: Run, token: Token, move: Callable[[], Token | None]) -> None:
    """Make one move out of a wait, then move on."""
    run.current = token
    try:
        following = move()
    except FlowError as error:
        following = _failed(run, error)
    if following is not None:
        _move(run, following)


def _move(run: Run, token: Token | None) -> None:
    """Move one token from state to state until it waits or ends."""
    while token is not None:
        if run.last_event >= run.event_limit - 2:
            _too_long(run, token)
            return
        state = token.state
        run.current = token
        try:
            if type(state) is not Join:
                token.waits = IDLE
                history.entered(run, token)
            token = _ENTER[type(state)](run, token, state)
        except FlowError as error:
            token = _failed(run, error)


def _failed(run: Run, error: FlowError) -> Token | None:
    """An expression of the state that was being evaluated has failed."""
    token = run.current
    failure = explain(token, error.failure)
    if not isinstance(error, EvaluationError):
        return fail(run, token, failure)
    history.evaluation_failed(run, token, error.location, failure)
    return fail(run, token, failure, told=True)


def _too_long(run: Run, token: Token) -> None:
    failure = Failure(
        "States.Runtime", f"The execution reached the maximum number of history events ({run.event_limit})."
    )
    history.execution_ended(run, token.previous, "ExecutionFailed", failure)
    run.finish("FAILED", None, failure)


def _digest(run: Run) -> int:
    """64 bits of what the last entry made: events so far, the commands, the next timer."""
    made = blake2b(digest_size=8)
    made.update(b"%d %s " % (run.last_event, repr(run.next_timer()).encode()))
    for number, found in run.map_runs.items():
        read = found.read
        made.update(b"map %d %d %d %d " % (number, read.children, read.items, found.ended))
    for command in run.commands:
        match command:
            case DispatchTask():
                made.update(
                    b"job %d %d %d " % (command.task, command.attempt, len(command.input)) + command.state.encode()
                )
                made.update(command.input)
                made.update(command.begun)
            case CancelTask():
                made.update(b"cancel %d %d " % (command.task, command.attempt))
            case CloseTask():
                made.update(b"close %d %d %d " % (command.task, command.attempt, command.given_up))
            case StartMapRun() | WriteResults() | CloseMapRun():
                made.update(f"{command} ".encode())
            case Finish():
                made.update(f"finish {command.status} {command.failure}".encode())
                made.update(command.output or b"")
    return int.from_bytes(made.digest(), "big", signed=True)
