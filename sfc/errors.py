"""Errors raised on purpose: what the caller or the platform does wrong.

What a blueprint does wrong is a list of `sfc.asl.diagnostics.Diagnostic`; what a flow does wrong is a `Failure` value
that Retry and Catch match on. Neither is an exception that leaves the core. Everything here derives from `SfcError`:

    SfcError
    ├── InvalidRequest          400  a field of a request is missing, malformed or too large
    │   ├── InvalidDefinition        the definition has errors: see `diagnostics`
    │   ├── InvalidName              a name with a character or length that is not allowed
    │   ├── InvalidArn
    │   ├── InvalidInput             an execution's input is not JSON, too large or too deep
    │   └── InvalidToken             a page token that this server did not give
    ├── NotFound                404  StateMachineDoesNotExist, ExecutionDoesNotExist …
    ├── Conflict                409  StateMachineAlreadyExists, ExecutionAlreadyExists …
    ├── QuotaExceeded           400  there are as many of these as there may be
    ├── NotSupported            400  this kind of state machine cannot do that
    ├── Overloaded              429  the engine takes no more now; carries `retry_after_s`
    └── Unavailable             503  the store or the owner of a shard cannot be reached; carries `retry_after_s`
        ├── OutcomeUnknown           a commit may or may not have happened
        ├── Superseded               a commit relied on something that has changed since; nothing was written
        ├── KafkaNotConfigured       what needs Kafka was asked of a server that was started without it
        └── BlueprintPaused          nothing of it is started now
"""

from collections.abc import Sequence
from typing import ClassVar


class SfcError(Exception):
    """Base of all errors raised on purpose. `code` is stable; clients match on it, not on the text."""

    status: ClassVar[int] = 500
    code: str = "InternalError"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code


class InvalidRequest(SfcError):
    status = 400
    code = "ValidationException"


class InvalidDefinition(InvalidRequest):
    """`diagnostics` holds every finding, errors first."""

    code = "InvalidDefinition"

    def __init__(self, message: str, diagnostics: Sequence[object] = ()) -> None:
        super().__init__(message, field="definition")
        self.diagnostics = tuple(diagnostics)


class InvalidName(InvalidRequest):
    code = "InvalidName"


class InvalidArn(InvalidRequest):
    code = "InvalidArn"


class InvalidInput(InvalidRequest):
    code = "InvalidExecutionInput"


class InvalidToken(InvalidRequest):
    code = "InvalidToken"


class NotFound(SfcError):
    status = 404
    code = "ResourceNotFound"


class Conflict(SfcError):
    status = 409
    code = "ConflictException"


class QuotaExceeded(SfcError):
    status = 400
    code = "ServiceQuotaExceededException"


class NotSupported(SfcError):
    status = 400
    code = "StateMachineTypeNotSupported"


class Overloaded(SfcError):
    status = 429
    code = "ThrottlingException"

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(SfcError):
    status = 503
    code = "ServiceUnavailable"
    retry_after_s: float = 1.0


class OutcomeUnknown(Unavailable):
    """A commit was sent and its answer lost; `Store.settle` decides it."""


class Superseded(Unavailable):
    """A commit relied on something that has changed since, so nothing was written."""


class KafkaNotConfigured(Unavailable):
    code = "KafkaNotConfigured"

    def __init__(
        self, message: str = "This server was started without Kafka: sfc up --kafka HOST:PORT", field: str | None = None
    ) -> None:
        super().__init__(message, field=field)


class BlueprintPaused(Unavailable):
    """`kind` (blueprint or group) and `name` tell what is paused."""

    code = "BlueprintPaused"

    def __init__(self, kind: str, name: str, *, retry_after_s: float) -> None:
        super().__init__(f"The {kind} '{name}' is paused: no execution of it is started")
        self.kind = kind
        self.name = name
        self.retry_after_s = retry_after_s
