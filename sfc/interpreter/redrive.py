"""Redrive: an execution that failed, was stopped or timed out goes on where it stood.

    the states that failed or were given up   restart with their input; retriers count anew
    branches and iterations that had ended    stay as they are
    a Map Run                                 goes on with its children that did not succeed
    a Parallel or Map that failed by itself   (its data, not one of its children) starts anew

Only a run that keeps what it loses (`Run.keeps`) can be brought back: the others let go of it at once.
Source: the developer guide, "Restarting state machine executions with redrive".
"""

from sfc.interpreter.map_run import MapRun
from sfc.interpreter.run import CHILDREN, IDLE, JOIN, Frame, Run, Token
from sfc.interpreter.variables import count_again


def bring_back(run: Run) -> list[Token]:
    """Put the tree of frames together again; returns the tokens whose states are to be restarted, in order."""
    restarting: list[Token] = []
    if run.root is not None:
        _bring_back(run, run.root, restarting)
    return restarting


def _bring_back(run: Run, frame: Frame, restarting: list[Token]) -> None:
    tokens = [*frame.tokens, *frame.lost]
    if frame.lost:
        count_again(run, frame)
    frame.lost = []
    frame.tokens = dict.fromkeys(tokens)
    for token in tokens:
        gather = token.gather if token.gather is not None else token.wreck
        token.wreck = None
        token.due = 0
        if gather is not None and (gather.frames or gather.lost):
            gather.frames.update((child.index, child) for child in gather.lost)
            gather.lost = []
            token.gather, token.waits = gather, CHILDREN
            for index in sorted(gather.frames):
                _bring_back(run, gather.frames[index], restarting)
        elif _waits_for_others(token):
            token.waits = JOIN
        else:
            token.gather, token.waits = gather if isinstance(gather, MapRun) else None, IDLE
            token.retries, token.retry_count = None, 0
            restarting.append(token)


def _waits_for_others(token: Token) -> bool:
    """Whether it has come to a Join that has not fired."""
    return any(
        arrivals.tokens.get(token.came_from) is token for fork in token.forks for arrivals in fork.joins.values()
    )
