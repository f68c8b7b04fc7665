"""Plays the tokens of a machine with forks at random: what the validator promises must hold in every play."""

import random
from dataclasses import dataclass, field

from sfc.asl.model import Choice, Fail, Join, StateMachine, Succeed


@dataclass(eq=False)
class Fork:
    state: str
    fired: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Token:
    at: str
    came_from: str
    forks: tuple[Fork, ...]
    waits: bool = False


def unsafe(machine: StateMachine, chance: random.Random) -> str:
    """Play once; what went wrong, or ""."""
    tokens = [Token(machine.start_at, "", ())]
    ends = 0
    for _ in range(500):
        ready = [token for token in tokens if not token.waits or _fires(machine, token, tokens)]
        if not ready:
            return "" if not tokens or _unsatisfiable(machine, tokens) else "stuck"
        token = chance.choice(ready)
        state = machine.states[token.at]
        if isinstance(state, Join) and not token.waits:
            fork = _own(token, state)
            if fork is not None and state.name in fork.fired:
                tokens.remove(token)
                continue
            if fork is not None:
                if any(t.waits and t.at == token.at and t.came_from == token.came_from for t in tokens):
                    return "two arrivals from one state"
                token.waits = True
                continue
        if isinstance(state, Join) and token.waits:
            tokens = _gather(state, token, tokens)
        if isinstance(state, Fail):
            return ""
        targets = () if isinstance(state, Succeed) else _targets(state, chance)
        tokens.remove(token)
        if not targets:
            ends += 1
            if ends > 1:
                return "two ends"
            continue
        forks = (
            (*(each for each in token.forks if each.state != token.at), Fork(token.at))
            if len(targets) > 1
            else token.forks
        )
        tokens += [Token(target, token.at, forks) for target in targets]
        places = [(each.at) for each in tokens if not isinstance(machine.states[each.at], Join)]
        if len(places) != len(set(places)):
            return "two tokens in one state"
    return "no end"


def _targets(state: object, chance: random.Random) -> tuple[str, ...]:
    if isinstance(state, Choice):
        return chance.choice([*(rule.next for rule in state.rules), state.default or ()])
    following: tuple[str, ...] = state.next  # type: ignore[attr-defined]
    return following


def _own(token: Token, state: Join) -> Fork | None:
    return next((fork for fork in reversed(token.forks) if fork.state == state.fork), None)


def _arrived(token: Token, tokens: list[Token], fork: Fork) -> list[Token]:
    return [each for each in tokens if each.waits and each.at == token.at and fork in each.forks]


def _coming(state: Join, tokens: list[Token], fork: Fork) -> int:
    return sum(fork in each.forks and each.at in state.reaching and each.at != state.name for each in tokens)


def _fires(machine: StateMachine, token: Token, tokens: list[Token]) -> bool:
    state = machine.states[token.at]
    assert isinstance(state, Join)
    fork = _own(token, state)
    assert fork is not None
    if state.require == "All":
        return not _coming(state, tokens, fork)
    return len(_arrived(token, tokens, fork)) >= (1 if state.require == "Any" else state.require)


def _unsatisfiable(machine: StateMachine, tokens: list[Token]) -> bool:
    """Whether a Join can no longer get its number, which is an error of the execution."""
    for token in tokens:
        state = machine.states[token.at]
        if not isinstance(state, Join) or not isinstance(state.require, int):
            continue
        fork = _own(token, state)
        if fork and len(_arrived(token, tokens, fork)) + _coming(state, tokens, fork) < state.require:
            return True
    return False


def _gather(state: Join, token: Token, tokens: list[Token]) -> list[Token]:
    fork = _own(token, state)
    assert fork is not None
    fork.fired.add(state.name)
    left = [each for each in tokens if each is token or each not in _arrived(token, tokens, fork)]
    if state.others == "Cancel":
        left = [each for each in left if each is token or fork not in each.forks]
    alone = not any(fork in each.forks for each in left if each is not token)
    if alone and fork.fired == {state.name}:  # a Join that fired before must still drop this token
        token.forks = tuple(each for each in token.forks if each is not fork)
    return left
