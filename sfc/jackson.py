"""What is wrong with a text that is no JSON, in the words of the parser that AWS uses."""

import re
from typing import Final

import orjson

_WORD: Final = re.compile(r"\w+")
_TOKEN_CHARS: Final = 256
"""Of a token that it does not know, the parser shows no more."""
_LITERALS: Final = frozenset({"true", "false", "null"})
_EXPECTED: Final = {
    "string key": "was expecting double-quote to start field name",
    "':'": "was expecting a colon to separate field name and value",
    "',' or '}'": "was expecting comma to separate Object entries",
    "',' or ']'": "was expecting comma to separate Array entries",
    "JSON value": "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
}


def complaint(text: str, error: orjson.JSONDecodeError) -> tuple[str, int]:
    """The sentence, and the position in the text that it is about."""
    position = min(error.pos, len(text))
    word = _WORD.match(text, position)
    if "control character" in error.msg or "escape" in error.msg:  # inside a string words mean nothing
        return _sentence(error.msg), position
    if word is not None and word[0] not in _LITERALS and not word[0][0].isdigit() and "expected ','" not in error.msg:
        return (
            f"Unrecognized token '{_shortened(word[0])}': was expecting "
            "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        ), word.end()
    if "trailing comma" in error.msg:
        position = next((at for at in range(position, len(text)) if text[at] in "]}"), position)
        expected = _EXPECTED["string key" if text[position : position + 1] == "}" else "JSON value"]
    else:
        expected = next(
            (
                words
                for what, words in _EXPECTED.items()
                if error.msg.partition(", expected ")[2].startswith((what, f"a {what}"))
            ),
            "",
        )
    if expected and position < len(text):
        character = text[position]
        return f"Unexpected character ('{character}' (code {ord(character)})): {expected}", position
    return _sentence(error.msg), position


def _shortened(token: str) -> str:
    return token if len(token) < _TOKEN_CHARS else f"{token[:_TOKEN_CHARS]}..."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
