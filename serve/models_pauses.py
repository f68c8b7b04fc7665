"""Bodies of the REST API about pauses and groups."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from serve.models import Strict, when
from sfc.engine.pauses import PauseRecord
from sfc.limits import RESUME_RATE


class Resume(Strict):
    rate: float | None = Field(
        None, description=f"Held jobs and timers that go out in a second; absent: {RESUME_RATE}.", examples=[20]
    )


class Pause(BaseModel):
    """A blueprint or group that is paused, or lets out what was held."""

    kind: Literal["blueprint", "group"]
    name: str
    paused_at: datetime
    resumed_at: datetime | None = Field(description="null: it is paused.")
    rate: float | None = Field(description="What was held goes out so many a second.")
    held: int = Field(description="Jobs, and timers that are due, that wait for their turn in memory.")


class Pauses(BaseModel):
    items: list[Pause]


class Stopped(BaseModel):
    stopped: int = Field(description="Executions that this request ended.")
    more: bool = Field(description="There are more: ask again.")


class Group(BaseModel):
    name: str
    blueprints: list[str] = Field(description="Those whose current version names it.")
    paused: bool


class Groups(BaseModel):
    items: list[Group]


def pause(found: PauseRecord) -> Pause:
    return Pause.model_validate({
        "kind": found.kind,
        "name": found.name,
        "paused_at": when(found.paused_at),
        "resumed_at": None if found.resumed_at is None else when(found.resumed_at),
        "rate": found.rate,
        "held": found.held,
    })  # fmt: skip
