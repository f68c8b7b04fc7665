"""Secrets are named, never written down: `${env:NAME}` is an environment variable, `${file:PATH}` the text of a file.

A reference is looked up where the secret is used, each time, so that a changed file counts at once. What it stands for
is never stored, shown or logged.
"""

import os
import re
from pathlib import Path
from typing import Final

from sfc.errors import InvalidRequest, Unavailable
from sfc.jsonvalue import Json

_REFERENCE: Final = re.compile(r"\$\{(env):([A-Za-z_][A-Za-z0-9_]*)\}|\$\{(file):(/[^\0{}]*)\}")
_CHARS: Final = 4_096
_FILE_BYTES: Final = 65_536
HOW: Final = "${env:NAME} or ${file:/PATH}"


class SecretUnavailable(Unavailable):
    """What a reference names is not there, where it is needed."""

    code = "SecretUnavailable"


def is_reference(value: str) -> bool:
    """Whether it names a secret, instead of being a value itself."""
    return len(value) <= _CHARS and _REFERENCE.fullmatch(value) is not None


def check_reference(place: str, value: Json) -> str:
    """The reference. Raises InvalidRequest that names the place and does not repeat the value: it may be a secret."""
    if not isinstance(value, str) or not is_reference(value):
        raise InvalidRequest(f"{place} must name a secret, not be one: {HOW}", field=place)
    return value


def resolve(value: str) -> str:
    """What the reference stands for, the line's end of a file cut off; a value that is no reference as it is.

    Raises SecretUnavailable.
    """
    found = _REFERENCE.fullmatch(value)
    if found is None:
        return value
    if found[1]:
        text = os.environ.get(found[2], "")
        if not text:
            raise SecretUnavailable(f"the server has no environment variable {found[2]}")
        return text
    try:
        with Path(found[4]).open("rb") as file:
            data = file.read(_FILE_BYTES + 1)
        text = data.decode().rstrip("\r\n")
    except OSError as error:
        raise SecretUnavailable(f"the server cannot read {found[4]}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretUnavailable(f"{found[4]} is not UTF-8") from None
    if not text or len(data) > _FILE_BYTES:
        raise SecretUnavailable(f"{found[4]} must hold 1 to {_FILE_BYTES:,} bytes")
    return text
