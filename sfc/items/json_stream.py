"""Reads a JSON document value by value, holding one at a time; goes on at any place it was at."""

import re
from collections.abc import Iterator
from typing import IO, Final

from sfc.items.item import reader_failed
from sfc.jsonvalue import Json, NotJson, loads
from sfc.limits import MAP_ITEM_BYTES

_CHUNK: Final = 1 << 18
_SIGNIFICANT: Final = re.compile(rb"[^ \t\r\n]")
_STRUCTURE: Final = re.compile(rb'["\[\]{}]')
_STRING_END: Final = re.compile(rb'["\\]')
_SCALAR_END: Final = re.compile(rb"[\s,\]}]")
_QUOTE, _COMMA, _COLON = b'",:'
_OPEN, _CLOSE = b"[{", b"]}"
_ARRAY, _ARRAY_END, _OBJECT, _OBJECT_END = b"[]{}"
_END: Final = -1
_BOM: Final = b"\xef\xbb\xbf"


def json_items(file: IO[bytes], pointer: str, place: Json) -> Iterator[tuple[Json, Json]]:
    """Items of the array (or the members of the object, as `{"Key", "Value"}`) that `pointer` leads to, each with the
    place behind it. Raises FlowError States.ItemReaderFailed.

    A whole document that is an object is no list of items, as the service's own runs show; one that a pointer leads to
    is.
    """
    if place is not None:
        offset, array = place
        stream = JsonStream(file, offset)
    else:
        stream = JsonStream(file, 0)
        stream.follow(pointer)
        first = stream.peek()
        if first != _ARRAY and not (first == _OBJECT and pointer):
            raise reader_failed("Attempting to map over non-iterable node.")
        stream.take(first)
        array = first == _ARRAY
    end = _ARRAY_END if array else _OBJECT_END
    while stream.peek() != end:
        value = stream.value() if array else {"Key": stream.key(), "Value": stream.value()}
        if stream.peek() == _COMMA:
            stream.take(_COMMA)
            if stream.peek() == end:
                raise stream.wrong()
        elif stream.peek() != end:
            raise stream.wrong()
        yield value, [stream.offset, array]


class JsonStream:
    """A cursor in a JSON text. Bytes before it are dropped as it moves on."""

    def __init__(self, file: IO[bytes], offset: int) -> None:
        file.seek(offset)
        self._file = file
        self._buffer = b""
        self._base = offset
        self._at = 0
        if offset == 0 and self._fill() == 0 and self._buffer.startswith(_BOM):
            self._at = len(_BOM)

    @property
    def offset(self) -> int:
        return self._base + self._at

    def peek(self) -> int:
        """The next significant byte, which becomes the cursor's; -1 at the end."""
        at = self._find(_SIGNIFICANT, self._at)
        if at == _END:
            return _END
        self._at = at
        return self._buffer[at]

    def take(self, byte: int) -> None:
        if self.peek() != byte:
            raise self.wrong()
        self._at += 1

    def value(self) -> Json:
        """The next value."""
        end = self._end_of_value(keep=True)
        text = self._buffer[self._at : end]
        try:
            value = loads(text)
        except NotJson:
            raise self.wrong() from None
        self._at = end
        return value

    def key(self) -> str:
        """The next member's name; the cursor then stands before its value."""
        if self.peek() != _QUOTE:
            raise self.wrong()
        key = self.value()
        self.take(_COLON)
        return str(key)

    def follow(self, pointer: str) -> None:
        """Move to the value that a JSON Pointer names (RFC 6901); what lies before it is skipped, not kept."""
        for part in pointer.split("/")[1:]:
            wanted = part.replace("~1", "/").replace("~0", "~")
            first = self.peek()
            if first not in (_ARRAY, _OBJECT) or not self._step_into(first, wanted):
                raise reader_failed(f"The ItemsPointer '{pointer}' leads to nothing.")

    def _step_into(self, first: int, wanted: str) -> bool:
        self.take(first)
        end = _ARRAY_END if first == _ARRAY else _OBJECT_END
        index = 0
        while self.peek() != end:
            if (self.key() if first == _OBJECT else str(index)) == wanted:
                return self.peek() != _END
            self._at = self._end_of_value(keep=False)
            index += 1
            if self.peek() == _COMMA:
                self.take(_COMMA)
            elif self.peek() != end:
                raise self.wrong()
        return False

    def wrong(self) -> Exception:
        return reader_failed(f"The file is no valid JSON: something is wrong at byte {self.offset}.")

    def _end_of_value(self, *, keep: bool) -> int:
        """Where the next value ends. Without `keep` the cursor goes along, so that what is passed can be dropped."""
        first = self.peek()
        if first == _QUOTE:
            return self._end_of_string(self._at + 1, keep)
        if first not in _OPEN:
            end = self._find(_SCALAR_END, self._at, keep)
            return len(self._buffer) if end == _END else end
        depth, at = 1, self._at + 1
        while depth:
            at = self._find(_STRUCTURE, at, keep)
            if at == _END:
                raise self.wrong()
            byte = self._buffer[at]
            at += 1
            if byte == _QUOTE:
                at = self._end_of_string(at, keep)
            else:
                depth += 1 if byte in _OPEN else -1
            if not keep:
                self._at = at
        return at

    def _end_of_string(self, at: int, keep: bool) -> int:
        while True:
            at = self._find(_STRING_END, at, keep)
            if at == _END:
                raise self.wrong()
            if self._buffer[at] == _QUOTE:
                return at + 1
            at += 2  # an escape and what it escapes, which may not be read yet

    def _find(self, pattern: re.Pattern[bytes], at: int, keep: bool = True) -> int:
        """Where `pattern`, one byte long, matches next at or behind `at`; reads on as needed. Places shift then."""
        while True:
            found = pattern.search(self._buffer, at)
            if found is not None:
                return found.start()
            at = max(at, len(self._buffer))
            if not keep:
                self._at = len(self._buffer)
            elif len(self._buffer) - self._at > MAP_ITEM_BYTES:
                raise reader_failed(f"The item at byte {self.offset} is larger than {MAP_ITEM_BYTES} bytes.")
            dropped = self._fill()
            if dropped < 0:
                return _END
            at -= dropped

    def _fill(self) -> int:
        """Read on, and drop what is before the cursor: how many bytes; -1 at the end of the file."""
        chunk = self._file.read(_CHUNK)
        if not chunk:
            return -1
        dropped = self._at
        self._buffer = self._buffer[dropped:] + chunk
        self._base += dropped
        self._at = 0
        return dropped
