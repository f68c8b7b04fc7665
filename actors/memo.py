"""What the scheduler remembers over its own death: a value in the memory of Ray's head.

It dies with the head; what must outlive that comes from the store again, with the engine.
"""

from typing import Any, Final

import orjson
from ray.experimental.internal_kv import (
    _internal_kv_get,
    _internal_kv_put,
)

_NAMESPACE: Final = b"sfc"


class Memo:
    """Calls block for a round trip."""

    def __init__(self, name: str) -> None:
        self._key = f"scheduler:{name}".encode()
        self._last: bytes | None = None

    def read(self) -> dict[str, Any] | None:
        found = _internal_kv_get(self._key, namespace=_NAMESPACE)
        memo: dict[str, Any] | None = None if found is None else orjson.loads(found)
        return memo

    def write(self, memo: dict[str, Any]) -> None:
        """Nothing happens when it is the same as last time."""
        data = orjson.dumps(memo)
        if data != self._last:
            _internal_kv_put(self._key, data, overwrite=True, namespace=_NAMESPACE)
            self._last = data
