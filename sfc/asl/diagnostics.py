"""Findings of the validator, in the shape of ValidateStateMachineDefinition."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong (or odd) in a definition."""

    location: str
    """JSON Pointer in AWS's form: `/States/Charge/Retry[0]/BackoffRate`; "" is the whole text."""
    code: str
    """Stable: SCHEMA_VALIDATION_FAILED, INVALID_JSON_DESCRIPTION, MISSING_TRANSITION_TARGET …"""
    message: str
    """A sentence a person can act on."""
    severity: Literal["ERROR", "WARNING"] = "ERROR"
