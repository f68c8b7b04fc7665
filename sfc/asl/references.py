"""Which variables the states of a definition read: the `variableReferences` of DescribeStateMachine."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from sfc.asl.document import read_document
from sfc.asl.jsonata.program import compile_expression
from sfc.asl.jsonata.syntax import JsonataSyntaxError
from sfc.asl.jsonata.template import is_expression
from sfc.asl.report import Report
from sfc.asl.spelling import normalise
from sfc.jsonvalue import Json

_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_VARIABLE: Final = re.compile(r"(?<![\w$])\$([^\W\d]\w*)")
_MACHINES: Final = ("Branches", "ItemProcessor", "Iterator")
_WRITTEN_AS_IT_IS: Final = ("Result", "ResultPath", "Comment")


@lru_cache(maxsize=256)
def variable_references(definition: str) -> dict[str, list[str]]:
    """State → the names it reads, both sorted; only states that read any. `definition` is the text of a valid one.

    What is given is shared, and changed by nobody.
    """
    document = read_document(definition, Report())
    if document is None:
        return {}
    machine, _settings, _findings = normalise(document)
    found: dict[str, set[str]] = {}
    _gather(machine, machine.get("QueryLanguage") == "JSONata", found)
    return {state: sorted(names) for state, names in sorted(found.items()) if names}


def _gather(machine: Json, jsonata: bool, found: dict[str, set[str]]) -> None:
    states = machine.get("States") if isinstance(machine, dict) else None
    for name, state in states.items() if isinstance(states, dict) else ():
        if not isinstance(state, dict):
            continue
        own = jsonata or state.get("QueryLanguage") == "JSONata"
        fields = {key: value for key, value in state.items() if key not in _MACHINES}
        found[name] = set(_in_jsonata(fields) if own else _in_jsonpath(fields))
        branches = state.get("Branches")
        for inner in (*(branches if isinstance(branches, list) else ()), *(state.get(key) for key in _MACHINES[1:])):
            _gather(inner, jsonata, found)


def _in_jsonata(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _in_jsonata(member)
    elif isinstance(value, list):
        for item in value:
            yield from _in_jsonata(item)
    elif is_expression(value):
        try:
            yield from compile_expression(value[2:-2]).analysis.variables
        except JsonataSyntaxError:
            return


def _in_jsonpath(value: Json) -> Iterator[str]:
    """Only members that hold paths or intrinsic functions are read: `Variable`, `…Path` and `….$`."""
    if isinstance(value, list):
        for item in value:
            yield from _in_jsonpath(item)
    elif isinstance(value, dict):
        for key, member in value.items():
            if isinstance(member, str):
                if key == "Variable" or (key.endswith((".$", "Path")) and key not in _WRITTEN_AS_IT_IS):
                    yield from _VARIABLE.findall(_QUOTED.sub("''", member))
            elif key not in _WRITTEN_AS_IT_IS:
                yield from _in_jsonpath(member)
