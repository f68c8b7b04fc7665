"""What a host may set on an engine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    passivate_after_ms: int = 10_000
    """An execution without jobs whose next timer is further away leaves memory; timers are loaded by windows of this
    length."""
    lingering: int = 1_000
    """Executions that only wait for an answer stay until the next window is read, as many as this; others leave at
    once."""
    max_resident: int = 100_000
    """Executions in memory at once; above it, starts are refused and waiting ones stay in the store."""
    retry_first_s: float = 0.1
    """How long after a failed commit the executions it held are read again; doubles up to `retry_most_s`."""
    retry_most_s: float = 5.0
    recovery_page: int = 500
    """Executions that are read and replayed in one go."""
