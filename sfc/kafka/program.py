"""What a feed makes of each record: programs, which travel to readers as plain values and are compiled there."""

import hmac
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from sfc import jsonvalue
from sfc.jsonvalue import Json
from sfc.kafka import relayed
from sfc.kafka.chunk import Control, Dead, Decision, Start
from sfc.kafka.formats import Format, Formats, NotInFormat
from sfc.kafka.record import Record, encode
from sfc.kafka.settings import KafkaSettings
from sfc.limits import DEAD_LETTER_DETAIL_CHARS, NAME_CHARS, PAYLOAD_BYTES
from sfc.secrets import resolve
from sfc.triggers.kafka import KafkaTrigger, read_kafka
from sfc.triggers.mapping import FIELDS, MappingFailed
from sfc.triggers.trigger import Trigger

Decide: TypeAlias = Callable[[Record], Decision | None]
"""None: a filter leaves the record out. Raises Unavailable when that cannot be told now: it is asked again."""

TOO_LARGE: Final = "RecordTooLarge"
NOT_IN_FORMAT: Final = "NotInFormat"
SCHEMA_MISMATCH: Final = "SchemaMismatch"
MAPPING_FAILED: Final = "MappingFailed"
RECORDS_LOST: Final = "RecordsLost"
INTERNAL_ERROR: Final = "InternalError"


class Program(Protocol):
    """Compared by value: another one takes the place of what a reader has compiled."""

    def compile(self) -> Decide:
        """Raises InvalidRequest, Unavailable."""
        ...


def dead(record: Record, reason: str, detail: str) -> Dead:
    return Dead(record.offset, reason, detail[:DEAD_LETTER_DETAIL_CHARS], encode(record))


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerProgram:
    """Records start executions."""

    trigger: int
    """Its id."""
    name: str
    topic_id: str
    settings: Mapping[str, Json] = field(hash=False)
    kafka: KafkaSettings

    @classmethod
    def of(cls, trigger: Trigger, topic_id: str, kafka: KafkaSettings) -> "TriggerProgram":
        return cls(trigger=trigger.id, name=trigger.name, topic_id=topic_id, settings=trigger.settings, kafka=kafka)

    def compile(self) -> Decide:
        settings = read_kafka(self.settings)
        return _Triggered(self, settings, Formats(self.kafka.registry()).of(settings.format))


@dataclass(frozen=True, slots=True)
class Condemned:
    """A program over which it was decided that some records, or all, can start nothing."""

    program: Program
    everything: tuple[str, str] | None = None
    """Reason and detail."""
    records: tuple[tuple[int, int, str, str], ...] = ()
    """(partition, offset, reason, detail)."""

    def compile(self) -> Decide:
        decide = self.program.compile()
        reasons = {(partition, offset): why for partition, offset, *why in self.records}
        everything = self.everything

        def judge(record: Record) -> Decision | None:
            found = decide(record)
            why = everything or reasons.get((record.partition, record.offset))
            return dead(record, *why) if why is not None and type(found) is Start else found

        return judge


class _Triggered:
    def __init__(self, program: TriggerProgram, settings: KafkaTrigger, format: Format) -> None:
        self._program = program
        self._settings = settings
        self._format = format
        self._mapping = settings.mapping
        given = [field for field in FIELDS if program.settings.get(field) is not None]
        self._whole = not given and settings.format == "json"
        """The value's own bytes are the input."""
        self._relays = any("record" in jsonvalue.text(program.settings[field]) for field in given)
        """An expression may ask for the record as it came."""
        self._complaint = None if settings.schema is None else _complaints(settings.schema)
        self._control = settings.control

    def __call__(self, record: Record) -> Decision | None:
        if record.size > self._settings.max_bytes:
            return dead(record, TOO_LARGE, f"{record.size:,} bytes; the trigger takes {self._settings.max_bytes:,}")
        if self._control is not None and self._is_control(record):
            return Control(record.offset, record.value or b"", encode(record))
        try:
            value = None if record.value is None else self._format.read(record.value, record.topic)
        except NotInFormat as error:
            return dead(record, NOT_IN_FORMAT, str(error))
        if self._complaint is not None and (complaint := self._complaint(value)) is not None:
            return dead(record, SCHEMA_MISMATCH, complaint)
        if self._whole:
            input, name = record.value or b"null", None
            if len(input) > PAYLOAD_BYTES:
                return dead(record, TOO_LARGE, f"{len(input):,} bytes; an execution takes {PAYLOAD_BYTES:,}")
        else:
            try:
                seed = record.offset << 16 ^ record.partition
                mapped = self._mapping.apply(self._event(record, value), now_ms=record.timestamp, seed=seed)
                if mapped is None:
                    return None
                input, name = mapped.payload(), mapped.name
            except MappingFailed as error:
                return dead(record, MAPPING_FAILED, str(error))
        return Start(record.offset, input, name, self._fallback(record))

    def _event(self, record: Record, value: Json) -> dict[str, Json]:
        found = event(record, value)
        if self._relays:
            found["record"] = relayed.shown(record.key, record.value, record.headers)
        return found

    def _fallback(self, record: Record) -> str:
        """Unique to the record, also when its topic is made anew or its offset is given again after a loss."""
        program = self._program
        made = zlib.crc32(f"{program.trigger}/{program.topic_id}/{record.timestamp}".encode())
        rest = f"-{record.partition}-{record.offset}-{made:08x}"
        return program.name[: NAME_CHARS - len(rest)] + rest

    def _is_control(self, record: Record) -> bool:
        assert self._control is not None
        given = dict(record.headers).get(self._control.header)
        return given is not None and hmac.compare_digest(given, resolve(self._control.secret).encode())


def event(record: Record, value: Json) -> dict[str, Json]:
    """What filter and mapping see of a record; and `record`, its bytes, if they ask for it."""
    return {
        "value": value,
        "key": _text(record.key),
        "headers": {name: _text(value) for name, value in record.headers},
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
    }


def _text(data: bytes | None) -> str | None:
    """Keys and headers are text by custom, and anything by law."""
    return None if data is None else data.decode(errors="replace")


def _complaints(schema: Json) -> Callable[[Json], str | None]:
    """What a value does wrong; None: nothing."""
    import jsonschema

    checker: Any = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)(schema)

    def complain(value: Json) -> str | None:
        found = jsonschema.exceptions.best_match(checker.iter_errors(value))
        return None if found is None else f"{found.json_path}: {found.message}"

    return complain


def merged(starts: list[Start]) -> Start:
    """One start for the records of a batch: its input is the array of theirs, its name that of the first."""
    first = starts[0]
    input = b"[" + b",".join([start.input for start in starts]) + b"]"
    return first._replace(input=input, records=len(starts))
