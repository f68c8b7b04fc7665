"""The command line: `sfc`. Modules it needs are imported by the command that needs them, so that it starts at once."""

from sfc.cli.app import main

__all__ = ["main"]
