"""What an execution is told of itself when it begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sfc.jsonvalue import Json
from sfc.limits import HISTORY_EVENTS


@dataclass(frozen=True, slots=True)
class ExecutionInfo:
    """What an execution knows of itself besides its input; fixed for its life."""

    arn: str
    name: str
    machine_arn: str
    machine_name: str
    role_arn: str = ""
    history_events: int = HISTORY_EVENTS
    kind: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    release_arn: str | None = None
    """Of the published version that it was started through, if it was."""
    alias_arn: str | None = None
    context: dict[str, Json] | None = None
    """In a test of one state: what is shown in the place of its own context object."""
    variables: Mapping[str, Json] = field(default_factory=dict)
    """In a test of one state: those that states before it are said to have assigned."""
    id: int = 0
    """Of the execution in its store."""
    secret: bytes = b""
    """The store's secret, of which task tokens are made."""
