"""A record of a topic as it came, and as bytes that keep it so."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson

Headers: TypeAlias = Sequence[tuple[str, bytes | None]]


class Record(NamedTuple):
    topic: str
    partition: int
    offset: int
    timestamp: int
    """UTC ms; 0: it has none."""
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def size(self) -> int:
        """Bytes of value, key and headers together."""
        size = len(self.key or b"") + len(self.value or b"")
        for name, value in self.headers:
            size += len(name) + len(value or b"")
        return size


def encode(record: Record) -> bytes:
    """A line of JSON that says what follows, then the bytes of key, value and headers unchanged."""
    parts = [record.key, record.value, *(value for _, value in record.headers)]
    head = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "headers": [name for name, _ in record.headers],
        "sizes": [None if part is None else len(part) for part in parts],
    }
    return b"".join([orjson.dumps(head), b"\n", *(part for part in parts if part)])


def decode(data: bytes) -> Record:
    """What `encode` was given."""
    line, _, rest = data.partition(b"\n")
    head: dict[str, Any] = orjson.loads(line)
    parts: list[bytes | None] = []
    at = 0
    for size in head["sizes"]:
        parts.append(None if size is None else rest[at : at + size])
        at += size or 0
    return Record(
        head["topic"], head["partition"], head["offset"], head["timestamp"], parts[0], parts[1],
        list(zip(head["headers"], parts[2:], strict=True)),
    )  # fmt: skip
