"""`sfc trigger …`: what starts executions by itself."""

import re
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from sfc import jsonvalue
from sfc.cli.client import DEFAULT_URL, Client, UrlOption
from sfc.cli.inputs import read_text
from sfc.cli.output import JsonOption, print_facts, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Triggers on the server.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the trigger.")]
_KINDS: Final = {"cron": "schedule", "every_s": "schedule", "signature": "webhook", "topic": "kafka"}
"""By the setting that only this kind has."""
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@app.command("list")
def list_triggers(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """All triggers, and how they fare."""
    page = Client(url).call("GET", "/api/triggers", params={"limit": 1000})
    if as_json:
        print_json(page)
    else:
        columns = ("TRIGGER", "KIND", "BLUEPRINT", "PAUSED", "STARTED", "FAILED", "LAST START (UTC)", "LAST ERROR")
        print_table(columns, [_row(each) for each in page["items"]])


@app.command()
def show(name: Name, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """All about one: settings, next ticks, positions in topics, the last error."""
    _print(Client(url).call("GET", _path(name)), as_json)


@app.command("set")
def put(
    name: Name,
    file: Annotated[
        Path | None, typer.Option("--file", help="JSON file with kind, blueprint and settings; options go over it.")
    ] = None,
    blueprint: Annotated[str | None, typer.Option(help="Name, or ARN also of a release or an alias.")] = None,
    cron: Annotated[str | None, typer.Option(help="Schedule: `0 9 * * MON-FRI`.")] = None,
    every: Annotated[str | None, typer.Option(metavar="DURATION", help="Schedule: `30s`, `5m`, `2h`, `1d`.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Of --cron; UTC if absent.")] = None,
    missed: Annotated[str | None, typer.Option(help="skip, latest or all; latest if absent.")] = None,
    overlap: Annotated[str | None, typer.Option(help="allow, skip or replace; allow if absent.")] = None,
    webhook: Annotated[
        str | None,
        typer.Option(metavar="PRESET", help="github, gitlab, shopify, slack, standard, stripe; `none`: unsigned."),
    ] = None,
    secret: Annotated[
        list[str] | None, typer.Option(metavar="REFERENCE", help="Of a webhook: ${env:NAME} or ${file:/PATH}; repeat.")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Kafka: whose records start executions.")] = None,
    filter: Annotated[str | None, typer.Option("--filter", help="{% JSONata %} or a JSONPath.")] = None,
    mapped: Annotated[
        str | None, typer.Option("--input", "-i", metavar="MAPPING", help="An expression, or JSON with expressions.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--setting", metavar="NAME=JSON", help="Any other setting; repeat.")
    ] = None,
    paused: Annotated[bool | None, typer.Option("--paused/--running", help="If absent: as it was.")] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Create a trigger, or say anew all that it does."""
    body = _read(file)
    given: dict[str, Any] = {
        "cron": cron, "every_s": None if every is None else _seconds(every), "timezone": timezone, "missed": missed,
        "overlap": overlap, "signature": _signature(webhook, secret), "topic": topic, "filter": filter,
        "input": None if mapped is None else _value(mapped), **_settings(setting),
    }  # fmt: skip
    body["settings"] = {**body.get("settings", {}), **{key: value for key, value in given.items() if value is not None}}
    for said, kind in _KINDS.items():
        if said in body["settings"]:
            body.setdefault("kind", kind)
    if "kind" not in body:
        raise typer.BadParameter("say what starts it: --cron, --every, --webhook, --topic or --file")
    if blueprint is not None:
        body["blueprint"] = blueprint
    if paused is not None:
        body["paused"] = paused
    _print(Client(url).call("PUT", _path(name), body=body), as_json)


@app.command()
def delete(name: Name, url: UrlOption = DEFAULT_URL) -> None:
    """Delete a trigger; what it started runs on."""
    Client(url).call("DELETE", _path(name))


@app.command()
def pause(name: Name, url: UrlOption = DEFAULT_URL) -> None:
    """Have a trigger start nothing until it is resumed."""
    Client(url).call("POST", f"{_path(name)}/pause")


@app.command()
def resume(name: Name, url: UrlOption = DEFAULT_URL) -> None:
    """Let a trigger go on where it stood; ticks that were missed follow the schedule's policy."""
    Client(url).call("POST", f"{_path(name)}/resume")


@app.command()
def backfill(
    name: Name,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="2026-01-02T03:04:05Z")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Included, and past.")],
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Start an execution for each tick of a time that has passed, where there is none yet."""
    done = Client(url).call("POST", f"{_path(name)}/backfill", body={"from": begin, "to": end})
    print_json(done) if as_json else print_facts(done)
    if done["failed"]:
        raise typer.Exit(1)


def _row(trigger: dict[str, Any]) -> tuple[object, ...]:
    state = trigger["state"]
    return (
        trigger["name"], trigger["kind"], trigger["blueprint"], "yes" if trigger["paused"] else "", state["started"],
        state["failed"], (state["last_started_at"] or "")[:19].replace("T", " "), state["error"],
    )  # fmt: skip


def _print(trigger: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(trigger)
        return
    state = trigger.pop("state")
    print_facts({key: value for key, value in {**trigger, **state}.items() if value not in (None, [])})


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        body = jsonvalue.loads(read_text(file))
    except jsonvalue.NotJson as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}", param_hint="--file") from None
    if not isinstance(body, dict) or not isinstance(body.get("settings", {}), dict):
        raise typer.BadParameter(f"{file} must hold an object: kind, blueprint, settings", param_hint="--file")
    return body


def _signature(preset: str | None, secrets: list[str] | None) -> Any:
    if preset is None and secrets:
        raise typer.BadParameter("belongs to --webhook", param_hint="--secret")
    if preset is None or preset == "none":
        return preset
    return {"preset": preset, "secret": secrets or []}


def _settings(pairs: list[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs or ():
        key, sign, value = pair.partition("=")
        if not key or not sign:
            raise typer.BadParameter(f"{pair!r} is not NAME=JSON", param_hint="--setting")
        found[key] = _value(value)
    return found


def _value(text: str) -> Any:
    """JSON where it is some, else the text as it is: an expression needs no quotes."""
    try:
        return jsonvalue.loads(text)
    except jsonvalue.NotJson:
        return text


def _seconds(text: str) -> int:
    parts = re.findall(r"(\d+)([smhd])", text)
    if not text.isascii() or "".join(map("".join, parts)) != text or not text:
        raise typer.BadParameter(f"{text!r} is no duration such as 30s, 5m or 1h30m", param_hint="--every")
    return sum(int(count) * _UNITS[unit] for count, unit in parts)


def _path(name: str) -> str:
    return f"/api/triggers/{quote(name, safe='')}"
