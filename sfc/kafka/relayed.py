"""A record as part of a JSON value, so that a flow can hand it on as it came: {"key", "value", "headers"}, all bytes in
base64, headers as pairs in their order.
"""

import base64
import binascii
from collections.abc import Sequence

from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json


def shown(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> dict[str, Json]:
    return {
        "key": _text(key),
        "value": _text(value),
        "headers": [[name, _text(each)] for name, each in headers],
    }


def read_shown(record: Json) -> tuple[bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]:
    """Key, value and headers. Raises InvalidRequest for what `shown` did not make."""
    try:
        if not isinstance(record, dict) or not {"key", "value", "headers"} <= record.keys():
            raise ValueError
        headers = tuple((str(name), _bytes(each)) for name, each in record["headers"])
        return _bytes(record["key"]), _bytes(record["value"]), headers
    except (TypeError, ValueError, binascii.Error):
        raise InvalidRequest("record must be the record that a Kafka trigger gave", field="record") from None


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _bytes(text: Json) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
