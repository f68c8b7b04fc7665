"""The graph of one (sub-)machine, read from the raw states so that a state with mistakes still has its edges.

Rules: every target exists in the same (sub-)machine, every state can be reached from StartAt, and there is a terminal
state. Source: https://states-language.net/#transitions
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sfc.asl.report import END_STATE, TRANSITION, Report
from sfc.jsonvalue import Json

_TERMINAL_TYPES: Final = ("Succeed", "Fail")


@dataclass(frozen=True, slots=True)
class Transition:
    """One way out of a state; several targets fork."""

    targets: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True)
class Graph:
    start_at: str
    edges: Mapping[str, tuple[Transition, ...]]
    """Every state of the machine, in order of definition."""
    raw: Mapping[str, Json]
    at: str

    def successors(self, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(target for edge in self.edges[name] for target in edge.targets))

    def is_end(self, name: str) -> bool:
        """Whether a token's way can end here with an output (Fail ends the whole machine instead)."""
        state = self.raw[name]
        return isinstance(state, dict) and (state.get("Type") == "Succeed" or state.get("End") is True)

    def is_join(self, name: str) -> bool:
        state = self.raw[name]
        return isinstance(state, dict) and state.get("Type") == "Join"


def targets_of(value: Json) -> tuple[str, ...] | None:
    """The names in a `Next`: one, or several to fork; None when it is neither."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return tuple(value) if len(set(value)) == len(value) else None
    return None


def build_graph(start_at: Json, states: dict[str, Json], at: str, report: Report) -> Graph | None:
    """The graph with every edge whose target exists; reports the others. None when StartAt leads nowhere."""
    edges: dict[str, tuple[Transition, ...]] = {}
    for name, state in states.items():
        edges[name] = tuple(
            _checked(value, place, states, report) for value, place in exits(state, f"{at}/States/{name}")
        )
    if not isinstance(start_at, str):
        return None
    if start_at not in states:
        report.error(f"{at}/StartAt", f"Missing 'Next' target: {start_at}", TRANSITION)
        return None
    return Graph(start_at, edges, states, at)


def exits(state: Json, at: str) -> list[tuple[Json, str]]:
    """Every transition field that the state has, with its place."""
    if not isinstance(state, dict):
        return []
    found: list[tuple[Json, str]] = [(state[name], f"{at}/{name}") for name in ("Next", "Default") if name in state]
    for field in ("Choices", "Catch"):
        entries = state.get(field)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and "Next" in entry:
                found.append((entry["Next"], f"{at}/{field}[{index}]/Next"))
    return found


def _checked(value: Json, at: str, states: dict[str, Json], report: Report) -> Transition:
    targets = targets_of(value)
    if targets is None:
        report.error(at, "Expected the name of a state, or a list of different names to fork")
        return Transition((), at)
    for target in targets:
        if target not in states:
            report.error(at, f"Missing 'Next' target: {target}", TRANSITION)
    return Transition(tuple(target for target in targets if target in states), at)


def check_reachable(graph: Graph, report: Report) -> None:
    """As the service does it: without any terminal state nothing is said of states that cannot be reached."""
    if not any(_is_terminal(graph, name) for name in graph.edges):
        report.whole(graph.at, "Workflow has no terminal state", END_STATE)
        return
    seen = {graph.start_at}
    waiting = [graph.start_at]
    while waiting:
        for target in graph.successors(waiting.pop()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    for name in graph.edges:
        if name not in seen:
            report.error(f"{graph.at}/States/{name}", f'State "{name}" is not reachable.', TRANSITION)


def _is_terminal(graph: Graph, name: str) -> bool:
    state = graph.raw[name]
    return isinstance(state, dict) and (state.get("Type") in _TERMINAL_TYPES or state.get("End") is True)
