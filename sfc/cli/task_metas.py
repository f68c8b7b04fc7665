"""`sfc task …`: tasks that blueprints refer to as `task:NAME`."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from sfc.cli.client import DEFAULT_URL, Client, UrlOption
from sfc.cli.output import JsonOption, print_facts, print_json, print_table
from sfc.task_meta import digest_of

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the task.")]


def list_tasks(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """The latest version of every task."""
    page = Client(url).call("GET", "/api/tasks", params={"limit": 1000})
    if as_json:
        print_json(page)
        return
    rows = [(each["name"], each["version"], _time(each["created_at"]), each["digest"][:12]) for each in page["items"]]
    print_table(("TASK", "VERSION", "DEPLOYED (UTC)", "DIGEST"), rows)


def show(
    name: Name,
    version: Annotated[str | None, typer.Option(help="Default: the latest.")] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """A version of a task, and which others there are."""
    client, path = Client(url), f"/api/tasks/{quote(name, safe='')}"
    task = client.call("GET", path if version is None else f"{path}/versions/{quote(version, safe='')}")
    if as_json:
        print_json(task)
        return
    versions = client.call("GET", f"{path}/versions")["items"]
    print_facts({**{key: value for key, value in task.items() if value not in (None, "")},
                 "versions": ", ".join(each["version"] for each in versions)})  # fmt: skip


def deploy(
    path: Annotated[Path, typer.Argument(help="Python file, directory of them, or JSON file with a task meta.")],
    name: Annotated[
        str | None, typer.Option(help="Deploy only this task; of a single handler: under this name.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Default: that of @task, else the next number.")] = None,
    handler: Annotated[str | None, typer.Option(metavar="MODULE:FUNCTION", help="A function without @task.")] = None,
    requirement: Annotated[list[str] | None, typer.Option(help="What pip installs for it; may be repeated.")] = None,
    meta: Annotated[
        Path | None, typer.Option(help="JSON file with more: input_schema, output_schema, retry, timeout_seconds …")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Give tasks a new version. Executions that run keep theirs, and no worker restarts."""
    from sfc.cli.deploying import read_deployment

    deployment = read_deployment(path, name=name, version=version, handler=handler, requirements=requirement, meta=meta)
    client = Client(url)
    if deployment.package is not None:
        client.upload(f"/api/packages/{digest_of(deployment.package)}", deployment.package)
    made = [
        client.call("POST", f"/api/tasks/{quote(task, safe='')}/versions", body=body)
        for task, body in deployment.versions
    ]
    if as_json:
        print_json(made)
    else:
        for each in made:
            typer.echo(f"{each['name']} version {each['version']}")


def delete(name: Name, url: UrlOption = DEFAULT_URL) -> None:
    """Delete a task; executions that run keep it."""
    Client(url).call("DELETE", f"/api/tasks/{quote(name, safe='')}")


def _time(text: str) -> str:
    return text[:19].replace("T", " ")
