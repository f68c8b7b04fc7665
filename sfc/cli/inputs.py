"""What commands are given: JSON on the command line, in a file or on stdin; definitions; handlers."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sfc import jsonvalue

InputOption = Annotated[
    str, typer.Option("--input", "-i", metavar="JSON", help="JSON text, @FILE, or - for stdin.", show_default=True)
]


def read_input(given: str) -> str:
    """The JSON text meant by an --input. Exits with a usage error when it cannot be read or is no JSON."""
    if given == "-":
        text = sys.stdin.read()
    elif given.startswith("@"):
        text = read_text(Path(given[1:]))
    else:
        text = given
    try:
        jsonvalue.loads(text)
    except jsonvalue.NotJson as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="--input") from None
    return text


def read_text(path: Path) -> str:
    """The text of a file; a usage error when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise typer.BadParameter(f"cannot read {path}: {reason}") from None


def blueprint_name(path: Path) -> str:
    """`orders` for `flows/orders.asl.json`."""
    return path.name.split(".", 1)[0]
