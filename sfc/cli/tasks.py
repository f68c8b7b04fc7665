"""`sfc task …`: answer for a task whose token you hold."""

from typing import Annotated

import typer

from sfc import jsonvalue
from sfc.cli.client import DEFAULT_URL, Client, UrlOption
from sfc.cli.inputs import read_input

app = typer.Typer(no_args_is_help=True, help="Tasks on the server, and answers to task tokens.", rich_markup_mode=None)

TaskToken = Annotated[str, typer.Argument(metavar="TOKEN", help="Task token, as the task's input had it.")]


@app.command()
def success(
    token: TaskToken,
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="JSON text, @FILE, or - for stdin.")] = "{}",
    url: UrlOption = DEFAULT_URL,
) -> None:
    """The task succeeded with this output."""
    value = jsonvalue.loads(read_input(output))
    Client(url).call("POST", "/api/tasks/success", body={"token": token, "output": value})


@app.command()
def failure(
    token: TaskToken,
    error: Annotated[str | None, typer.Option(help="Name of the error, for Retry and Catch.")] = None,
    cause: Annotated[str | None, typer.Option(help="Why.")] = None,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """The task failed."""
    Client(url).call("POST", "/api/tasks/failure", body={"token": token, "error": error, "cause": cause})


@app.command()
def heartbeat(token: TaskToken, url: UrlOption = DEFAULT_URL) -> None:
    """The task is still being worked on."""
    Client(url).call("POST", "/api/tasks/heartbeat", body={"token": token})
