"""Forks and Joins: which Join belongs to which fork, and whether the graph between them is safe.

A transition with several targets makes one token for each target. Take two tokens that exist at the same time: they
were made by one fork (the youngest that both descend from). A *pair* (u, v, f, J) says that one may stand in u while
the other stands in v, that fork f parted them, and that the Joins J have fired since. All pairs are found by moving
either token along every transition in any order, which forgets what conditions exclude, so nothing possible is missed:

- a fork at g makes the pairs (a, b, g, {}) of its targets; from (u, v, f, J) with u = g also (a, v, f, J);
- a token in a Join that has fired already is dropped; it makes no further pairs;
- a token leaves a Join j only if the Join may fire while the other is at v: with `All` not while v can reach j, and
  with `Cancel` only if v is no token of j's fork (or ended before).

Then: a pair (s, s) in a state that is no Join is two tokens that meet (not 1-safe); two ends in one pair are two
outputs; a cycle of states that stand in pairs is a loop between a fork and its Joins; a Join belongs to the outermost
fork whose tokens meet in it, and no fork inside that one may be entered without it, or its tokens would meet where
nobody gathers them. A Join's `reaching` follows no path through its own fork: that would be another passage.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from sfc.asl.graph import Graph
from sfc.asl.report import Report
from sfc.jsonvalue import Json

_MAX_MOVES: Final = 200_000
_MAX_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a Join must know of the graph."""

    sources: tuple[str, ...]
    reaching: frozenset[str]
    fork: str


class Pair(NamedTuple):
    u: str
    v: str
    fork: str
    fired: frozenset[str]


class TooMany(Exception):
    """More pairs than anyone can draw."""


def check_forks(graph: Graph, report: Report) -> dict[str, Meeting]:
    """What each Join gathers; reports every fork that is not safe and every Join without a fork."""
    joins = [name for name in graph.edges if graph.is_join(name)]
    forks = any(len(edge.targets) > 1 for edges in graph.edges.values() for edge in edges)
    if not joins and not forks:
        return {}
    analysis = _Analysis(graph)
    try:
        pairs = analysis.settle()
    except TooMany:
        report.error(f"{graph.at}/States", "The forks of this machine are too entangled to be checked")
        return {}
    _report_meetings(graph, pairs, report)
    _report_cycles(graph, {name for pair in pairs for name in (pair.u, pair.v)}, report)
    found = {}
    for name in joins:
        if name not in analysis.fork_of:
            report.error(f"{graph.at}/States/{name}", f"The tokens of no single fork meet in the Join '{name}'")
            continue
        for inner in sorted(analysis.stray(name)):
            report.error(
                f"{graph.at}/States/{name}",
                f"Tokens of the fork '{inner}' can meet in this Join outside its fork '{analysis.fork_of[name]}'",
            )
        meeting = analysis.meeting(name)
        _check_require(graph, name, meeting, report)
        found[name] = meeting
    return found


def _state(graph: Graph, name: str) -> dict[str, Json]:
    state = graph.raw[name]
    return state if isinstance(state, dict) else {}


class _Analysis:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.fork_of: dict[str, str] = {}
        self._meets: dict[str, set[str]] = {}
        self._reaching: dict[tuple[str, frozenset[str]], frozenset[str]] = {}
        self._sources: dict[str, list[str]] = {name: [] for name in graph.edges}
        for name in graph.edges:
            for target in graph.successors(name):
                self._sources[target].append(name)

    def settle(self) -> set[Pair]:
        """All pairs. Which fork a Join belongs to decides whom Cancel ends, and the reverse, hence the rounds."""
        for _ in range(_MAX_ROUNDS):
            pairs, self._meets = self._pairs()
            inside: dict[str, set[str]] = {}
            for pair in pairs:
                inside.setdefault(pair.fork, set()).update((pair.u, pair.v))
            forks = {join: fork for join, at in self._meets.items() if (fork := _outermost(at, inside)) is not None}
            if forks == self.fork_of:
                return pairs
            self.fork_of = forks
        raise TooMany

    def meeting(self, join: str) -> Meeting:
        fork = self.fork_of[join]
        return Meeting(tuple(self._sources[join]), self.reaching(join, frozenset({fork})), fork)

    def reaching(self, join: str, stops: frozenset[str]) -> frozenset[str]:
        """Every state with a way to `join` that does not go through `stops`."""
        known = self._reaching.get((join, stops))
        if known is None:
            seen: set[str] = set()
            waiting = [join]
            while waiting:
                for source in self._sources[waiting.pop()]:
                    if source not in seen and source not in stops:
                        seen.add(source)
                        waiting.append(source)
            known = self._reaching[join, stops] = frozenset(seen)
        return known

    def stray(self, join: str) -> set[str]:
        """Forks whose tokens meet in `join`, and that a token can enter without coming from the Join's own fork."""
        own = self.fork_of[join]
        others = self._meets[join] - {own}
        if not others:
            return others
        seen: set[str] = set()
        waiting = [self.graph.start_at]
        waiting += [target for name in self._joins_of(own) for target in self.graph.successors(name)]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                for edge in self.graph.edges[name]:
                    waiting += edge.targets if name != own or len(edge.targets) == 1 else ()
        return others & seen

    def _joins_of(self, fork: str) -> list[str]:
        return [name for name, own in self.fork_of.items() if own == fork]

    def _pairs(self) -> tuple[set[Pair], dict[str, set[str]]]:
        found: set[Pair] = set()
        meets: dict[str, set[str]] = {}
        waiting: list[Pair] = []
        moves = 0
        for pair in self._born():
            waiting.append(pair)
            if len(waiting) > _MAX_MOVES:
                raise TooMany
        while waiting:
            pair = waiting.pop()
            moves += 1
            if pair in found:
                continue
            if moves + len(waiting) > _MAX_MOVES:
                raise TooMany
            found.add(pair)
            for u, v in ((pair.u, pair.v), (pair.v, pair.u)):
                if self.graph.is_join(u) and (u == v or u in pair.fired):
                    meets.setdefault(u, set()).add(pair.fork)
                waiting += self._moved(u, v, pair)
        return found, meets

    def _born(self) -> Iterator[Pair]:
        for name, edges in self.graph.edges.items():
            for edge in edges:
                yield from (
                    _pair(a, b, name, frozenset())
                    for index, a in enumerate(edge.targets)
                    for b in edge.targets[index + 1 :]
                )

    def _moved(self, u: str, v: str, pair: Pair) -> Iterator[Pair]:
        """The pairs after the token in `u` moves on while the other stays in `v`."""
        fired = pair.fired
        if u == v:
            return  # they became one in a Join, or the machine is refused anyway
        if self.graph.is_join(u):
            if u in fired or not self._may_fire(u, v, pair.fork):
                return
            fired = fired | {u}
        for target in self.graph.successors(u):
            yield _pair(target, v, pair.fork, fired)

    def _may_fire(self, join: str, v: str, parted_by: str) -> bool:
        state = _state(self.graph, join)
        own = self.fork_of.get(join)
        cancels = state.get("Others") == "Cancel" and not self.graph.is_end(v)
        if cancels and own is not None and (own == parted_by or parted_by in self._below(own)):
            return False
        stops = frozenset({parted_by, own or parted_by})
        return state.get("Require", "All") != "All" or v not in self.reaching(join, stops)

    def _below(self, fork: str) -> frozenset[str]:
        """States that a token of `fork` can be in."""
        seen: set[str] = set()
        waiting = [fork]
        while waiting:
            for target in self.graph.successors(waiting.pop()):
                if target not in seen and target != fork:
                    seen.add(target)
                    waiting.append(target)
        return frozenset(seen)


def _outermost(forks: set[str], inside: dict[str, set[str]]) -> str | None:
    """The fork inside which all the others lie; None when there is none."""
    outer = [fork for fork in forks if all(each == fork or each in inside.get(fork, ()) for each in forks)]
    return outer[0] if len(outer) == 1 else None


def _pair(u: str, v: str, fork: str, fired: frozenset[str]) -> Pair:
    return Pair(u, v, fork, fired) if u <= v else Pair(v, u, fork, fired)


def _report_meetings(graph: Graph, pairs: set[Pair], report: Report) -> None:
    ends: dict[tuple[str, str], str] = {}
    for pair in sorted(pairs, key=lambda each: each[:3]):
        if pair.u == pair.v and not graph.is_join(pair.u):
            report.error(
                f"{graph.at}/States/{pair.u}",
                f"Two tokens of the fork '{pair.fork}' can meet in '{pair.u}': only a Join can gather them",
            )
        elif graph.is_end(pair.u) and graph.is_end(pair.v) and pair.u != pair.v:
            ends.setdefault((pair.u, pair.v), pair.fork)
    for (u, v), fork in ends.items():
        report.error(
            f"{graph.at}/States/{v}",
            f"Two tokens of the fork '{fork}' can reach an end, in '{u}' and in '{v}': gather them in a Join",
        )


def _report_cycles(graph: Graph, region: set[str], report: Report) -> None:
    """Report the states of every cycle among those where tokens of a fork run beside each other."""
    ahead = {name: [target for target in graph.successors(name) if target in region] for name in region}
    behind: dict[str, list[str]] = {name: [] for name in region}
    for name, targets in ahead.items():
        for target in targets:
            behind[target].append(name)
    left = set(region)
    # a state without a way on, or without a way to it, is on no cycle; taking it away may bare its neighbours
    outward = {name: len(targets) for name, targets in ahead.items()}
    inward = {name: len(sources) for name, sources in behind.items()}
    waiting = [name for name in region if not outward[name] or not inward[name]]
    while waiting:
        name = waiting.pop()
        if name not in left:
            continue
        left.remove(name)
        for count, neighbours in ((outward, behind[name]), (inward, ahead[name])):
            for other in neighbours:
                count[other] -= 1
                if not count[other]:
                    waiting.append(other)
    for name in graph.edges:
        if name in left:
            report.error(
                f"{graph.at}/States/{name}",
                f"'{name}' is part of a loop between a fork and its Joins, or between two such loops",
            )


def _check_require(graph: Graph, name: str, meeting: Meeting, report: Report) -> None:
    require = _state(graph, name).get("Require", "All")
    most = len(meeting.sources)
    if isinstance(require, int) and require > most:
        report.error(
            f"{graph.at}/States/{name}/Require", f"found {require}; at most {most} tokens can arrive in this Join"
        )
