"""What commands are given: JSON on the command line, in a file or on stdin; definitions; handlers."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sfc import jsonvalue
from sfc.errors import InvalidRequest

if TYPE_CHECKING:
    from sfc.tasks.aws.settings import AwsSettings

InputOption = Annotated[
    str, typer.Option("--input", "-i", metavar="JSON", help="JSON text, @FILE, or - for stdin.", show_default=True)
]

AwsEndpointOption = Annotated[
    list[str] | None,
    typer.Option("--aws-endpoint", metavar="[SERVICE=]URL", help="Where AWS services are, or one; may be repeated."),
]
MapFilesOption = Annotated[
    list[Path] | None,
    typer.Option("--map-files", help="Directory that Distributed Maps may read and write; may be repeated."),
]
AwsRegionOption = Annotated[str | None, typer.Option("--aws-region", help="Region of AWS services.")]


def aws_settings(endpoints: Sequence[str] | None, region: str | None) -> "AwsSettings":
    """What the two options say. Exits with a usage error when an endpoint is none."""
    from sfc.tasks.aws.settings import AwsSettings

    try:
        return AwsSettings.of(endpoints or (), region)
    except InvalidRequest as error:
        raise typer.BadParameter(error.message, param_hint="--aws-endpoint") from None


def map_roots(directories: Sequence[Path] | None) -> tuple[str, ...]:
    """The directories by their whole paths. Exits with a usage error when one is none."""
    for directory in directories or ():
        if not directory.is_dir():
            raise typer.BadParameter(f"{directory} is no directory", param_hint="--map-files")
    return tuple(str(directory.absolute()) for directory in directories or ())


def read_input(given: str, option: str = "--input") -> str:
    """The JSON text meant by the option. Exits with a usage error when it cannot be read or is no JSON."""
    if given == "-":
        text = sys.stdin.read()
    elif given.startswith("@"):
        text = read_text(Path(given[1:]))
    else:
        text = given
    try:
        jsonvalue.loads(text)
    except jsonvalue.NotJson as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint=option) from None
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
