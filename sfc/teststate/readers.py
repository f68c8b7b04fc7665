"""What an ItemReader would have read, given as text."""

from io import BytesIO

from sfc.asl.model import ItemReader
from sfc.items.json_stream import json_items
from sfc.items.rows import DELIMITERS, csv_rows, json_lines
from sfc.jsonvalue import Json


def read_items(reader: ItemReader, data: str) -> list[Json]:
    """The items in `data`, read as the ItemReader reads a file. Raises FlowError States.ItemReaderFailed."""
    file = BytesIO(data.encode())
    if reader.input_type == "CSV":
        rows = csv_rows(file, reader.headers, DELIMITERS[reader.delimiter], None)
    elif reader.input_type == "JSONL":
        rows = json_lines(file, None)
    else:
        rows = json_items(file, reader.pointer, None)
    items = [value for value, _ in rows]
    return items[: reader.max_items] if isinstance(reader.max_items, int) and reader.max_items > 0 else items
