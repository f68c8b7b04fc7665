"""The other spelling of a workflow, read as an alias of ASL.

    {"schemaVersion": "1", "Version": "3", "startstate": "a", "messageType": "specific", "topic": "orders",
     "states": {"a": {"type": "Task", "Mode": "Sync", "Processor": "charge-card", "end": true}}}

becomes `StartAt`, `States` and `Resource: task:charge-card`; what ASL has no word for goes to the settings `pool_mode`,
`topic`, `sla`, `group`, `trace_keys`, `version`, `schema_version` and `modes` (state → sync or async). A definition
that shows none of this is left alone, so that plain ASL is checked strictly.
"""

from typing import Final

from sfc.asl.diagnostics import Diagnostic
from sfc.asl.report import SCHEMA
from sfc.asl.states import JSONPATH_FIELDS
from sfc.jsonvalue import Json

_TOP: Final = ("StartAt", "States", "Comment", "TimeoutSeconds", "QueryLanguage")
_TOP_ALIASES: Final = {name.lower(): name for name in _TOP} | {"startstate": "StartAt"}
_SIGNS: Final = frozenset({"schemaversion", "startstate", "messagetype"})
_SETTINGS: Final = {
    "topic": "topic", "sla": "sla", "group": "group", "tracekeys": "trace_keys", "version": "version",
    "schemaversion": "schema_version",
}  # fmt: skip
_POOL_MODES: Final = ("common", "specific")
_RESOURCES: Final = ("arn:", "http://", "https://", "task:", "kafka:")
_MODES: Final = ("sync", "async")
_NESTED: Final = (
    "StartAt", "States", "ProcessorConfig", "Mode", "ExecutionType", "Variable", "And", "Or", "Not", "ErrorEquals",
    "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy",
)  # fmt: skip
_STATE_FIELDS: Final = {field.lower(): field for fields in JSONPATH_FIELDS.values() for field in fields}
_STATE_TYPES: Final = {name.lower(): name for name in JSONPATH_FIELDS}
_MACHINE_FIELDS: Final = {name.lower(): name for name in _NESTED} | _STATE_FIELDS


def normalise(document: dict[str, Json]) -> tuple[dict[str, Json], dict[str, Json], tuple[Diagnostic, ...]]:
    """The same definition in ASL, its settings, and what is wrong with the words that ASL does not have."""
    if not _shows_it(document):
        return document, {}, ()
    reader = _Reader()
    return reader.machine(document), reader.settings, tuple(reader.findings)


def _shows_it(document: dict[str, Json]) -> bool:
    if any(key.lower() in _SIGNS or (key != "States" and key.lower() == "states") for key in document):
        return True
    states = document.get("States")
    return isinstance(states, dict) and any(
        isinstance(state, dict) and "Resource" not in state and any(key.lower() == "processor" for key in state)
        for state in states.values()
    )


class _Reader:
    def __init__(self) -> None:
        self.settings: dict[str, Json] = {}
        self.findings: list[Diagnostic] = []

    def machine(self, document: dict[str, Json]) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for key, value in document.items():
            lower = key.lower()
            if lower == "messagetype":
                self._choice("pool_mode", value, _POOL_MODES, f"/{key}")
            elif lower in _SETTINGS:
                self.settings[_SETTINGS[lower]] = value
            else:
                made[_TOP_ALIASES.get(lower, key)] = value
        made["States"] = self._states(made.get("States"))
        return made

    def _states(self, states: Json) -> Json:
        if not isinstance(states, dict):
            return states
        return {name: self._state(name, state, f"/States/{name}") for name, state in states.items()}

    def _state(self, name: str, state: Json, at: str) -> Json:
        if not isinstance(state, dict):
            return state
        made: dict[str, Json] = {}
        for key, value in state.items():
            lower = key.lower()
            if lower == "processor":
                self._processor(made, value, f"{at}/{key}")
            elif lower == "mode":
                modes = self.settings.setdefault("modes", {})
                self._choice(name, value, _MODES, f"{at}/{key}", modes)
            else:
                made[_STATE_FIELDS.get(lower) or key] = value
        if isinstance(made.get("Type"), str):
            made["Type"] = _STATE_TYPES.get(made["Type"].lower(), made["Type"])
        elif "Type" not in made and "Resource" in made:
            made["Type"] = "Task"
        for field in ("Branches", "Choices", "Retry", "Catch"):
            if isinstance(made.get(field), list):
                made[field] = [self._entry(entry) for entry in made[field]]
        for field in ("ItemProcessor", "Iterator"):
            if isinstance(made.get(field), dict):
                made[field] = self._entry(made[field])
        return made

    def _entry(self, entry: Json) -> Json:
        """A branch, a processor, a rule, a retrier or a catcher."""
        if not isinstance(entry, dict):
            return entry
        made = {_TOP_ALIASES.get(key.lower(), _MACHINE_FIELDS.get(key.lower(), key)): entry[key] for key in entry}
        if "States" in made:
            made["States"] = self._states(made["States"])
        return made

    def _processor(self, made: dict[str, Json], value: Json, at: str) -> None:
        if not isinstance(value, str) or not value:
            self.findings.append(Diagnostic(at, SCHEMA, "A Processor is the name of a task"))
        else:
            made["Resource"] = value if value.startswith(_RESOURCES) else f"task:{value}"

    def _choice(
        self, name: str, value: Json, allowed: tuple[str, ...], at: str, into: dict[str, Json] | None = None
    ) -> None:
        if isinstance(value, str) and value.lower() in allowed:
            (self.settings if into is None else into)[name] = value.lower()
        else:
            self.findings.append(Diagnostic(at, SCHEMA, f"Expected one of [{', '.join(allowed)}]"))
