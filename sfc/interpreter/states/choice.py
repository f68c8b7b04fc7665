"""Choice: the first rule that holds says where to go on."""

from sfc.asl.expression import FlowError
from sfc.asl.model import Choice
from sfc.interpreter.context import scope_of
from sfc.interpreter.moves import hand_on
from sfc.interpreter.run import Run, Token


def enter(run: Run, token: Token, state: Choice) -> Token | None:
    scope = scope_of(run, token)
    data = state.flow.arguments(token.input, scope)
    for rule in state.rules:
        if rule.condition.test(data, scope):
            return hand_on(run, token, data, rule.next, rule.flow)
    if state.default is None:
        raise FlowError(
            "States.NoChoiceMatched", f"No choice rule of the state '{state.name}' matched, and it has no Default."
        )
    return hand_on(run, token, data, state.default)
