"""What a Map Run works by: reader, batcher, writer and limits of its state, with every value evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sfc.jsonvalue import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSpec:
    """An ItemReader."""

    action: Literal["getObject", "listObjectsV2"]
    arguments: dict[str, Json]
    """Bucket, Key, VersionId, Prefix …"""
    input_type: Literal["CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"] | None = None
    headers: tuple[str, ...] | None = None
    """CSVHeaders; None: the first row has them."""
    delimiter: str = "COMMA"
    pointer: str = ""
    flatten: bool = False
    """Transformation LOAD_AND_FLATTEN: the items are those inside the listed objects."""
    manifest_type: Literal["ATHENA_DATA", "S3_INVENTORY"] | None = None
    max_items: int = 0
    """0: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSpec:
    """An ItemBatcher."""

    max_items: int | None = None
    max_bytes: int | None = None
    input: Json = None
    """BatchInput; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterSpec:
    """A ResultWriter."""

    arguments: dict[str, Json] | None = None
    """Bucket, Prefix; None: the results become the state's output."""
    transformation: Literal["NONE", "COMPACT", "FLATTEN"] = "COMPACT"
    output_type: Literal["JSON", "JSONL"] = "JSON"

    @property
    def shows_inputs(self) -> bool:
        """Whether a child that succeeded is shown with its input."""
        return self.transformation == "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRunSpec:
    source: ReaderSpec | Sequence[Json] | dict[str, Json]
    """A file or a listing to read, or the items themselves."""
    batcher: BatchSpec | None
    writer: WriterSpec
