"""The moves every state type shares: leave a state, fail in it, end a frame, give a frame up.

A move returns the token that can go on at once, or None when this thread of control waits or is over.
"""

from typing import Final

from sfc.asl.expression import EvaluationError, Failure, FlowError
from sfc.asl.model import Catcher, DataFlow, Fail, Join, Map, Parallel, Retrier, SubMachine, Task
from sfc.interpreter import history
from sfc.interpreter.context import scope_of
from sfc.interpreter.measure import check_size
from sfc.interpreter.run import CHILDREN, GONE, IDLE, RETRY, Fork, Frame, Run, Token
from sfc.interpreter.variables import assign, check_variables, forget
from sfc.jsonvalue import Json, dumps
from sfc.limits import MAX_SECONDS

UNCATCHABLE: Final = "States.Runtime"
"""Neither retried nor caught, not even by its own name. Source: recorded from the service."""


def start_frame(
    run: Run, machine: SubMachine, parent: Token, index: int, value: Json, item: Json, previous: int
) -> Frame:
    """Begin a branch or an iteration; its token is ready to move."""
    frame = Frame(machine, parent, index, item)
    token = Token(frame, machine.states[machine.start_at], value, previous)
    frame.tokens[token] = None
    run.ready.append(token)
    return frame


def leave(run: Run, token: Token, output: Json, following: tuple[str, ...], variables: dict[str, Json]) -> Token | None:
    """Leave the state with `output` towards the states in `following`; () ends the frame for this token. The
    variables get their values.
    """
    history.exited(run, token, output, variables)
    if variables:
        assign(run, token.frame, variables)
    if len(following) == 1:
        token.came_from = token.state.name
        token.state = token.frame.machine.states[following[0]]
        token.input = output
        token.task = token.attempt = token.retry_count = 0
        token.retries = None
        token.gather = None
        if token.forks:
            moved(run, token.forks)
        return token
    if not following:
        return end(run, token, output)
    _fork(run, token, output, following)
    return None


def hand_on(
    run: Run, token: Token, result: Json, following: tuple[str, ...], flow: DataFlow | None = None
) -> Token | None:
    """Leave with what a data flow, if not given that of the state, makes of the result. Raises FlowError."""
    run.current = token
    if flow is None:
        flow = token.state.flow  # type: ignore[union-attr]
    scope = scope_of(run, token)
    output = flow.output(token.input, result, scope)
    if flow.growth:
        check_size(output, flow.growth, token.state.name)
    variables = flow.assigned(token.input, result, scope)
    if variables:
        check_variables(run, token, variables)
    return leave(run, token, output, following, variables)


def end(run: Run, token: Token, output: Json) -> Token | None:
    """The token has reached an End. The frame ends when its last token has."""
    frame = token.frame
    frame.output, frame.output_event = output, token.previous
    retire(run, token)
    return _end_frame(run, frame) if not frame.tokens else None


def retire(run: Run, token: Token) -> None:
    """Take the token out of its frame and its forks."""
    token.scope = None  # it leads back to the token: a cycle that only the collector would find
    del token.frame.tokens[token]
    forks, token.forks = token.forks, ()
    for fork in forks:
        fork.tokens.pop(token, None)
        for arrivals in fork.joins.values():  # a cancelled token may wait at another Join
            if arrivals.tokens.get(token.came_from) is token:
                del arrivals.tokens[token.came_from]
    if forks:
        moved(run, forks)


def drop(run: Run, token: Token) -> Token | None:
    """A late token of a Join that has fired: it ends here, and with it perhaps the frame."""
    frame = token.frame
    retire(run, token)
    return _end_frame(run, frame) if not frame.tokens and frame.output_event else None


def _end_frame(run: Run, frame: Frame) -> Token | None:
    parent = frame.parent
    forget(run, frame)
    if parent is None:
        output = dumps(frame.output)
        history.execution_succeeded(run, frame.output_event, output)
        run.finish("SUCCEEDED", output, None)
        return None
    assert parent.gather is not None
    return parent.gather.child_ended(run, parent, frame, frame.output, frame.output_event)


def _fork(run: Run, token: Token, output: Json, following: tuple[str, ...]) -> None:
    """Replace the token by one for each of `following`."""
    frame, fork = token.frame, Fork(token.state.name)
    # A loop that comes back here begins a fork anew; the one before it is over, and must not be carried along for ever.
    outer = tuple(each for each in token.forks if each.state != fork.state)
    previous = token.previous
    made = []
    for name in following:
        twin = Token(frame, frame.machine.states[name], output, previous)
        twin.came_from = fork.state
        twin.forks = (*outer, fork)
        frame.tokens[twin] = None
        for each in twin.forks:
            each.tokens[twin] = None
        made.append(twin)
    retire(run, token)
    run.ready.extend(made)


def moved(run: Run, forks: tuple[Fork, ...]) -> None:
    """A token of these forks moved or ended: a Join that waited for it may be able to decide. Decided after the
    current move.
    """
    for fork in forks:
        for arrivals in fork.joins.values():
            if arrivals.tokens and not arrivals.fired:
                waiting = next(iter(arrivals.tokens.values()))
                if waiting not in run.ready:
                    run.ready.append(waiting)


def fail(run: Run, token: Token, failure: Failure, name: str | None = None, *, told: bool = False) -> Token | None:
    """The token's state has failed: retry it, catch it, or fail the frame. `name` is what retriers and catchers match
    when that is more exact than the failure's error. `told`: history has an event of it.
    """
    name = name or failure.error
    state = token.state
    if token.gather is not None:
        _give_up_children(run, token)
    if failure.error != UNCATCHABLE:
        if isinstance(state, (Task, Parallel, Map)):
            for position, retrier in enumerate(state.retry):
                if matches(retrier.error_equals, name):
                    if _retry(run, token, position, retrier):
                        return None
                    break
        if isinstance(state, (Task, Parallel, Map, Join)):
            _container_failed(run, token, told)
            for catcher in state.catch:
                if matches(catcher.error_equals, name):
                    return _catch(run, token, failure, catcher)
    else:
        _container_failed(run, token, told)
    return fail_frame(run, token, failure)


def _give_up_children(run: Run, token: Token) -> None:
    """Frames may still run when the state itself failed, for example in selecting the next item."""
    assert token.gather is not None
    for frame in token.gather.frames.values():
        give_up(run, frame)
    token.gather.frames.clear()
    token.waits = IDLE


def _container_failed(run: Run, token: Token, told: bool) -> None:
    """ParallelStateFailed, MapStateFailed: once the state's children had begun, or behind an EvaluationFailed."""
    if token.gather is not None or (told and isinstance(token.state, (Parallel, Map))):
        token.previous = history.emit(run, token.previous, history.KIND[type(token.state)] + "StateFailed")
        token.gather = None


def fail_frame(run: Run, token: Token, failure: Failure) -> Token | None:
    """Nothing caught it: everything else in the frame is given up, and the state that started the frame fails
    likewise.
    """
    frame = token.frame
    parent = frame.parent
    if parent is None:
        history.execution_ended(run, token.previous, "ExecutionFailed", failure)
        run.finish("FAILED", None, failure)
        return None
    if not isinstance(token.state, Fail):
        history.aborted(run, token)
    del frame.tokens[token]
    if run.keeps:
        frame.lost.append(token)
    give_up(run, frame)
    assert parent.gather is not None
    return parent.gather.child_failed(run, parent, frame, failure, token.previous)


def give_up(run: Run, frame: Frame) -> None:
    """Abort every token of a frame, and the frames below it."""
    for token in frame.tokens:
        give_up_token(run, token)
    if run.keeps:
        frame.lost.extend(frame.tokens)
    frame.tokens.clear()
    forget(run, frame)


def give_up_token(run: Run, token: Token) -> None:
    """Abort what one token waits for; it moves no more. The caller takes it out of its frame."""
    if token.waits == CHILDREN and token.gather is not None:
        for child in token.gather.frames.values():
            give_up(run, child)
    else:
        run.settle(token)
    token.waits = GONE
    if token.entered_event:
        history.aborted(run, token)


def matches(names: tuple[str, ...], error: str | None) -> bool:
    """Whether a retrier's or catcher's ErrorEquals covers `error`. Source: https://states-language.net/#errors"""
    timeout = error in ("States.Timeout", "States.HeartbeatTimeout")
    for name in names:
        if name in (error, "States.ALL"):
            return True
        if timeout and name == "States.Timeout":
            return True
        if name == "States.TaskFailed" and not timeout:
            return True
    return False


def _retry(run: Run, token: Token, position: int, retrier: Retrier) -> bool:
    """Use one attempt of the retrier; False when it is spent."""
    used = token.retries = token.retries if token.retries is not None else {}
    count = used.get(position, 0)
    if count >= retrier.max_attempts:
        return False
    used[position] = count + 1
    token.retry_count += 1
    delay_ms = retry_delay_ms(retrier, count + 1)
    if retrier.full_jitter:
        delay_ms = int(delay_ms * run.entropy.random())
    token.gather = None
    token.wreck = None
    run.expect_timer(token, run.now + delay_ms, RETRY)
    return True


def retry_delay_ms(retrier: Retrier, attempt: int) -> int:
    """Before retry `attempt` (from 1): min(MaxDelaySeconds, IntervalSeconds * BackoffRate^(attempt - 1)), without
    jitter.
    """
    most = MAX_SECONDS if retrier.max_delay_s is None else retrier.max_delay_s
    try:
        delay_s = retrier.interval_s * retrier.backoff_rate ** (attempt - 1)
    except OverflowError:
        delay_s = most
    return int(min(delay_s, most) * 1000)


def _catch(run: Run, token: Token, failure: Failure, catcher: Catcher) -> Token | None:
    nothing = None if failure.error is None else ""  # a failure without any words, as SendTaskFailure may report it
    error_output = {"Error": failure.error, "Cause": failure.cause or nothing}
    flow, scope = catcher.flow, scope_of(run, token)
    try:
        output = flow.output(token.input, error_output, scope)
        check_size(output, max(1, flow.growth), token.state.name)
        variables = flow.assigned(token.input, error_output, scope)
        if variables:
            check_variables(run, token, variables)
    except FlowError as error:
        again = explain(token, error.failure)
        if isinstance(error, EvaluationError):
            history.evaluation_failed(run, token, error.location, again)
        return fail_frame(run, token, again)
    token.wreck = None
    return leave(run, token, output, catcher.next, variables)


def explain(token: Token, failure: Failure) -> Failure:
    """The failure of an expression, with AWS's words of where it happened."""
    if failure.error == "States.DataLimitExceeded":
        return failure
    return Failure(failure.error, where(token.state.name, token.entered_event) + (failure.cause or ""))


def where(state: str, event: int) -> str:
    """The beginning of the cause of an expression's failure."""
    return f"An error occurred while executing the state '{state}' (entered at the event id #{event}). "
