"""How a worker and a process of a package talk: JSON values, each after its length in four bytes."""

import asyncio
import struct
from typing import Final

import orjson

from sfc.jsonvalue import Json

_LENGTH: Final = struct.Struct(">I")


def send(writer: asyncio.StreamWriter, value: Json) -> None:
    """Never waits: what is sent is bounded by the jobs that are out."""
    data = orjson.dumps(value)
    writer.write(_LENGTH.pack(len(data)) + data)


async def receive(reader: asyncio.StreamReader) -> Json | None:
    """The next value; None at the end."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return orjson.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
