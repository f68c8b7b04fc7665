"""Shapes of the REST API about dead letters."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from serve.models import when
from sfc.engine.intake import Taken
from sfc.kafka.record import decode
from sfc.store.feeds import KeptLetter


class Content(BaseModel):
    """Bytes as text where they are UTF-8, else as base64."""

    text: str | None
    base64: str | None


class Header(BaseModel):
    name: str
    value: Content | None


class Record(BaseModel):
    key: Content | None
    value: Content | None
    headers: list[Header]
    timestamp: datetime


class DeadLetterOutline(BaseModel):
    id: int
    trigger: str | None = Field(description="Whose record it is; null: the trigger was deleted, or it is no trigger's.")
    feed: str = Field(description="Number of the trigger, or the name of a topic of SFC's own.")
    topic: str
    partition: int
    offset: int
    at: datetime
    reason: str = Field(description="A code: NotInFormat, SchemaMismatch, RecordTooLarge, MappingFailed …")
    detail: str
    published_at: datetime | None = Field(description="When the topic of dead letters had it.")


class DeadLetter(DeadLetterOutline):
    record: Record | None = Field(description="As it came; null: a note about records that are lost.")


class DeadLetters(BaseModel):
    items: list[DeadLetterOutline]
    next_token: str | None = Field(description="Pass it as `token` for the next page.")


class Replayed(BaseModel):
    started: int = Field(description="1: an execution was started.")
    repeated: int = Field(description="1: the record's execution was there already.")
    left_out: int = Field(description="1: the trigger's filter leaves the record out.")


def outline(kept: KeptLetter, triggers: Mapping[str, str]) -> DeadLetterOutline:
    return DeadLetterOutline(**_outline(kept, triggers))


def dead_letter(kept: KeptLetter, triggers: Mapping[str, str]) -> DeadLetter:
    record = decode(kept.letter.record) if kept.letter.record else None
    shown = None
    if record is not None:
        shown = Record(
            key=_content(record.key),
            value=_content(record.value),
            headers=[Header(name=name, value=_content(value)) for name, value in record.headers],
            timestamp=when(record.timestamp),
        )
    return DeadLetter(**_outline(kept, triggers), record=shown)


def replayed(taken: Taken) -> Replayed:
    return Replayed(
        started=taken.starts, repeated=taken.duplicates, left_out=0 if taken.starts or taken.duplicates else 1
    )


def _outline(kept: KeptLetter, triggers: Mapping[str, str]) -> dict[str, Any]:
    letter = kept.letter
    return {
        "id": kept.id,
        "trigger": triggers.get(letter.feed),
        "feed": letter.feed,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "at": when(letter.at),
        "reason": letter.reason,
        "detail": letter.detail,
        "published_at": None if kept.published_at is None else when(kept.published_at),
    }


def _content(data: bytes | None) -> Content | None:
    if data is None:
        return None
    try:
        return Content(text=data.decode(), base64=None)
    except UnicodeDecodeError:
        return Content(text=None, base64=base64.b64encode(data).decode())
