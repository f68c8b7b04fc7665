"""`sfc executions …`: look at executions on a server."""

from typing import Annotated, Any

import typer

from sfc.cli.client import DEFAULT_URL, Client, UrlOption, execution_path
from sfc.cli.output import JsonOption, print_facts, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Executions on the server.", rich_markup_mode=None)

Execution = Annotated[str, typer.Argument(metavar="EXECUTION", help="ARN, or BLUEPRINT:NAME.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]


@app.command("list")
def list_executions(
    blueprint: Annotated[str | None, typer.Option(help="Only of this blueprint.")] = None,
    status: Annotated[str | None, typer.Option(help="RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.")] = None,
    limit: Limit = 50,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """The newest executions."""
    wanted = {"blueprint": blueprint, "status": status and status.upper(), "limit": limit}
    page = Client(url).call("GET", "/api/executions", params=wanted)
    if as_json:
        print_json(page)
        return
    rows = [
        (f"{e['blueprint']}:{e['name']}", e["status"], _time(e["started_at"]), _time(e["stopped_at"]))
        for e in page["items"]
    ]
    print_table(("EXECUTION", "STATUS", "STARTED (UTC)", "STOPPED (UTC)"), rows)


@app.command()
def show(execution: Execution, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """All about one execution."""
    record = Client(url).call("GET", execution_path(execution))
    if as_json:
        print_json(record)
        return
    data = ("input", "output")
    print_facts({key: value for key, value in record.items() if key in data or value not in (None, [])})


@app.command()
def tasks(execution: Execution, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """Which versions of the server's tasks it uses."""
    page = Client(url).call("GET", execution_path(execution) + "/tasks")
    if as_json:
        print_json(page)
        return
    print_table(
        ("TASK", "VERSION", "DIGEST"), [(each["name"], each["version"], each["digest"]) for each in page["items"]]
    )


@app.command()
def history(
    execution: Execution,
    reverse: Annotated[bool, typer.Option("--reverse", help="Newest first.")] = False,
    limit: Limit = 1000,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """What happened, event by event."""
    page = Client(url).call("GET", execution_path(execution) + "/history", params={"reverse": reverse, "limit": limit})
    if as_json:
        print_json(page)
        return
    print_table(("ID", "TIME (UTC)", "EVENT", "STATE", "DETAILS"), [_row(event) for event in page["items"]])


@app.command("map-runs")
def map_runs(
    execution: Execution, limit: Limit = 50, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL
) -> None:
    """The Map Runs of its distributed Maps, newest first."""
    page = Client(url).call("GET", execution_path(execution) + "/map-runs", params={"limit": limit})
    if as_json:
        print_json(page)
        return
    counts = ("total", "succeeded", "failed", "running", "pending")
    rows = [(run["arn"], run["status"], *(str(run["items"][name]) for name in counts)) for run in page["items"]]
    print_table(("MAP RUN", "STATUS", *map(str.upper, counts)), rows)


@app.command()
def watch(execution: Execution, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """Follow an execution until it ends; fails when it does."""
    from sfc.cli.start import finish

    for kind, value in Client(url).events(execution_path(execution) + "/events"):
        if kind == "end":
            finish(value, as_json)
        elif as_json:
            print_json(value)
        else:
            number, time, name, state, details = _row(value)
            typer.echo(f"{number:>5}  {time}  {name:28} {state:24} {details[:100]}", err=True)


@app.command()
def stop(
    execution: Execution,
    error: Annotated[str | None, typer.Option(help="Error to end it with.")] = None,
    cause: Annotated[str | None, typer.Option(help="Why.")] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Abort an execution."""
    record = Client(url).call("POST", execution_path(execution) + "/stop", body={"error": error, "cause": cause})
    if as_json:
        print_json(record)
    else:
        typer.echo(f"{record['name']} {record['status']}")


@app.command()
def redrive(execution: Execution, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """Have an execution that ended badly go on where it stood."""
    record = Client(url).call("POST", execution_path(execution) + "/redrive")
    if as_json:
        print_json(record)
    else:
        typer.echo(f"{record['name']} {record['status']}")


def _row(event: dict[str, Any]) -> tuple[int, str, str, str, str]:
    import orjson

    details: dict[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    shown = {key: value for key, value in details.items() if key != "name" and not key.endswith("Details")}
    text = orjson.dumps(shown).decode() if shown else ""
    return event["id"], _time(event["timestamp"]), event["type"], details.get("name", ""), text


def _time(text: str | None) -> str:
    return "" if text is None else text[:23].replace("T", " ").removesuffix("Z").split("+")[0]
