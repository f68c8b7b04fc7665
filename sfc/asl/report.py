"""Collects what the validator finds, with places in AWS's form: `/States/Charge/Retry[0]/BackoffRate`."""

from sfc.asl.diagnostics import Diagnostic

SCHEMA = "SCHEMA_VALIDATION_FAILED"
TRANSITION = "MISSING_TRANSITION_TARGET"
END_STATE = "MISSING_END_STATE"
NOT_YET = "NOT_YET_SUPPORTED"


class Report:
    """Findings in the order they were met; the same place and sentence counts once."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}
        self._later: dict[Diagnostic, None] = {}

    def error(self, at: str, message: str, code: str = SCHEMA) -> None:
        """`at` is "" for the machine itself, which AWS writes "/"."""
        self._found[Diagnostic(at or "/", code, message)] = None

    def whole(self, location: str, message: str, code: str = SCHEMA) -> None:
        """A finding about the text or the machine as a whole; without a `location` there is none to show."""
        self._found[Diagnostic(location, code, message)] = None

    def warn(self, at: str, message: str, code: str = SCHEMA) -> None:
        self._found[Diagnostic(at or "/", code, message, "WARNING")] = None

    def add(self, diagnostic: Diagnostic) -> None:
        self._found[diagnostic] = None

    def later(self, at: str, message: str) -> None:
        """Valid in the language, but nothing that the engine runs today."""
        self._later[Diagnostic(at or "/", NOT_YET, message)] = None

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(sorted(self._found, key=lambda each: each.severity != "ERROR"))

    @property
    def unsupported(self) -> tuple[Diagnostic, ...]:
        return tuple(self._later)

    @property
    def valid(self) -> bool:
        return not any(each.severity == "ERROR" for each in self._found)
