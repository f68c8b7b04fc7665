"""Pass: hands on its input, shaped, or a constant Result."""

from sfc.asl.model import UNSET, Pass
from sfc.interpreter.context import scope_of
from sfc.interpreter.moves import hand_on
from sfc.interpreter.run import Run, Token


def enter(run: Run, token: Token, state: Pass) -> Token | None:
    result = state.flow.arguments(token.input, scope_of(run, token))
    return hand_on(run, token, result if state.result is UNSET else state.result, state.next)
