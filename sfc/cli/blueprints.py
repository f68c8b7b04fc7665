"""`sfc blueprints …`: the blueprints of a server."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sfc import jsonvalue
from sfc.cli.client import DEFAULT_URL, Client, UrlOption
from sfc.cli.inputs import blueprint_name, read_input, read_text
from sfc.cli.output import JsonOption, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Blueprints on the server.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the blueprint.")]


@app.command("list")
def list_blueprints(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """All blueprints."""
    page = Client(url).call("GET", "/api/blueprints", params={"limit": 1000})
    if as_json:
        print_json(page)
        return
    rows = [
        (
            b["name"],
            b["kind"],
            b["version"],
            b["updated_at"][:19].replace("T", " "),
            b["group"],
            "yes" if b["paused"] else "",
        )
        for b in page["items"]
    ]
    print_table(("BLUEPRINT", "KIND", "VERSION", "CHANGED (UTC)", "GROUP", "PAUSED"), rows)


@app.command()
def show(name: Name, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """The definition of a blueprint; with --json everything about it."""
    blueprint = Client(url).call("GET", f"/api/blueprints/{name}")
    print_json(blueprint if as_json else blueprint["definition"])


@app.command()
def put(
    file: Annotated[Path, typer.Argument(help="Amazon States Language, JSON.")],
    name: Annotated[str | None, typer.Option(help="Default: the file's name up to its first dot.")] = None,
    express: Annotated[bool, typer.Option("--express", help="Make it an EXPRESS one.")] = False,
    settings: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="All its settings: JSON text, @FILE, or - for stdin. Default: as before."),
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Create a blueprint, or give it a new version."""
    body: dict[str, Any] = {"definition": read_text(file), "kind": "EXPRESS" if express else "STANDARD"}
    if settings is not None:
        body["settings"] = jsonvalue.loads(read_input(settings, "--settings"))
    blueprint = Client(url).call("PUT", f"/api/blueprints/{name or blueprint_name(file)}", body=body)
    if as_json:
        print_json(blueprint)
    else:
        typer.echo(f"{blueprint['name']} version {blueprint['version']}")


@app.command()
def delete(name: Name, url: UrlOption = DEFAULT_URL) -> None:
    """Delete a blueprint."""
    Client(url).call("DELETE", f"/api/blueprints/{name}")
