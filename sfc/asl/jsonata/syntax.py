"""What a text in `{% … %}` is refused with."""

from typing import Final

INVALID: Final = "INVALID_JSONATA_EXPRESSION"
UNSUPPORTED: Final = "UNSUPPORTED_JSONATA_EXPRESSION"


class JsonataSyntaxError(ValueError):
    """The text is no expression that can be run; `code` is that of the service's diagnostic."""

    def __init__(self, message: str, code: str = INVALID) -> None:
        super().__init__(message)
        self.code = code
