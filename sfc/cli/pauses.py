"""Pause, resume and stop: commands that blueprints and groups share. `sfc groups …`."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sfc.cli.client import DEFAULT_URL, Client, UrlOption
from sfc.cli.output import Failed, JsonOption, print_json, print_table, say

app = typer.Typer(no_args_is_help=True, help="Groups of blueprints on the server.", rich_markup_mode=None)

Rate = Annotated[
    float | None, typer.Option(help="Held jobs and timers that go out in a second; the server's default is 100.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Really: every running execution is aborted.")]


@app.command("list")
def list_groups(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """The groups that blueprints name, and which are paused."""
    found = Client(url).call("GET", "/api/groups")
    if as_json:
        print_json(found)
    else:
        rows = [
            (each["name"], "yes" if each["paused"] else "", ", ".join(each["blueprints"])) for each in found["items"]
        ]
        print_table(("GROUP", "PAUSED", "BLUEPRINTS"), rows)


def add_commands(to: typer.Typer, what: str) -> None:
    """`what`: blueprint or group."""
    name = Annotated[str, typer.Argument(metavar="NAME", help=f"Of the {what}.")]

    def pause(name: name, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
        _tell(Client(url).call("POST", _path(what, name, "pause")), as_json)

    def resume(
        name: name,
        rate: Rate = None,
        as_json: JsonOption = False,
        url: UrlOption = DEFAULT_URL,
    ) -> None:
        _tell(Client(url).call("POST", _path(what, name, "resume"), body={"rate": rate}), as_json)

    def stop(
        name: name,
        yes: Yes = False,
        error: Annotated[str | None, typer.Option(help="Error to end them with.")] = None,
        cause: Annotated[str | None, typer.Option(help="Why.")] = None,
        url: UrlOption = DEFAULT_URL,
    ) -> None:
        if not yes:
            raise typer.BadParameter(
                f"this aborts every running execution of the {what}; say --yes", param_hint="--yes"
            )
        body = None if error is None and cause is None else {"error": error, "cause": cause}
        _stop_all(lambda: Client(url).call("POST", _path(what, name, "stop"), body=body))

    for command, about in (
        (pause, f"Begin nothing more of a {what}; what workers do goes on."),
        (resume, f"Let what was held of a {what} go out, so much a second."),
        (stop, f"Pause a {what} and abort all that runs of it."),
    ):
        to.command(command.__name__, help=about)(command)


def _tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found["resumed_at"] is None:
        typer.echo(f"{found['name']} is paused")
    else:
        typer.echo(f"{found['name']} goes on, {found['rate']:g} a second; held: {found['held']}")


def _stop_all(ask: Callable[[], dict[str, Any]]) -> None:
    stopped, more = 0, True
    while more:
        try:
            answer = ask()
        except Failed:
            if stopped:
                say(f"stopped {stopped} executions before this")
            raise
        stopped, more = stopped + answer["stopped"], answer["more"]
        if more:
            say(f"stopped {stopped} executions so far")
    typer.echo(f"stopped {stopped} executions")


def _path(what: str, name: str, action: str) -> str:
    return f"/api/{what}s/{quote(name, safe='')}/{action}"


add_commands(app, "group")
