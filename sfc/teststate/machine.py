"""From the definition in a request to a machine that holds the tested state and nothing else to run.

Every state that the tested one may lead to is a place to land: a Succeed state that notes that it was reached.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from sfc.asl import invalid_definition_message, parse
from sfc.asl.document import read_document
from sfc.asl.expression import Scope
from sfc.asl.model import Choice, Fail, Join, Map, Parallel, State, StateMachine, SubMachine, Succeed, Task
from sfc.asl.report import Report
from sfc.errors import InvalidDefinition, InvalidRequest
from sfc.jsonvalue import Json, loads, text
from sfc.teststate.flows import MOCKED, Caught, Mapped, inspected
from sfc.teststate.notes import Notes

NAME: Final = "StateName"
"""What AWS calls the state of a definition that is of one state alone."""


@dataclass(frozen=True, slots=True)
class Landing:
    """The data flow of a state that follows the tested one."""

    name: str
    notes: Notes

    @property
    def growth(self) -> int:
        return 0

    def arguments(self, raw: Json, scope: Scope) -> Json:
        self.notes.landed(self.name, scope.variables)
        return raw

    def output(self, raw: Json, result: Json, scope: Scope) -> Json:
        return raw

    def assigned(self, raw: Json, result: Json, scope: Scope) -> dict[str, Json]:
        return {}


def find_state(definition: str, name: str | None) -> tuple[State, str]:
    """The state to test, and its query language.

    Raises InvalidDefinition, InvalidRequest when a machine has no state of that name.
    """
    source = definition if name is not None else _wrapped(definition)
    parsed = parse(source)
    if parsed.machine is None:
        findings = parsed.diagnostics if not parsed.valid else parsed.unsupported
        raise InvalidDefinition(invalid_definition_message(findings), (*parsed.diagnostics, *parsed.unsupported))
    found = _find(parsed.machine, NAME if name is None else name)
    if found is None:
        raise InvalidRequest("State not found in definition", field="stateName")
    return found, _language(parsed.machine.query_language, source, found.name)


def machine_of(state: State, notes: Notes, reader_data: str | None = None) -> StateMachine:
    """Runs `state` without its retriers, telling `notes` what happens. A Map or Parallel, which is always mocked, is a
    Task in it. `reader_data` is what a Map's ItemReader is said to have read.
    """
    tested = _inspected(state, notes, reader_data)
    places = {name: Succeed(name=name, flow=Landing(name, notes)) for name in _following(state)}
    return StateMachine(start_at=state.name, states={**places, state.name: tested})


def _wrapped(definition: str) -> str:
    """A machine around a single state, with stand-ins for the states that it leads to."""
    state = read_document(definition, Report())
    if state is None:
        return definition  # no JSON object: the parser says what is wrong with it
    stand_ins = {name: {"Type": "Succeed"} for name in _targets(state) if name != NAME}
    return text({"StartAt": NAME, "States": {NAME: state, **stand_ins}})


def _targets(state: dict[str, Json]) -> list[str]:
    holders: list[Any] = [state]
    for field in ("Choices", "Catch"):
        if isinstance(state.get(field), list):
            holders += state[field]
    found: list[Any] = [state.get("Default")]
    for holder in holders:
        following = holder.get("Next") if isinstance(holder, dict) else None
        found += following if isinstance(following, list) else [following]
    return [name for name in found if isinstance(name, str)]


def _find(machine: SubMachine, name: str) -> State | None:
    """The state of that name, also inside a Map or Parallel."""
    if name in machine.states:
        return machine.states[name]
    inner: list[SubMachine] = []
    for state in machine.states.values():
        if isinstance(state, Parallel):
            inner += state.branches
        elif isinstance(state, Map):
            inner.append(state.processor)
    return next((found for each in inner if (found := _find(each, name)) is not None), None)


def _language(whole: str, source: str, name: str) -> str:
    """The query language of a state in a definition that is right."""
    waiting: list[Json] = [loads(source)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            states = value.get("States")
            if isinstance(states, dict) and name in states:
                return str(states[name].get("QueryLanguage", whole))
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return whole


def _following(state: State) -> set[str]:
    names: set[str] = set(getattr(state, "next", ()))
    if isinstance(state, Choice):
        names.update(*(rule.next for rule in state.rules), state.default or ())
    for catcher in getattr(state, "catch", ()):
        names.update(catcher.next)
    return names - {state.name}


def _inspected(state: State, notes: Notes, reader_data: str | None) -> State:
    if isinstance(state, Fail):
        return state
    if isinstance(state, Join):
        raise InvalidDefinition("TestState does not support Join states: what they gather is made by others")
    flow = inspected(state.flow, notes)
    if not isinstance(state, Task | Map | Parallel):
        return replace(state, flow=flow)
    catch = tuple(
        replace(catcher, flow=Caught(catcher.flow, notes, index)) for index, catcher in enumerate(state.catch)
    )
    if isinstance(state, Task):
        return replace(state, flow=flow, retry=(), catch=catch)
    if isinstance(state, Map):
        flow = Mapped(flow, notes, state, reader_data)
    return Task(name=state.name, flow=flow, next=state.next, resource=MOCKED, catch=catch)
