"""What TestState tells of a state at the levels DEBUG and TRACE, as recorded from the service."""

from typing import Final

from sfc.asl.expression import Failure
from sfc.asl.model import UNSET, Fail, Map, Parallel, Pass, Task
from sfc.jsonvalue import Json, text
from sfc.teststate.exchange import exchange
from sfc.teststate.run import Outcome

_OUTPUT: Final = ("afterResultSelector", "afterResultPath")
_SHOWN: Final[dict[type, tuple[str, ...]]] = {
    Task: ("afterInputPath", "afterParameters", "afterArguments", "result", *_OUTPUT),
    Pass: ("afterInputPath", "afterParameters", *_OUTPUT),
    Parallel: _OUTPUT,
    Map: ("afterInputPath", "afterItemsPath", "afterItemSelector", "afterItemBatcher", *_OUTPUT),
}
"""By type of state; the others show what InputPath left. A Parallel does not show its input."""
_OF_JSONATA: Final = ("afterArguments", "result", "afterItemSelector", "afterItemBatcher")
_CONSTANT: Final = ("result", *_OUTPUT)
"""Of a Pass with a Result, which does not look at its input."""


def answer(outcome: Outcome, level: str) -> dict[str, Json]:
    """What a test found, in the shape of TestState's answer; `level` is INFO, DEBUG or TRACE."""
    found: dict[str, Json] = {"status": outcome.status}
    if outcome.output is not None:
        found["output"] = outcome.output.decode()
    failure = outcome.failure or Failure(None)
    rest = {"error": failure.error, "cause": failure.cause, "nextState": outcome.next_state}
    found |= {name: value for name, value in rest.items() if value is not None}
    if level != "INFO":
        found["inspectionData"] = inspection_data(outcome)
    if level == "TRACE" and outcome.called:
        found["inspectionData"] |= exchange(outcome)
    return found


def inspection_data(outcome: Outcome) -> dict[str, Json]:
    """Values are JSON text."""
    state, notes = outcome.state, outcome.notes
    shown = _SHOWN.get(type(state), ("afterInputPath",))
    if outcome.language == "JSONata":
        shown = tuple(name for name in shown if name in _OF_JSONATA)
    if isinstance(state, Pass) and state.result is not UNSET:
        shown = _CONSTANT
    seen: dict[str, Json] = {"input": outcome.input, **notes.values}
    if isinstance(state, Fail) and outcome.language == "JSONPath":
        seen["afterInputPath"] = outcome.input
    data: dict[str, Json] = {name: text(seen[name]) for name in ("input", *shown) if name in seen}
    if notes.variables:
        data["variables"] = text(dict(notes.variables))
    data |= notes.limits
    details = {
        "retryIndex": outcome.retrier,
        "retryBackoffIntervalSeconds": outcome.backoff_s,
        "catchIndex": outcome.catcher,
    }
    found = {name: value for name, value in details.items() if value is not None}
    if found:
        data["errorDetails"] = found
    return data
