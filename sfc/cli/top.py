"""`sfc top`: the pools of a server as they are now, over and over."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sfc.cli.client import DEFAULT_URL, Client, UrlOption
from sfc.cli.output import Failed, print_json
from sfc.cli.pools import COLUMNS, row

if TYPE_CHECKING:
    from rich.console import RenderableType

_DECISIONS = 8
_NUMBERS_CHARS = 100
"""What the columns before the last take."""


def top(
    interval_s: Annotated[float, typer.Option("--interval", min=0.2, help="Seconds between two looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, once.")] = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """A live table of pools, workers, jobs and decisions, until Ctrl-C."""
    from rich.console import Console
    from rich.live import Live

    client = Client(url)
    found = client.call("GET", "/api/pools")
    if as_json:
        print_json(found)
        return
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    if once or not console.is_terminal:
        console.print(screen(found, None, console.width))
        return
    with Live(screen(found, None, console.width), console=console, screen=True, auto_refresh=False) as live:
        before, at = found, time.monotonic()
        while True:
            time.sleep(interval_s)
            try:
                found, now = client.call("GET", "/api/pools"), time.monotonic()
            except Failed:
                continue  # the server is being restarted: the last table stays
            used = (found["scheduler_cpu_s"] - before["scheduler_cpu_s"]) / (now - at)
            before, at = found, now
            live.update(screen(found, used, console.width), refresh=True)


def screen(found: dict[str, Any], scheduler_cpu: float | None, width: int) -> "RenderableType":
    """`scheduler_cpu`: share of one CPU that the scheduler uses, where it is known. `width` in characters."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    pools = found["items"]
    head = (
        f"{sum(pool['up'] for pool in pools)} workers, room for {found['capacity_cpus']:g} CPUs · "
        f"{sum(pool['in_flight'] for pool in pools if not _inside(pool))} in flight, "
        f"{sum(pool['queued'] for pool in pools if not _inside(pool))} queued · {found['engines']} engines"
    )
    if scheduler_cpu is not None and scheduler_cpu >= 0:
        head += f" · scheduler {scheduler_cpu:.1%} of a CPU"
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS[:-1]:
        table.add_column(column, no_wrap=True)
    table.add_column(COLUMNS[-1], no_wrap=True, overflow="ellipsis", max_width=max(width - _NUMBERS_CHARS, 20))
    for pool in sorted(
        pools, key=lambda one: (one["name"] != "common", -one["in_flight"] - one["queued"], one["name"])
    ):
        table.add_row(*map(str, row(pool)))
    lines = [
        f"{each['at'][11:19]}  {each['pool']}: {each['what']}, {each['why']}"
        for each in found["decisions"][-_DECISIONS:]
    ]
    return Group(
        Text(head, style="bold"), Text(), table, Text(), *(Text(line, no_wrap=True) for line in reversed(lines))
    )


def _inside(pool: dict[str, Any]) -> bool:
    """Its jobs are counted with the common pool's."""
    return not pool["specific"] and pool["name"] != "common"
