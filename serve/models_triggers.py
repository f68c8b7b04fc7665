"""Shapes of the REST API about triggers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from serve.models import Strict, when
from sfc.bridge.schedules import Backfilled as Done
from sfc.triggers.report import Report
from sfc.triggers.schedule import read_schedule
from sfc.triggers.trigger import Trigger as Kept

Kind = Literal["kafka", "schedule", "webhook"]
_NEXT_TICKS = 5


class NewTrigger(Strict):
    kind: Kind
    blueprint: str = Field(description="Name of the blueprint; or the ARN of it, of a release or of an alias.")
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="What there is depends on the kind; the error names what is wrong.",
        examples=[{"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"}],
    )
    paused: bool | None = Field(None, description="If absent: as it was, and a new one is not.")


class Position(BaseModel):
    topic: str
    partition: int
    next: int = Field(description="Offset of the next record to be used.")
    lag: int | None = Field(description="Records that wait; null: the broker did not say.")


class State(BaseModel):
    """Since the server began."""

    started: int
    repeated: int = Field(description="Events whose execution was there already.")
    left_out: int = Field(description="Events that the filter or a policy left out.")
    failed: int = Field(description="Events that could not be used.")
    last_execution: str | None
    last_started_at: datetime | None
    error: str | None = Field(description="Of the last event that failed.")
    error_at: datetime | None


class TriggerOutline(BaseModel):
    name: str
    kind: Kind
    blueprint: str
    paused: bool
    created_at: datetime
    updated_at: datetime
    state: State


class Trigger(TriggerOutline):
    settings: dict[str, Any]
    url: str | None = Field(description="Of a webhook: where requests go.")
    next: list[datetime] = Field(description="Of a schedule: its next ticks; none while it is paused.")
    positions: list[Position] = Field(description="Of a Kafka trigger: how far each partition is read.")


class Triggers(BaseModel):
    items: list[TriggerOutline]
    next_token: str | None = Field(description="Pass it as `token` for the next page.")


class Backfill(Strict):
    begin: datetime = Field(alias="from", description="The first tick may be at this time.")
    end: datetime = Field(alias="to", description="The last tick may be at this time, which has passed.")


class Backfilled(BaseModel):
    started: int
    repeated: int = Field(description="Ticks that had their execution already.")
    left_out: int = Field(description="Ticks that the filter left out.")
    failed: int
    error: str | None = Field(description="Of the first that failed.")


def outline(found: Kept, report: Report) -> TriggerOutline:
    return TriggerOutline(**_outline(found, report))


def trigger(found: Kept, report: Report, now: int) -> Trigger:
    return Trigger(
        **_outline(found, report),
        settings=dict(found.settings),
        url=f"/hooks/{found.name}" if found.kind == "webhook" else None,
        next=_next_ticks(found, now),
        positions=[
            Position(topic=each.topic, partition=each.partition, next=each.next, lag=each.lag)
            for each in report.positions
        ],
    )


def backfilled(done: Done) -> Backfilled:
    return Backfilled(**{**done._asdict(), "error": done.error or None})


def _outline(found: Kept, report: Report) -> dict[str, Any]:
    figures = report.figures
    return {
        "name": found.name,
        "kind": found.kind,
        "blueprint": found.blueprint,
        "paused": found.paused,
        "created_at": when(found.created_at),
        "updated_at": when(found.updated_at),
        "state": State(
            started=figures.started,
            repeated=figures.repeated,
            left_out=figures.left_out,
            failed=figures.failed,
            last_execution=figures.last_execution or None,
            last_started_at=None if figures.last_started_at is None else when(figures.last_started_at),
            error=figures.error or None,
            error_at=None if figures.error_at is None else when(figures.error_at),
        ),
    }


def _next_ticks(found: Kept, now: int) -> list[datetime]:
    if found.kind != "schedule" or found.paused:
        return []
    schedule, ticks = read_schedule(found.settings), list[datetime]()
    tick = schedule.next_after(now)
    while tick is not None and len(ticks) < _NEXT_TICKS:
        ticks.append(when(tick))
        tick = schedule.next_after(tick)
    return ticks
