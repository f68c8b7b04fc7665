"""Reads a machine or a sub-machine: its own fields, each state, then its graph."""

from dataclasses import replace

from sfc.asl.fields import Fields
from sfc.asl.graph import build_graph, check_reachable
from sfc.asl.joins import check_forks
from sfc.asl.model import Join, State, SubMachine
from sfc.asl.states import Context, read_state
from sfc.limits import NAME_CHARS, STATE_MACHINE_DEPTH

_SUB_FIELDS = ("StartAt", "States", "Comment", "ProcessorConfig")


def read_sub_machine(fields: Fields, context: Context, depth: int) -> SubMachine | None:
    fields.only(_SUB_FIELDS if fields.at.endswith("Processor") or fields.at.endswith("Iterator") else _SUB_FIELDS[:3],
                "a sub-machine")  # fmt: skip
    fields.text("Comment")
    return read_body(fields, context, depth)


def read_body(fields: Fields, context: Context, depth: int) -> SubMachine | None:
    """StartAt and States. None when anything in them is wrong or cannot be run."""
    if depth > STATE_MACHINE_DEPTH:
        fields.report.error(fields.at, f"Parallel and Map states nest deeper than {STATE_MACHINE_DEPTH} levels")
        return None
    missing = [name for name in ("States", "StartAt") if not fields.has(name)]
    if missing:
        fields.report.error(fields.at, f"These fields are required: [{', '.join(missing)}]")
    start_at = fields.text("StartAt")
    states = fields.object("States")
    if states is None:
        return None
    if not states.raw:
        fields.error("States", "Value cannot be empty")
        return None
    compiled = _read_states(states, context, depth)
    graph = build_graph(start_at, states.raw, fields.at, fields.report)
    if graph is None:
        return None
    check_reachable(graph, fields.report)
    meetings = check_forks(graph, fields.report)
    for name, meeting in meetings.items():
        join = compiled.get(name)
        if isinstance(join, Join):
            compiled[name] = replace(join, sources=meeting.sources, reaching=meeting.reaching, fork=meeting.fork)
    if len(compiled) != len(states.raw):
        return None
    return SubMachine(start_at=graph.start_at, states=compiled)


def _read_states(states: Fields, context: Context, depth: int) -> dict[str, State]:
    compiled: dict[str, State] = {}
    for name, raw in states.raw.items():
        at = states.place(name)
        _check_name(name, at, context)
        state = states.child(raw, at)
        made = None if state is None else read_state(state, name, context, depth)
        if made is not None:
            compiled[name] = made
    return compiled


def _check_name(name: str, at: str, context: Context) -> None:
    if not 1 <= len(name) <= NAME_CHARS:
        context.report.error(at, f"A state's name has 1 to {NAME_CHARS} characters")
    first = context.names.setdefault(name, at)
    if first != at:
        context.report.error(at, f"The name '{name}' is used twice; names are unique in the whole machine, see {first}")
