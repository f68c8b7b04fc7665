"""Succeed and Fail: the states that end their frame."""

from sfc.asl.expression import Expression, Failure, PathError, runtime_error
from sfc.asl.model import Fail, Succeed
from sfc.interpreter.context import scope_of
from sfc.interpreter.moves import fail_frame, hand_on
from sfc.interpreter.run import Run, Token
from sfc.jsonvalue import text
from sfc.limits import CAUSE_CHARS, ERROR_CHARS


def enter_succeed(run: Run, token: Token, state: Succeed) -> Token | None:
    data = state.flow.arguments(token.input, scope_of(run, token))
    return hand_on(run, token, data, ())


def enter_fail(run: Run, token: Token, state: Fail) -> Token | None:
    failure = Failure(_text(run, token, state.error, "Error"), _text(run, token, state.cause, "Cause"))
    return fail_frame(run, token, failure)


def _text(run: Run, token: Token, value: str | Expression | None, field: str) -> str | None:
    """Error or Cause: a constant, or what its path gives, which must be a string."""
    limit = ERROR_CHARS if field == "Error" else CAUSE_CHARS
    if value is None or isinstance(value, str):
        return value[:limit] if value else value
    try:
        found = value.evaluate(token.input, scope_of(run, token))
    except PathError as error:
        raise runtime_error(
            f"The JSONPath '{error.path}' specified for the field '{field}Path' could not be found in "
            f"the input '{text(error.data)}'"
        ) from None
    if not isinstance(found, str):
        raise runtime_error(
            f"The {field}Path field refers to a value that is no string: {value.source} == {text(found)}",
        )
    return found[:limit]
