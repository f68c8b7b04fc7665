"""Parquet files (extra `parquet`), a batch of rows at a time. A place is the number of the next row."""

import base64
import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Final

from sfc.items.item import reader_failed
from sfc.jsonvalue import Json

_BATCH: Final = 1_000


def parquet_rows(file: IO[bytes], place: Json) -> Iterator[tuple[Json, Json]]:
    """An object for each row. Dates and times are ISO 8601 text, decimals text, bytes base64.

    Raises FlowError States.ItemReaderFailed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise reader_failed(
            "Parquet files need the extra `parquet` (pip install service-flow-conductor[parquet])"
        ) from None
    skip = place or 0
    try:
        source = pq.ParquetFile(file)
        groups, row = _groups_from(source, skip)
        for batch in source.iter_batches(batch_size=_BATCH, row_groups=groups):
            for value in batch.to_pylist():
                row += 1
                if row > skip:
                    yield {name: _json(cell) for name, cell in value.items()}, row
    except pa.ArrowException as error:
        raise reader_failed(f"The file is no valid Parquet: {error}") from None


def _groups_from(source: Json, skip: int) -> tuple[list[int], int]:
    """The row groups that hold rows behind `skip`, and how many rows stand before them."""
    before = 0
    for group in range(source.num_row_groups):
        rows = source.metadata.row_group(group).num_rows
        if before + rows > skip:
            return list(range(group, source.num_row_groups)), before
        before += rows
    return [], before


def _json(cell: Json) -> Json:
    match cell:
        case dict():
            return {str(key): _json(value) for key, value in cell.items()}
        case list() | tuple():
            return [_json(value) for value in cell]
        case bytes():
            return base64.b64encode(cell).decode()
        case datetime.datetime() | datetime.date() | datetime.time():
            return cell.isoformat()
        case datetime.timedelta():
            return cell.total_seconds()
        case Decimal():
            return str(cell)
        case float() if cell != cell or cell in (float("inf"), float("-inf")):  # noqa: PLR0124  NaN differs from itself
            return None
        case _:
            return cell
