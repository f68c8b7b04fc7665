"""`sfc kafka dlq …`: records that no execution could be started for."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from sfc.cli.client import DEFAULT_URL, Client, UrlOption
from sfc.cli.output import Failed, JsonOption, print_facts, print_json, print_table, say

kafka = typer.Typer(no_args_is_help=True, help="What the server does with Kafka.", rich_markup_mode=None)
app = typer.Typer(no_args_is_help=True, help="Dead letters on the server.", rich_markup_mode=None)
kafka.add_typer(app, name="dlq")

Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="As `list` shows them.")]
TriggerOption = Annotated[str | None, typer.Option("--trigger", metavar="NAME", help="Those of this trigger.")]
AllOption = Annotated[bool, typer.Option("--all", help="All of them, or all of --trigger.")]
_PATH = "/api/kafka/dead-letters"
_PAGE = 1000


@app.command("list")
def list_dead_letters(
    trigger: TriggerOption = None,
    limit: Annotated[int, typer.Option(min=1, max=_PAGE, help="At most so many.")] = 100,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Newest first."""
    page = Client(url).call("GET", _PATH, params={"trigger": trigger, "limit": limit})
    if as_json:
        print_json(page)
        return
    print_table(
        ("ID", "TRIGGER", "TOPIC", "PARTITION", "OFFSET", "AT (UTC)", "REASON", "DETAIL"), map(_row, page["items"])
    )
    if page["next_token"]:
        say(f"there are more than {limit}; see --limit")


@app.command()
def show(
    id: Annotated[int, typer.Argument(metavar="ID")], as_json: JsonOption = False, url: UrlOption = DEFAULT_URL
) -> None:
    """One with its record, as it came."""
    found = Client(url).call("GET", f"{_PATH}/{id}")
    if as_json:
        print_json(found)
        return
    record = found.pop("record") or {}
    value, key = record.get("value"), record.get("key")
    headers = {header["name"]: _plain(header["value"]) for header in record.get("headers", ())}
    print_facts({**found, "key": _plain(key), "headers": headers or None, "value": _plain(value)})


@app.command()
def replay(
    ids: Ids = None, trigger: TriggerOption = None, every: AllOption = False, url: UrlOption = DEFAULT_URL
) -> None:
    """Have the trigger, as it is now, use the record again. What is still of no use stays."""
    client, failures, done = Client(url), 0, {"started": 0, "repeated": 0, "left_out": 0}
    for id in _chosen(client, ids, trigger, every):
        try:
            answer = client.call("POST", f"{_PATH}/{id}/replay")
        except Failed as error:
            failures += 1
            say(f"{id}: {error}")
        else:
            done = {what: count + answer[what] for what, count in done.items()}
    say(f"{done['started']} started, {done['repeated']} had their execution already, {done['left_out']} left out")
    if failures:
        raise Failed(f"{failures} could not be replayed and stay")


@app.command()
def drop(
    ids: Ids = None, trigger: TriggerOption = None, every: AllOption = False, url: UrlOption = DEFAULT_URL
) -> None:
    """Forget them; what was published of them stays on the topic of dead letters."""
    client, count = Client(url), 0
    for id in _chosen(client, ids, trigger, every):
        client.call("DELETE", f"{_PATH}/{id}")
        count += 1
    say(f"{count} dropped")


def _chosen(client: Client, ids: list[int] | None, trigger: str | None, every: bool) -> Iterator[int]:
    """The numbers given, or those that are there now."""
    if bool(ids) == every or (ids and trigger):
        raise typer.BadParameter("give IDs; or --all, maybe with --trigger")
    if ids:
        yield from ids
        return
    token: str | None = None
    while True:
        page = client.call("GET", _PATH, params={"trigger": trigger, "limit": _PAGE, "token": token})
        yield from (each["id"] for each in page["items"])
        token = page["next_token"]
        if token is None:
            return


def _row(found: dict[str, Any]) -> tuple[object, ...]:
    at = found["at"][:19].replace("T", " ")
    return (
        found["id"], found["trigger"] or found["feed"], found["topic"], found["partition"], found["offset"], at,
        found["reason"], found["detail"],
    )  # fmt: skip


def _plain(content: dict[str, Any] | None) -> str | None:
    if content is None:
        return None
    text: str | None = content["text"]
    return text if text is not None else f"base64:{content['base64']}"
