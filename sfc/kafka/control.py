"""Control messages: JSON that pauses, resumes or stops something.

    {"command": "pause", "blueprint": "order"}      {"command": "resume", "group": "shop", "rate": 20, "id": "c-17"}

They come on a topic of their own, or among the records of a trigger that allows it; there one without a target means
the trigger.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sfc import checks, jsonvalue
from sfc.errors import InvalidRequest
from sfc.kafka.chunk import Control
from sfc.kafka.program import Decide
from sfc.kafka.record import Record, encode
from sfc.limits import NAME_CHARS, RESUME_RATE_LEAST, RESUME_RATE_MOST

Action: TypeAlias = Literal["pause", "resume", "stop"]
TargetKind: TypeAlias = Literal["trigger", "blueprint", "group"]

_ACTIONS: Final = ("pause", "resume", "stop")
_TARGETS: Final[tuple[TargetKind, ...]] = ("trigger", "blueprint", "group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    action: Action
    kind: TargetKind
    name: str
    rate: float | None = None
    """Of a resume: what was held goes out so many a second; None: the default."""
    id: str = ""
    """What the sender calls it; it is shown in the log."""


def read_command(body: bytes, trigger: str | None = None) -> Command:
    """What the message asks for. `trigger` is meant where it names no target. Raises InvalidRequest that names the
    field."""
    try:
        value = jsonvalue.loads(body)
    except jsonvalue.NotJson as error:
        raise InvalidRequest(f"a control message is a JSON object: {error}", field="command") from None
    if not isinstance(value, dict):
        raise InvalidRequest("a control message is a JSON object", field="command")
    found = checks.read(_CHECKS, value, "a control message")
    action = found.get("command")
    if action is None:
        raise InvalidRequest(f"command must be one of {', '.join(_ACTIONS)}", field="command")
    named = [(kind, found[kind]) for kind in _TARGETS if kind in found]
    if not named and trigger is not None:
        named = [("trigger", trigger)]
    if len(named) != 1:
        raise InvalidRequest("a control message names one of trigger, blueprint and group", field="blueprint")
    ((kind, name),) = named
    if kind == "trigger" and action == "stop":
        raise InvalidRequest("a trigger is paused, not stopped: it runs nothing itself", field="command")
    if "rate" in found and (action != "resume" or kind == "trigger"):
        raise InvalidRequest("rate is for the resume of a blueprint or a group", field="rate")
    return Command(action=action, kind=kind, name=name, rate=found.get("rate"), id=found.get("id", ""))


_CHECKS: Final[Mapping[str, checks.Check]] = {
    "command": checks.one_of(*_ACTIONS),
    **{kind: checks.text(NAME_CHARS) for kind in _TARGETS},
    "rate": checks.number(RESUME_RATE_LEAST, RESUME_RATE_MOST),
    "id": checks.text(NAME_CHARS),
}


@dataclass(frozen=True, slots=True)
class ControlProgram:
    """Every record is a control message."""

    def compile(self) -> Decide:
        return _control


def _control(record: Record) -> Control:
    return Control(record.offset, record.value or b"", encode(record))
