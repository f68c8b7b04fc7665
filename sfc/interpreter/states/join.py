"""Join: gathers the tokens that a fork made. See docs/design.md §6 for what All, Any and N mean.

Every arriving token waits here; the Join is decided again whenever a token of its fork has moved. `All` fires when no
live token of the fork can reach the Join any more, so a branch that a Choice led elsewhere never blocks it. The
gathered token takes the place of one that arrived; the others end.
"""

from sfc.asl.expression import Failure
from sfc.asl.model import Join
from sfc.interpreter import history
from sfc.interpreter.context import scope_of
from sfc.interpreter.measure import check_size
from sfc.interpreter.moves import drop, fail, give_up_token, hand_on, moved, retire
from sfc.interpreter.run import IDLE, JOIN, Arrivals, Fork, Run, Token


def enter(run: Run, token: Token, state: Join) -> Token | None:
    """A token arrives, or one that waits here is asked again."""
    fork = next((fork for fork in reversed(token.forks) if fork.state == state.fork), None)
    if fork is None:
        return hand_on(
            run, token, state.flow.arguments({token.came_from: token.input}, scope_of(run, token)), state.next
        )
    arrivals = fork.joins.get(state.name)
    if arrivals is None:
        arrivals = fork.joins[state.name] = Arrivals()
    if arrivals.fired:
        return drop(run, token)
    if token.waits != JOIN:
        token.waits = JOIN
        arrivals.tokens[token.came_from] = token
        moved(run, tuple(each for each in token.forks if each is not fork))
    return _decide(run, fork, arrivals, state)


def _decide(run: Run, fork: Fork, arrivals: Arrivals, state: Join) -> Token | None:
    coming = sum(token.state.name in state.reaching and token.state is not state for token in fork.tokens)
    here = len(arrivals.tokens)
    wanted = 1 if state.require == "Any" else state.require
    if wanted == "All":
        return None if coming else _fire(run, fork, arrivals, state)
    if here >= wanted:
        return _fire(run, fork, arrivals, state)
    if here + coming >= wanted:
        return None
    token = _gathered(run, arrivals, state)
    history.entered(run, token)
    cause = f"The Join '{state.name}' needs {wanted} of its branches, but only {here} can arrive."
    return fail(run, token, Failure("SFC.JoinUnsatisfiable", cause))


def _fire(run: Run, fork: Fork, arrivals: Arrivals, state: Join) -> Token | None:
    gathered = {name: arrivals.tokens[name].input for name in state.sources if name in arrivals.tokens}
    token = _gathered(run, arrivals, state)
    if state.others == "Cancel":
        for other in [other for other in fork.tokens if other is not token]:
            give_up_token(run, other)
            retire(run, other)
    if set(fork.tokens) == {token} and not any(
        each.fired or each.tokens for each in fork.joins.values() if each is not arrivals
    ):
        # The last token has gathered everything. A Join that fired earlier must still know its late tokens, though.
        token.forks = tuple(each for each in token.forks if each is not fork)
    token.input = gathered
    run.current = token
    history.entered(run, token)
    check_size(gathered, 1, state.name)
    return hand_on(run, token, state.flow.arguments(gathered, scope_of(run, token)), state.next)


def _gathered(run: Run, arrivals: Arrivals, state: Join) -> Token:
    """The token that goes on; the other arrivals end in it."""
    arrivals.fired = True
    tokens = [arrivals.tokens[name] for name in state.sources if name in arrivals.tokens]
    arrivals.tokens = {}
    first, *others = tokens
    first.waits = IDLE
    for other in others:
        retire(run, other)
    first.previous = max(token.previous for token in tokens)
    return first
