"""`sfc pool …`: the pools of workers of a server."""

import time
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sfc.cli.client import DEFAULT_URL, Client, UrlOption
from sfc.cli.output import JsonOption, print_facts, print_json, print_table, say

app = typer.Typer(no_args_is_help=True, help="Pools of workers on the server.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of a blueprint, or `common`.")]
COLUMNS = ("POOL", "MODE", "SLA", "WORKERS", "WANTED", "IN FLIGHT", "QUEUED", "ARRIVE/S", "IN 24 H", "LAST DECISION")


@app.command("list")
def list_pools(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """The common pool, and every blueprint with work, workers or a policy of its own."""
    found = Client(url).call("GET", "/api/pools")
    if as_json:
        print_json(found)
    else:
        print_table(COLUMNS, [row(pool) for pool in found["items"]])


@app.command()
def show(name: Name, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """All about one pool, its policy first."""
    pool = Client(url).call("GET", _path(name))
    if as_json:
        print_json(pool)
        return
    policy = pool.pop("policy")
    last = pool.pop("last")
    print_facts({**policy, **pool, "last": last and f"{last['what']}: {last['why']}"})


@app.command("set")
def set_policy(
    name: Name,
    mode: Annotated[str | None, typer.Option(help="auto, common or specific.")] = None,
    sla: Annotated[str | None, typer.Option(help="S0 (first) to S3 (last).")] = None,
    least: Annotated[int | None, typer.Option("--min", help="Fewest workers; 0 lets it end them all.")] = None,
    most: Annotated[int | None, typer.Option("--max", help="Most workers.")] = None,
    target: Annotated[int | None, typer.Option(help="Jobs in flight per worker.")] = None,
    idle_s: Annotated[float | None, typer.Option(help="Seconds without a job until it shrinks to --min.")] = None,
    queue_timeout_s: Annotated[float | None, typer.Option(help="Longest wait of a job; then it fails.")] = None,
    cpus: Annotated[float | None, typer.Option(help="CPUs per worker.")] = None,
    gpus: Annotated[float | None, typer.Option(help="GPUs per worker.")] = None,
    resource: Annotated[
        list[str] | None, typer.Option("--resource", metavar="NAME=AMOUNT", help="Custom resource per worker; repeat.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Jobs at once in one worker.")] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="NAME=TEXT", help="Environment variable of workers; repeat.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget what was set before: as the blueprint says.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Change the policy of a pool; holds at once and until it is changed again."""
    given: dict[str, Any] = {
        "mode": mode, "sla": sla, "min": least, "max": most, "target": target, "idle_s": idle_s,
        "queue_timeout_s": queue_timeout_s, "cpus": cpus, "gpus": gpus,
        "resources": _pairs(resource, "--resource", float), "concurrency": concurrency,
        "env": _pairs(env, "--env", str),
    }  # fmt: skip
    settings = {key: value for key, value in given.items() if value is not None}
    if not settings and not reset:
        raise typer.BadParameter("say what to set, or --reset")
    policy = Client(url).call("PUT" if reset else "PATCH", _path(name), body=settings)
    print_json(policy) if as_json else print_facts(policy)


@app.command()
def scale(
    name: Name,
    size: Annotated[str, typer.Argument(metavar="SIZE", help="Number of workers, or `auto`: follow the load.")],
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Fix the size of a pool, or let it follow its load again."""
    if size != "auto" and not size.isdecimal():
        raise typer.BadParameter(f"{size!r} is neither a number nor auto", param_hint="SIZE")
    Client(url).call("POST", f"{_path(name)}/scale", body={"size": None if size == "auto" else int(size)})
    say(f"{name}: {'follows its load' if size == 'auto' else f'{size} workers'}")


@app.command()
def drain(name: Name, url: UrlOption = DEFAULT_URL) -> None:
    """Have new workers take the place of all there are; no job is interrupted."""
    Client(url).call("POST", f"{_path(name)}/drain")
    say(f"{name}: its workers finish their jobs and are replaced")


@app.command()
def why(name: Name, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """What the scheduler decided about a pool lately, each time with its numbers."""
    found = Client(url).call("GET", f"{_path(name)}/why")
    if as_json:
        print_json(found)
        return
    print_table(
        ("TIME (UTC)", "DECISION", "WHY"), [(_time(each["at"]), each["what"], each["why"]) for each in found["items"]]
    )


@app.command()
def watch(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this pool.")] = None,
    interval_s: Annotated[float, typer.Option("--interval", min=0.2, help="Seconds between two looks.")] = 1.0,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Print decisions of the scheduler as they are made, until Ctrl-C."""
    client, shown = Client(url), ""
    while True:
        news = [
            each
            for each in client.call("GET", "/api/pools")["decisions"]
            if each["at"] > shown and name in (None, each["pool"])
        ]
        for each in news:
            if as_json:
                print_json(each)
            else:
                typer.echo(f"{_time(each['at'])}  {each['pool']:20} {each['what']:10} {each['why']}")
            shown = max(shown, each["at"])
        time.sleep(interval_s)


def row(pool: dict[str, Any]) -> tuple[object, ...]:
    """One line of the table of pools."""
    policy, last = pool["policy"], pool["last"]
    own = "promoted" if pool["promoted"] else policy["mode"]
    workers = f"{pool['up']}"
    workers += f"+{pool['starting']}" if pool["starting"] else ""
    workers += f"-{pool['draining']}" if pool["draining"] else ""
    if pool["pending_s"]:
        workers += f" pending {pool['pending_s']:.0f} s"
    if not pool["specific"]:
        workers = "(common)"
    wanted = pool["wished"] if pool["wished"] == pool["desired"] else f"{pool['desired']} of {pool['wished']}"
    told = pool["trouble"] or (f"{last['what']}: {last['why']}" if last else "")
    return (
        pool["name"], own, policy["sla"], workers, wanted, pool["in_flight"], pool["queued"],
        f"{pool['arrivals_s']:.1f}", pool["executions_a_day"], told.splitlines()[-1] if told else "",
    )  # fmt: skip


def _pairs(given: list[str] | None, option: str, kind: type[float] | type[str]) -> dict[str, Any] | None:
    if given is None:
        return None
    found: dict[str, Any] = {}
    for pair in given:
        name, sign, text = pair.partition("=")
        try:
            found[name] = kind(text)
        except ValueError:
            sign = ""
        if not name or not sign:
            raise typer.BadParameter(f"{pair!r} is not NAME={'AMOUNT' if kind is float else 'TEXT'}", param_hint=option)
    return found


def _path(name: str) -> str:
    return f"/api/pools/{quote(name, safe='')}"


def _time(text: str) -> str:
    return text[:23].replace("T", " ").removesuffix("Z")
