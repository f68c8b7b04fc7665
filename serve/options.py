"""Options that `sfc up` and `sfc deploy` share, and what is checked of them before anything starts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sfc.cli.output import say

DEFAULT_DATA = Path(".sfc")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

DataOption = Annotated[Path, typer.Option("--data", envvar="SFC_DATA", help="Directory of everything that lasts.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Of the HTTP server.")]
HostOption = Annotated[str, typer.Option(help="Address to listen on; others than loopback are open to everybody.")]
LambdaOption = Annotated[str | None, typer.Option(help="Where Lambda functions without a handler are invoked.")]
HandlersOption = Annotated[list[str] | None, typer.Option(help="Module or file with task handlers; may be repeated.")]
WorkersOption = Annotated[int, typer.Option(min=1, max=1000, help="Worker processes of the common pool.")]
BlueprintsOption = Annotated[Path | None, typer.Option(help="Directory of *.asl.json files to create or update.")]


def blueprints_directory(given: Path | None) -> str | None:
    """Its whole path. Exits with a usage error when it is none."""
    if given is not None and not given.is_dir():
        raise typer.BadParameter(f"{given} is no directory", param_hint="--blueprints")
    return None if given is None else str(given.absolute())


def handler_modules(given: Sequence[str] | None) -> tuple[str, ...]:
    """Files by their whole path, because workers run elsewhere; modules as they are."""
    return tuple(str(Path(name).absolute()) if name.endswith(".py") or "/" in name else name for name in given or ())


def warn_if_open(host: str, port: int) -> None:
    """Says so when the server will not keep to this machine."""
    if host not in _LOOPBACK:
        say(f"warning: {host}:{port} is open to whoever can reach it; there is no authentication yet")
