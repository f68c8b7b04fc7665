"""Amazon States Language: from a definition's text to a checked, compiled state machine."""

from sfc.asl.diagnostics import Diagnostic
from sfc.asl.parse import Parsed, invalid_definition_message, parse

__all__ = ["Diagnostic", "Parsed", "invalid_definition_message", "parse"]
