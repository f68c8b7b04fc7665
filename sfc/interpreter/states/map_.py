"""Map, inline: one iteration of the processor for each item; the result is the array of their outputs, in item
order.
"""

from sfc.asl.expression import Failure, Scope
from sfc.asl.model import Map
from sfc.interpreter import history
from sfc.interpreter.context import context_object, scope_of
from sfc.interpreter.measure import check_size
from sfc.interpreter.moves import fail, give_up, hand_on, start_frame
from sfc.interpreter.run import CHILDREN, IDLE, Frame, Run, Token
from sfc.interpreter.states import map_run
from sfc.interpreter.states.map_items import items_of
from sfc.interpreter.states.map_limits import max_concurrency
from sfc.jsonvalue import Json
from sfc.limits import INLINE_MAP_CONCURRENCY


def enter(run: Run, token: Token, state: Map) -> Token | None:
    scope = scope_of(run, token)
    data = state.flow.arguments(token.input, scope)
    if state.distributed is not None:
        map_run.enter(run, token, state, state.distributed, data)
        return None
    items = items_of(state, data, scope)
    assert isinstance(items, list)  # an object is for distributed ones
    most = max_concurrency(state.max_concurrency, data, scope)
    begun = token.previous = history.emit(
        run, token.previous, "MapStateStarted", "mapStateStartedEventDetails", {"length": len(items)}
    )
    iterations = Iterations(state, data, items, min(most or INLINE_MAP_CONCURRENCY, INLINE_MAP_CONCURRENCY))
    token.gather, token.waits = iterations, CHILDREN
    if not items:
        return iterations.finish(run, token, begun)
    while iterations.room():
        iterations.start(run, token, begun)
    return None


class Iterations:
    """Implements `Gather` for the iterations of one Map; starts the next item when one has ended."""

    __slots__ = ("data", "frames", "items", "lost", "most", "results", "started", "state")

    def __init__(self, state: Map, data: Json, items: list[Json], most: int) -> None:
        self.state = state
        self.data = data
        self.items = items
        self.most = most
        self.started = 0
        self.frames: dict[int, Frame] = {}
        self.lost: list[Frame] = []
        self.results: list[Json] = [None] * len(items)

    def room(self) -> bool:
        return self.started < len(self.items) and len(self.frames) < self.most

    def start(self, run: Run, parent: Token, previous: int) -> None:
        """Begin the next iteration; what it selects is evaluated when it begins. Raises FlowError."""
        run.current = parent
        index = self.started
        self.started += 1
        item = value = self.items[index]
        selector = self.state.item_selector
        if selector is not None:
            variables = parent.frame.variables
            scope = Scope(lambda: _with_item(run, parent, index, item), run.entropy, variables, run.now)
            value = selector.evaluate(self.data, scope)
            check_size(value, getattr(selector, "references", 1), self.state.name)
        frame = start_frame(run, self.state.processor, parent, index, value, item, previous)
        self.frames[index] = frame
        token = next(iter(frame.tokens))
        token.previous = history.iteration(run, frame, self.state.name, "Started", previous)

    def finish(self, run: Run, parent: Token, previous: int) -> Token | None:
        parent.waits, parent.gather = IDLE, None
        parent.previous = previous
        run.current = parent
        history.emit(run, previous, "MapStateSucceeded")
        check_size(self.results, 1, self.state.name)
        return hand_on(run, parent, self.results, self.state.next)

    def child_ended(self, run: Run, parent: Token, child: Frame, output: Json, previous: int) -> Token | None:
        self.results[child.index] = output
        del self.frames[child.index]
        number = history.iteration(run, child, self.state.name, "Succeeded", previous)
        while self.room():
            self.start(run, parent, previous)
        return None if self.frames else self.finish(run, parent, number)

    def child_failed(self, run: Run, parent: Token, child: Frame, failure: Failure, previous: int) -> Token | None:
        del self.frames[child.index]
        history.iteration(run, child, self.state.name, "Failed", previous)
        for frame in self.frames.values():
            give_up(run, frame)
            history.iteration(run, frame, self.state.name, "Aborted", previous)
        if run.keeps:
            self.lost, parent.wreck = [child, *self.frames.values()], self
        self.frames.clear()
        parent.waits = IDLE
        parent.previous = previous
        return fail(run, parent, failure)


def _with_item(run: Run, parent: Token, index: int, item: Json) -> dict[str, Json]:
    """The context object that an ItemSelector sees."""
    return {**context_object(run, parent), "Map": {"Item": {"Index": index, "Value": item}}}
