"""Which events of a blueprint's executions are published: its setting `events`.

"executions"    or    {"level": "states", "topic": "orders.events", "data": false}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sfc import checks
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.store.journal import Kind
from sfc.triggers.kafka import check_topic

Level: TypeAlias = Literal["executions", "states"]

_LEVELS: Final = ("executions", "states")


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    level: Level
    """`executions`: how they begin and end; `states`: also how their states do."""
    topic: str | None = None
    """None: the one of all blueprints."""
    data: bool = True
    """With inputs and outputs."""


def read_events(settings: Mapping[str, Json], kind: Kind) -> Events | None:
    """None: nothing is published. Raises InvalidRequest."""
    given = settings.get("events")
    if given is None:
        return None
    if kind == "EXPRESS":
        raise InvalidRequest("events are published of STANDARD executions only", field="events")
    if isinstance(given, str):
        given = {"level": given}
    if not isinstance(given, dict):
        raise InvalidRequest("events must be one of executions, states, or an object with a level", field="events")
    found = checks.read(_CHECKS, given, "events", "events")
    if "level" not in found:
        raise InvalidRequest("events.level must be one of executions, states", field="events.level")
    return Events(**found)


_CHECKS: Final[Mapping[str, checks.Check]] = {
    "level": checks.one_of(*_LEVELS), "topic": check_topic, "data": checks.flag,
}  # fmt: skip
