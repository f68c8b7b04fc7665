"""Parallel: every branch gets the input; the result is the array of their outputs, in branch order."""

from sfc.asl.expression import Failure
from sfc.asl.model import Parallel
from sfc.interpreter import history
from sfc.interpreter.context import scope_of
from sfc.interpreter.measure import check_size
from sfc.interpreter.moves import fail, give_up, hand_on, start_frame
from sfc.interpreter.run import CHILDREN, IDLE, Frame, Run, Token
from sfc.jsonvalue import Json


def enter(run: Run, token: Token, state: Parallel) -> Token | None:
    data = state.flow.arguments(token.input, scope_of(run, token))
    if state.flow.growth:
        check_size(data, state.flow.growth, state.name)
    begun = token.previous = history.emit(run, token.previous, "ParallelStateStarted")
    branches = Branches(state)
    token.gather, token.waits = branches, CHILDREN
    for index, machine in enumerate(state.branches):
        branches.frames[index] = start_frame(run, machine, token, index, data, None, begun)
    return None


class Branches:
    """Implements `Gather` for the branches of one Parallel."""

    __slots__ = ("frames", "lost", "results", "state")

    def __init__(self, state: Parallel) -> None:
        self.state = state
        self.frames: dict[int, Frame] = {}
        self.lost: list[Frame] = []
        self.results: list[Json] = [None] * len(state.branches)

    def child_ended(self, run: Run, parent: Token, child: Frame, output: Json, previous: int) -> Token | None:
        self.results[child.index] = output
        del self.frames[child.index]
        if self.frames:
            return None
        parent.waits, parent.gather = IDLE, None
        parent.previous = previous
        run.current = parent
        history.emit(run, previous, "ParallelStateSucceeded")
        check_size(self.results, 1, self.state.name)
        return hand_on(run, parent, self.results, self.state.next)

    def child_failed(self, run: Run, parent: Token, child: Frame, failure: Failure, previous: int) -> Token | None:
        del self.frames[child.index]
        for frame in self.frames.values():
            give_up(run, frame)
        if run.keeps:
            self.lost, parent.wreck = [child, *self.frames.values()], self
        self.frames.clear()
        parent.waits = IDLE
        parent.previous = previous
        return fail(run, parent, failure)
