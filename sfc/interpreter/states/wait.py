"""Wait: for a number of seconds or until a time; a time that is past waits not at all."""

from sfc.asl.expression import Expression, PathError, runtime_error
from sfc.asl.model import Wait
from sfc.asl.timestamps import parse_rfc3339
from sfc.interpreter.context import scope_of
from sfc.interpreter.moves import hand_on
from sfc.interpreter.run import TIMER, Run, Token
from sfc.jsonvalue import Json, text
from sfc.limits import MAX_SECONDS


def enter(run: Run, token: Token, state: Wait) -> Token | None:
    data = state.flow.arguments(token.input, scope_of(run, token))
    due = _due(run, token, state, data)
    if due <= run.now:
        return hand_on(run, token, data, state.next)
    run.expect_timer(token, due, TIMER)
    return None


def over(run: Run, token: Token, state: Wait) -> Token | None:
    """The time has come. InputPath is read again: between the two nothing that it could depend on has changed."""
    return hand_on(run, token, state.flow.arguments(token.input, scope_of(run, token)), state.next)


def _due(run: Run, token: Token, state: Wait, data: Json) -> int:
    value = state.value
    if isinstance(value, int):
        return run.now + value * 1000
    if isinstance(value, str):
        at = parse_rfc3339(value)
        if at is None:
            raise runtime_error(
                f"The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {value}",
            )
        return at
    found = _find(run, token, state, value, data)
    return _seconds(run, value, found) if state.kind.startswith("Seconds") else _timestamp(value, found)


def _find(run: Run, token: Token, state: Wait, path: Expression, data: Json) -> Json:
    try:
        return path.evaluate(data, scope_of(run, token))
    except PathError:
        raise runtime_error(f"The {state.kind} parameter does not reference an input value: {path.source}") from None


def _seconds(run: Run, path: Expression, found: Json) -> int:
    if isinstance(found, bool) or not isinstance(found, int):
        raise runtime_error(
            f"The SecondsPath parameter cannot be parsed as a long value: {path.source} == {_shown(found)}",
        )
    if not 0 <= found <= MAX_SECONDS:
        raise runtime_error(f"The SecondsPath parameter must be between 0 and {MAX_SECONDS}: {path.source} == {found}")
    return run.now + found * 1000


def _timestamp(path: Expression, found: Json) -> int:
    at = parse_rfc3339(found) if isinstance(found, str) else None
    if at is None:
        raise runtime_error(
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: "
            f"{path.source} == {_shown(found)}",
        )
    return at


def _shown(value: Json) -> str:
    return value if isinstance(value, str) else text(value)
