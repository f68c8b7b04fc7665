"""A trigger: what starts executions of a blueprint by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sfc import jsonvalue
from sfc.arn import check_name, parse
from sfc.errors import InvalidName, InvalidRequest
from sfc.jsonvalue import Json
from sfc.limits import TRIGGER_NAME_CHARS, TRIGGER_SETTINGS_BYTES
from sfc.triggers.kafka import read_kafka
from sfc.triggers.schedule import read_schedule
from sfc.triggers.webhook import read_webhook

Kind: TypeAlias = Literal["kafka", "schedule", "webhook"]

KINDS: Final = ("kafka", "schedule", "webhook")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    id: int
    """Never given twice, not even when a trigger of the same name was deleted before."""
    name: str
    kind: Kind
    blueprint: str
    """Name of the state machine; or its ARN, which may be that of a release or an alias."""
    settings: Mapping[str, Json]
    """By kind: `read_kafka`, `read_schedule`, `read_webhook` say what there is."""
    paused: bool = False
    """It starts nothing."""
    created_at: int
    updated_at: int
    """When blueprint or settings changed last, UTC ms; pausing is no change."""

    @property
    def machine(self) -> str:
        """Name of the state machine."""
        return machine_of(self.blueprint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a schedule has come. All of it is kept over restarts."""

    at: int
    """The last tick that was decided, UTC ms."""
    execution: str = ""
    """ARN of what the schedule started last."""
    error: str = ""
    """Why the last tick could not be started."""


def machine_of(blueprint: str) -> str:
    """The state machine's name in a name or ARN. Raises InvalidArn."""
    return parse(blueprint, "stateMachine").machine if blueprint.startswith("arn:") else blueprint


def check_trigger(name: str, kind: str, settings: Mapping[str, Json]) -> None:
    """Raises InvalidName, InvalidRequest that names the field."""
    check_name(name)
    if len(name) > TRIGGER_NAME_CHARS:
        raise InvalidName(
            f"the name of a trigger has at most {TRIGGER_NAME_CHARS} characters: executions are named after it",
            field="name",
        )
    try:
        jsonvalue.check_depth(dict(settings))
        size = len(jsonvalue.dumps(dict(settings)))
    except jsonvalue.NotJson as error:
        raise InvalidRequest(f"settings cannot be kept: {error}", field="settings") from None
    if size > TRIGGER_SETTINGS_BYTES:
        raise InvalidRequest(f"settings are larger than {TRIGGER_SETTINGS_BYTES:,} bytes", field="settings")
    match kind:
        case "kafka":
            read_kafka(settings)
        case "schedule":
            read_schedule(settings)
        case "webhook":
            read_webhook(settings)
        case _:
            raise InvalidRequest(f"the kind of a trigger is one of {', '.join(KINDS)}", field="kind")
