"""From a definition's text to a checked, compiled state machine, or to every mistake in it.

Nothing that a text may hold makes `parse` raise: what is wrong is a finding with its place, its code and a sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from sfc.asl.diagnostics import Diagnostic
from sfc.asl.document import read_document
from sfc.asl.fields import Fields
from sfc.asl.machines import read_body, read_sub_machine
from sfc.asl.maps import read_map
from sfc.asl.model import StateMachine
from sfc.asl.report import Report
from sfc.asl.scopes import check_scopes
from sfc.asl.spelling import normalise
from sfc.asl.states import Context
from sfc.jsonvalue import Json

_TOP: Final = ("Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage")


@dataclass(frozen=True, slots=True)
class Parsed:
    machine: StateMachine | None
    """None when there is an ERROR, or when the definition needs what the engine cannot run yet."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """What the rules of the language say, errors first."""
    unsupported: tuple[Diagnostic, ...] = ()
    """Places with code NOT_YET_SUPPORTED: right in the language, but nothing the engine runs today."""
    settings: Mapping[str, Json] = field(default_factory=dict)
    """What the other spelling carries beside ASL; see `sfc.asl.spelling`."""

    @property
    def valid(self) -> bool:
        """Whether the definition obeys the rules of the language."""
        return not any(each.severity == "ERROR" for each in self.diagnostics)


def parse(text: str | bytes | dict[str, Json], *, kind: Literal["STANDARD", "EXPRESS"] = "STANDARD") -> Parsed:
    """Read, check and compile a definition (JSON text, UTF-8 bytes or the JSON object itself). Never raises."""
    report = Report()
    document = read_document(text, report)
    if document is None:
        return Parsed(None, report.diagnostics)
    document, settings, findings = normalise(document)
    for finding in findings:
        report.add(finding)
    machine = _read_machine(Fields(document, "", report), kind)
    if not report.valid or report.unsupported:
        machine = None
    return Parsed(machine, report.diagnostics, report.unsupported, settings)


def invalid_definition_message(diagnostics: tuple[Diagnostic, ...]) -> str:
    """The errors in the words of CreateStateMachine:
    `Invalid State Machine Definition: 'CODE: message at /States/A, CODE: …'`.
    """
    errors = (each for each in diagnostics if each.severity == "ERROR")
    listed = ", ".join(
        f"{each.code}: {each.message}" + (f" at {each.location}" if each.location else "") for each in errors
    )
    return f"Invalid State Machine Definition: '{listed}'"


def _read_machine(fields: Fields, kind: Literal["STANDARD", "EXPRESS"]) -> StateMachine | None:
    fields.only(_TOP, "a state machine")
    comment = fields.text("Comment")
    fields.one_of("Version", ("1.0",))
    timeout = fields.seconds("TimeoutSeconds")
    language: Literal["JSONPath", "JSONata"] = "JSONPath"
    if fields.one_of("QueryLanguage", ("JSONPath", "JSONata")) == "JSONata":
        language = "JSONata"
    context = Context(fields.report, kind, language, read_sub_machine, read_map)
    body = read_body(fields, context, 1)
    check_scopes(fields)
    if body is None:
        return None
    return StateMachine(
        start_at=body.start_at, states=body.states, comment=comment or "", timeout_s=timeout, query_language=language
    )
