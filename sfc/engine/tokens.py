"""Page tokens: opaque to clients, good only for the question they were given for."""

import base64
import binascii

import orjson

from sfc.errors import InvalidToken


def give(question: list[object], place: object) -> str:
    """`question` is what was asked (plain JSON values); `place` where the next page begins."""
    return base64.urlsafe_b64encode(orjson.dumps([question, place])).decode()


def place_of_number(token: str | None, question: list[object]) -> int | None:
    """Where the page begins; None for the first. Raises InvalidToken for a token of another question."""
    place = _place(token, question)
    if place is not None and (not isinstance(place, int) or not 0 <= place < 1 << 63):
        raise InvalidToken("Invalid Token: 'Invalid token'")
    return place


def place_of_text(token: str | None, question: list[object]) -> str | None:
    place = _place(token, question)
    if place is not None and not isinstance(place, str):
        raise InvalidToken("Invalid Token: 'Invalid token'")
    return place


def _place(token: str | None, question: list[object]) -> object:
    if token is None:
        return None
    try:
        found = orjson.loads(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        found = None
    if not isinstance(found, list) or len(found) != 2 or found[0] != question or found[1] is None:
        raise InvalidToken("Invalid Token: 'Invalid token'")
    return found[1]
