"""`sfc start`: an execution on a server."""

from typing import Annotated, Any

import typer

from sfc import jsonvalue
from sfc.cli.client import DEFAULT_URL, Client, UrlOption, execution_path
from sfc.cli.inputs import InputOption, read_input
from sfc.cli.output import Failed, JsonOption, print_json, say

_WAIT_S = 15


def start(
    blueprint: Annotated[str, typer.Argument(help="Name or ARN of the blueprint.")],
    input_: InputOption = "{}",
    name: Annotated[str | None, typer.Option(help="Of the execution; made up if absent.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end and print the output.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Start an execution; prints its ARN, or with --wait its output."""
    client = Client(url)
    body = {"blueprint": blueprint, "input": jsonvalue.loads(read_input(input_)), "name": name}
    record = client.call("POST", "/api/executions", body=body)
    if wait:
        record = wait_for(client, record)
        finish(record, as_json)
    elif as_json:
        print_json(record)
    else:
        typer.echo(record["arn"])


def wait_for(client: Client, record: Any) -> Any:
    """The execution as it ended."""
    while record["status"] == "RUNNING":
        record = client.call("GET", execution_path(record["arn"]), params={"wait": _WAIT_S})
    return record


def finish(record: Any, as_json: bool) -> None:
    """Print how an execution ended; raises Failed when it did not succeed."""
    if as_json:
        print_json(record)
        if record["status"] != "SUCCEEDED":
            raise typer.Exit(1)
        return
    if record["status"] != "SUCCEEDED":
        why = ": ".join(part for part in (record["error"], record["cause"]) if part)
        raise Failed(f"{record['name']} {record['status']}{': ' if why else ''}{why}")
    say(f"{record['name']} SUCCEEDED")
    typer.echo(jsonvalue.text(record["output"]))
