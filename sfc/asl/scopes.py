"""Scopes of variables: the machine, each branch of a Parallel, each iteration of a Map.

An inner scope reads what the outer ones assign, and must not assign it itself. A distributed Map's iterations are
executions of their own, which see nothing of it.
Source: the developer guide, "Passing data between states with variables".
"""

from collections.abc import Iterator
from typing import Any

from sfc.asl.fields import Fields
from sfc.asl.graph import exits, targets_of
from sfc.jsonvalue import Json


def check_scopes(machine: Fields, outer: frozenset[str] = frozenset()) -> None:
    """Report every assignment of a name that an outer scope may have assigned before."""
    states = machine.raw.get("States")
    if not isinstance(states, dict):
        return
    assigned: dict[str, set[str]] = {name: set() for name in states}
    for name, state in states.items():
        for assign, at in _assigns(state, f"{machine.at}/States/{name}"):
            for key in assign:
                variable = key.removesuffix(".$")
                assigned[name].add(variable)
                if variable in outer:
                    machine.report.error(
                        f"{at}/{key}",
                        f"The variable '{variable}' is assigned in an outer scope and cannot be assigned here",
                    )
    before = _Before(states)
    for name, state in states.items():
        for inner, at, sees_outer in _inner(state, f"{machine.at}/States/{name}"):
            known = {variable for other in before.of(name) for variable in assigned[other]}
            check_scopes(Fields(inner, at, machine.report), outer | known if sees_outer else frozenset())


class _Before:
    """Which states may have come before another."""

    def __init__(self, states: dict[str, Json]) -> None:
        self.sources: dict[str, list[str]] = {name: [] for name in states}
        for name, state in states.items():
            for value, _at in exits(state, ""):
                for target in targets_of(value) or ():
                    if target in self.sources:
                        self.sources[target].append(name)

    def of(self, name: str) -> set[str]:
        """The other states from which there is a way to this one."""
        found = {name}
        waiting = [name]
        while waiting:
            for source in self.sources[waiting.pop()]:
                if source not in found:
                    found.add(source)
                    waiting.append(source)
        return found - {name}


def _assigns(state: Json, at: str) -> Iterator[tuple[dict[str, Json], str]]:
    """The Assign of a state, of its Choice rules and of its catchers."""
    if not isinstance(state, dict):
        return
    holders: list[tuple[Any, str]] = [(state, at)]
    for field in ("Choices", "Catch"):
        entries = state.get(field)
        holders += [
            (entry, f"{at}/{field}[{number}]")
            for number, entry in enumerate(entries if isinstance(entries, list) else ())
        ]
    for holder, place in holders:
        if isinstance(holder, dict) and isinstance(holder.get("Assign"), dict):
            yield holder["Assign"], f"{place}/Assign"


def _inner(state: Json, at: str) -> Iterator[tuple[dict[str, Json], str, bool]]:
    """The machines inside a state, and whether they see the variables around them."""
    if not isinstance(state, dict):
        return
    branches = state.get("Branches")
    for number, branch in enumerate(branches if isinstance(branches, list) else ()):
        if isinstance(branch, dict):
            yield branch, f"{at}/Branches[{number}]", True
    for field in ("ItemProcessor", "Iterator"):
        processor = state.get(field)
        if isinstance(processor, dict):
            config = processor.get("ProcessorConfig")
            distributed = isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"
            yield processor, f"{at}/{field}", not distributed
