"""An activity: a named queue of tasks that workers somewhere else ask for."""

from collections.abc import Mapping
from dataclasses import dataclass

from sfc.jsonvalue import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Immutable; times are UTC ms."""

    name: str
    created_at: int
    settings: Mapping[str, Json]
    """encryptionConfiguration, when it is not the default."""
