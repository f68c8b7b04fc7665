"""Task: sends a job, and goes on with its answer."""

from dataclasses import replace

from sfc.asl.expression import Expression, Failure, FlowError, runtime_error
from sfc.asl.model import Task
from sfc.interpreter import history
from sfc.interpreter.commands import DispatchTask
from sfc.interpreter.context import scope_of
from sfc.interpreter.measure import too_large
from sfc.interpreter.moves import explain, fail, hand_on
from sfc.interpreter.run import Run, Token
from sfc.jsonvalue import NotJson, dumps, loads, text
from sfc.limits import CAUSE_CHARS, ERROR_CHARS, MAX_SECONDS, PAYLOAD_BYTES, ROLE_ARN_CHARS


def enter(run: Run, token: Token, state: Task) -> Token | None:
    """Send the job. Also what a retry does."""
    run.begin_attempt(token)  # first, because the task's token names the attempt
    data = state.flow.arguments(token.input, scope_of(run, token))
    try:
        payload = dumps(data)
    except NotJson as error:
        raise runtime_error(f"The input of the task is no JSON value: {error}") from None
    if len(payload) > PAYLOAD_BYTES:
        raise FlowError(
            "States.DataLimitExceeded", f"The state/task '{state.name}' was given an input above {PAYLOAD_BYTES} bytes."
        )
    timeout_s = _seconds(run, token, state.timeout_s, "TimeoutSeconds")
    heartbeat_s = _seconds(run, token, state.heartbeat_s, "HeartbeatSeconds")
    resource = state.resource
    role = "" if state.credentials is None else _role_arn(run, token, state.credentials)
    job = DispatchTask(
        token.task, token.attempt, state.name, resource, payload, token.retry_count, timeout_s, heartbeat_s,
        role_arn=role,
    )  # fmt: skip
    run.expect_job(token, job)
    if resource.kind == "activity":  # scheduled once it is known that there is such an activity
        return None
    history.task_scheduled(run, token, job)
    if timeout_s is not None and (resource.is_answered_later or resource.is_watched):
        run.set_due(token, run.now + timeout_s * 1000)
    return None


def _role_arn(run: Run, token: Token, credentials: Expression) -> str:
    found = credentials.evaluate(token.input, scope_of(run, token))
    role = found.get("RoleArn") if isinstance(found, dict) else None
    if not isinstance(role, str) or not 0 < len(role) <= ROLE_ARN_CHARS:
        raise runtime_error(f"The RoleArn of the Credentials must be the ARN of a role: {text(role)}")
    return role


def submitted(run: Run, token: Token, state: Task, output: bytes) -> None:
    """The job was accepted and will be answered later, or is to be watched from now on."""
    if state.resource.is_watched:
        _watch(run, token, state, output)
        return
    accepted = run.accept(token)
    if accepted is None:
        return
    if state.resource.kind == "activity":
        history.activity_scheduled(run, token, accepted.job)
    else:
        history.task_submitted(run, token, state.resource, output)


def _watch(run: Run, token: Token, state: Task, output: bytes) -> None:
    begun = run.jobs.get(token.task)
    if begun is None or begun.begun:
        return
    history.task_submitted(run, token, state.resource, output)
    due = token.due
    run.begin_attempt(token)
    # The interpreter keeps the time: it began when the task was scheduled.
    run.expect_job(token, replace(begun, attempt=token.attempt, timeout_s=None, heartbeat_s=None, begun=output))
    if due:
        run.set_due(token, due)


def started(run: Run, token: Token, worker: str | None) -> None:
    """A worker has taken the activity's task: from now on its time runs."""
    accepted = run.accepted.get(token.task)
    if accepted is None or accepted.since or accepted.job.resource.kind != "activity":
        return
    accepted.since = run.now
    history.activity_started(run, token, worker)
    if accepted.job.timeout_s is not None:
        run.set_due(token, run.now + accepted.job.timeout_s * 1000)


def succeeded(run: Run, token: Token, state: Task, output: bytes) -> Token | None:
    if len(output) > PAYLOAD_BYTES:
        what = state.resource.text if state.resource.kind == "function" else state.resource.service
        return failed(run, token, state, Failure("States.DataLimitExceeded", too_large(what)))
    try:
        result = loads(output)
    except NotJson as error:
        return failed(run, token, state, Failure("States.Runtime", f"The task's result is no JSON value: {error}"))
    history.task_succeeded(run, token, state.resource, output)
    return hand_on(run, token, result, state.next)


def failed(run: Run, token: Token, state: Task, failure: Failure) -> Token | None:
    error = failure.error if failure.error is None else failure.error[:ERROR_CHARS]
    cause = failure.cause if failure.cause is None else failure.cause[:CAUSE_CHARS]
    if error == "States.HeartbeatTimeout" and state.resource.is_answered_later:
        # Matched by its own name, told as what it is a kind of. Source: recorded from the service.
        shown = Failure("States.Timeout", cause)
    else:
        shown = Failure(error, cause)
    history.task_failed(run, token, state.resource, shown)
    return fail(run, token, shown, error)


def refused(run: Run, token: Token, failure: Failure) -> Token | None:
    """The activity does not exist: its task was never scheduled."""
    return fail(run, token, explain(token, failure))


def timed_out(run: Run, token: Token, state: Task) -> Token | None:
    return failed(run, token, state, Failure("States.Timeout"))


def _seconds(run: Run, token: Token, value: int | Expression | None, field: str) -> int | None:
    if value is None or isinstance(value, int):
        return value
    found = value.evaluate(token.input, scope_of(run, token))
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found <= MAX_SECONDS:
        raise runtime_error(
            f"The {field}Path parameter must refer to an integer from 1 to {MAX_SECONDS}: {value.source} == {found}",
        )
    return found
