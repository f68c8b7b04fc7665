"""Task: sends a job, and goes on with its answer."""

from sfc.asl.expression import Expression, Failure, FlowError, runtime_error
from sfc.asl.model import Task
from sfc.interpreter import history
from sfc.interpreter.commands import DispatchTask
from sfc.interpreter.context import scope_of
from sfc.interpreter.measure import too_large
from sfc.interpreter.moves import fail, hand_on
from sfc.interpreter.run import Run, Token
from sfc.jsonvalue import NotJson, dumps, loads
from sfc.limits import CAUSE_CHARS, ERROR_CHARS, MAX_SECONDS, PAYLOAD_BYTES


def enter(run: Run, token: Token, state: Task) -> Token | None:
    """Send the job. Also what a retry does."""
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
    retry_count = token.retry_count
    run.expect_job(
        token,
        lambda task, attempt: DispatchTask(
            task, attempt, state.name, state.resource, payload, retry_count, timeout_s, heartbeat_s
        ),
    )
    history.task_scheduled(run, token, run.jobs[token.task])
    return None


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
    failure = Failure(
        (failure.error or "")[:ERROR_CHARS], None if failure.cause is None else failure.cause[:CAUSE_CHARS]
    )
    history.task_failed(run, token, state.resource, failure)
    return fail(run, token, failure)


def _seconds(run: Run, token: Token, value: int | Expression | None, field: str) -> int | None:
    if value is None or isinstance(value, int):
        return value
    found = value.evaluate(token.input, scope_of(run, token))
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found <= MAX_SECONDS:
        raise runtime_error(
            f"The {field}Path parameter must refer to an integer from 1 to {MAX_SECONDS}: {value.source} == {found}",
        )
    return found
