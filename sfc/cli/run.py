"""`sfc run`: an execution in this process, with nothing kept."""

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sfc import jsonvalue
from sfc.cli.deploying import Deployment, deploy_into, read_deployment
from sfc.cli.inputs import (
    AwsEndpointOption,
    AwsRegionOption,
    InputOption,
    MapFilesOption,
    aws_settings,
    blueprint_name,
    map_roots,
    read_input,
    read_text,
)
from sfc.cli.output import Failed, JsonOption, print_json, say

if TYPE_CHECKING:
    from sfc.engine.engine import Engine
    from sfc.engine.records import ExecutionRecord, HistoryEvent

_PAGE = 1000


def run(
    file: Annotated[Path, typer.Argument(help="Amazon States Language, JSON.")],
    input_: InputOption = "{}",
    handlers: Annotated[
        list[str] | None, typer.Option(help="Module or file with task handlers; may be repeated.")
    ] = None,
    task: Annotated[
        list[Path] | None, typer.Option(help="What `sfc task deploy` would deploy; may be repeated.")
    ] = None,
    lambda_endpoint: Annotated[
        str | None, typer.Option(help="Where Lambda functions without a handler are invoked.")
    ] = None,
    aws_endpoint: AwsEndpointOption = None,
    aws_region: AwsRegionOption = None,
    map_files: MapFilesOption = None,
    history: Annotated[bool, typer.Option("--history", help="Print what happened, on stderr.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a blueprint here and now; prints its output, fails when it fails."""
    definition, text = read_text(file), read_input(input_)
    from sfc.engine.local import local_engine

    aws = aws_settings(aws_endpoint, aws_region)
    engine = local_engine(handlers or [], lambda_endpoint, aws, map_roots(map_files))
    deployments = [read_deployment(path) for path in task or ()]
    record, events = asyncio.run(_run(engine, deployments, blueprint_name(file), definition, text, history))
    if as_json:
        print_json(_facts(record, events))
    else:
        _print_history(events)
    if record.status != "SUCCEEDED":
        if as_json:
            raise typer.Exit(1)
        why = ": ".join(part for part in (record.error, record.cause) if part)
        raise Failed(f"{record.status}{': ' if why else ''}{why}")
    if not as_json:
        typer.echo(record.output)


async def _run(
    engine: "Engine", deployments: list[Deployment], name: str, definition: str, text: str, history: bool
) -> "tuple[ExecutionRecord, list[HistoryEvent]]":
    await engine.open()
    try:
        for deployment in deployments:
            await engine.consult(partial(deploy_into, deployment=deployment))
        await engine.blueprints.create(name, definition)
        record = await engine.start(name, text)
        while record.status == "RUNNING":
            record = await engine.wait(record.arn, 60)
        events: list[HistoryEvent] = []
        token = None
        while history:
            page = await engine.history(record.arn, limit=_PAGE, token=token)
            events += page.items
            token = page.next_token
            if token is None:
                break
        return record, events
    finally:
        await engine.close()


def _facts(record: "ExecutionRecord", events: "list[HistoryEvent]") -> dict[str, Any]:
    facts: dict[str, Any] = {"status": record.status}
    if record.output is not None:
        facts["output"] = jsonvalue.loads(record.output)
    if record.error is not None:
        facts["error"] = record.error
    if record.cause is not None:
        facts["cause"] = record.cause
    if events:
        facts["history"] = events
    return facts


def _print_history(events: "list[HistoryEvent]") -> None:
    for event in events:
        details: dict[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        elapsed = (event["timestamp"] - events[0]["timestamp"]) / 1000
        shown = {key: value for key, value in details.items() if key != "name" and not key.endswith("Details")}
        text = jsonvalue.text(shown)[:120] if shown else ""
        say(f"{event['id']:>5}  {elapsed:8.3f} s  {event['type']:28} {details.get('name', ''):20} {text}".rstrip())
