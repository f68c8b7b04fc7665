"""Task tokens: whoever holds one may answer for one attempt of one task.

A token names its execution, task and attempt and carries a keyed digest of them, so that nobody can make one up: the
key is the store's secret, which no answer shows. (The execution's own seed would not do: its uuids can be seen, and
the generator can be run backwards.) The same attempt has the same token in every replay.
"""

import base64
import binascii
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import Final, NamedTuple

_PLACE: Final = Struct(">BQQQ")
_VERSION: Final = 1
_DIGEST_BYTES: Final = 32
_LENGTH: Final = 76


class TokenPlace(NamedTuple):
    """What a token answers for."""

    execution: int
    task: int
    attempt: int


def make(secret: bytes, place: TokenPlace) -> str:
    """The token: 76 characters of base64url."""
    data = _PLACE.pack(_VERSION, *place)
    return base64.urlsafe_b64encode(data + _digest(secret, data)).decode()


def read(secret: bytes, token: str) -> TokenPlace | None:
    """What the token answers for; None when it was not made with this secret."""
    if len(token) != _LENGTH:
        return None
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    data = raw[: _PLACE.size]
    if not compare_digest(raw[_PLACE.size :], _digest(secret, data)):
        return None
    version, *place = _PLACE.unpack(data)
    return TokenPlace(*place) if version == _VERSION else None


def _digest(secret: bytes, data: bytes) -> bytes:
    return blake2b(data, digest_size=_DIGEST_BYTES, key=secret, person=b"sfc task token").digest()
