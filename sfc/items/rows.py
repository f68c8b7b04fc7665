"""Files of lines: CSV and JSON Lines. A place is the byte where the next record begins."""

import csv
from collections.abc import Iterator, Sequence
from typing import IO, Final

from sfc.items.item import reader_failed
from sfc.jsonvalue import Json, NotJson, loads
from sfc.limits import MAP_ITEM_BYTES

DELIMITERS: Final = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_BOM: Final = b"\xef\xbb\xbf"


def json_lines(file: IO[bytes], place: Json) -> Iterator[tuple[Json, Json]]:
    """One JSON value a line; blank lines are none. Raises FlowError States.ItemReaderFailed."""
    lines = _Lines(file, place or 0)
    for line in lines:
        if line.strip():
            try:
                value = loads(line)
            except NotJson as error:
                raise reader_failed(f"The line that ends at byte {lines.offset} is no valid JSON: {error}") from None
            yield value, lines.offset


def csv_rows(
    file: IO[bytes], headers: Sequence[str] | None, delimiter: str, place: Json
) -> Iterator[tuple[Json, Json]]:
    """An object of strings for each row: missing values are empty, surplus ones are dropped, blank lines are no rows.

    `headers` None: the first row has them. Raises FlowError States.ItemReaderFailed.
    """
    if headers is None:
        first = _Lines(file, 0)
        headers = next(_records(first, delimiter), [])
        place = first.offset if place is None else place
    if len(set(headers)) < len(headers):
        raise reader_failed("CSV headers cannot contain duplicates.")
    lines = _Lines(file, place or 0)
    blank = [""] * len(headers)
    for record in _records(lines, delimiter):
        yield dict(zip(headers, record + blank[len(record) :], strict=False)), lines.offset


def _records(lines: "_Lines", delimiter: str) -> Iterator[list[str]]:
    """Rows; a quoted value may go over several lines. The csv module takes a line only when it needs one."""
    try:
        for record in csv.reader((line.decode() for line in lines), delimiter=delimiter):
            if record:
                yield record
    except UnicodeDecodeError:
        raise reader_failed(f"The line that ends at byte {lines.offset} is not UTF-8.") from None
    except csv.Error as error:
        raise reader_failed(f"The row that ends at byte {lines.offset} is no valid CSV: {error}") from None


class _Lines:
    """Lines of a file, counting bytes."""

    def __init__(self, file: IO[bytes], offset: int) -> None:
        file.seek(offset)
        self._file = file
        self.offset = offset

    def __iter__(self) -> Iterator[bytes]:
        while line := self._file.readline(MAP_ITEM_BYTES + 1):
            if len(line) > MAP_ITEM_BYTES:
                raise reader_failed(f"The line at byte {self.offset} is larger than {MAP_ITEM_BYTES} bytes.")
            begin = self.offset
            self.offset += len(line)
            yield line.removeprefix(_BOM) if begin == 0 else line
