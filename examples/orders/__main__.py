"""The demo: a real order through an HTTP trigger, on Ray workers, one of which is killed on the way.

`python -m examples.orders` starts everything it needs on loopback, tells what happens, and ends by itself: exit 0
when the order came through. `--keep` leaves the server up until Ctrl-C.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from examples.orders.warehouse import Warehouse
from examples.server import server

HERE = Path(__file__).parent
OPTIONS = ("--workers", "2", "--handlers", "examples.orders.handlers", "--blueprints", HERE)
SLOWEST_ORDER_S = 120
PACKING_S = 1.0
"""How far the packing is when its worker dies: half done."""

console = Console(highlight=False)


def order(number: str, *, quantity: int = 1) -> dict[str, Any]:
    """An order of three lines; a huge quantity empties the shelf."""
    lines = [("tea", 4.2, 2), ("kettle", 39.0, 1), ("cup", 6.5, quantity)]
    return {
        "orderId": number,
        "customer": "ada@example.com",
        "card": "4242 4242 4242 4242",
        "lines": [{"sku": sku, "price": price, "quantity": count} for sku, price, count in lines],
    }


class Progress(threading.Thread):
    """Follows an execution's events as they happen and prints the states it enters and leaves."""

    def __init__(self, url: str, execution: str) -> None:
        super().__init__(daemon=True)
        self.url = f"{url}/api/executions/{execution}/events"
        self.begin = time.monotonic()
        self.seen: dict[str, threading.Event] = {}
        self.timeline: list[tuple[float, str, str]] = []

    def entered(self, state: str) -> threading.Event:
        """Set when the execution has entered the state."""
        return self.seen.setdefault(state, threading.Event())

    def run(self) -> None:
        with httpx.stream("GET", self.url, timeout=SLOWEST_ORDER_S) as response:
            for line in response.iter_lines():
                if line.startswith("data: "):
                    self._tell(json.loads(line[6:]))

    def _tell(self, event: dict[str, Any]) -> None:
        at, kind = time.monotonic() - self.begin, event.get("type", "")
        details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails")
        if details is not None:
            how = "enters" if kind.endswith("Entered") else "leaves"
            self.timeline.append((at, how, details["name"]))
            console.print(f"  {at:6.2f} s  {how} [bold]{details['name']}[/bold]")
            if how == "enters":
                self.entered(details["name"]).set()
        elif kind.endswith(("Failed", "TimedOut")):
            failure = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
            console.print(f"  {at:6.2f} s  [yellow]{kind}[/yellow] {failure.get('error', '')}")


def place(url: str, body: dict[str, Any]) -> str:
    """Send an order to the trigger; returns the execution's ARN."""
    answer = httpx.post(f"{url}/triggers/orders", json=body, headers={"Idempotency-Key": body["orderId"]})
    answer.raise_for_status()
    return str(answer.json()["execution"])


def result(url: str, execution: str) -> dict[str, Any]:
    """Wait for the end of the execution."""
    end = time.monotonic() + SLOWEST_ORDER_S
    while time.monotonic() < end:
        record: dict[str, Any] = httpx.get(f"{url}/api/executions/{execution}?wait=10", timeout=30).json()
        if record["status"] != "RUNNING":
            return record
    raise SystemExit(f"the order was not done within {SLOWEST_ORDER_S} s")


def kill_a_busy_worker(url: str) -> None:
    """kill -9 of the worker process that has the job on board."""
    for _ in range(100):
        workers = httpx.get(f"{url}/api/workers").json()["items"]
        busy = [worker for worker in workers if worker["running"]]
        if busy:
            console.print(f"  [red]          kill -9 {busy[0]['pid']}[/red]: the worker that packs this order")
            os.kill(busy[0]["pid"], signal.SIGKILL)
            return
        time.sleep(0.02)
    raise SystemExit("no worker was busy: nothing to kill")


def show(url: str, execution: str, record: dict[str, Any], progress: Progress) -> None:
    table = Table(title="Timeline", title_justify="left")
    for heading in ("state", "entered", "left", "took"):
        table.add_column(heading, justify="left" if heading == "state" else "right")
    leaving = [(at, name) for at, how, name in progress.timeline if how == "leaves"]
    for at, how, name in progress.timeline:
        if how == "enters":
            left = next((each for each in leaving if each[1] == name), (at, name))
            leaving = [each for each in leaving if each is not left]
            table.add_row(name, f"{at:.2f} s", f"{left[0]:.2f} s", f"{left[0] - at:.2f} s")
    console.print(table)
    console.print_json(json.dumps(record.get("output") or {"error": record["error"], "cause": record["cause"]}))
    links = f"execution  {url}/api/executions/{execution}\nhistory    {url}/api/executions/{execution}/history"
    console.print(links, soft_wrap=True)


def demo(url: str, warehouse: Warehouse) -> bool:
    """Two orders: one that comes through although a worker dies, one that is refused and refunded."""
    console.rule("An order, and a worker that dies on the way")
    good = {**order("o-1001"), "warehouse": warehouse.url}
    execution = place(url, good)
    progress = Progress(url, execution)
    progress.start()
    if not progress.entered("PackAndShip").wait(SLOWEST_ORDER_S):
        raise SystemExit("the order never came to PackAndShip")
    time.sleep(PACKING_S)
    kill_a_busy_worker(url)
    record = result(url, execution)
    progress.join(10)
    show(url, execution, record, progress)
    console.rule("An order for more than the shelf holds")
    refused = place(url, {**order("o-1002", quantity=100_000), "warehouse": warehouse.url})
    progress = Progress(url, refused)
    progress.start()
    second = result(url, refused)
    progress.join(10)
    console.print(f"  {second['status']}: {second['error']}: {second['cause']}")
    console.rule()
    console.print(f"docs of the API  {url}/docs\nboth orders      {url}/api/executions?blueprint=orders")
    return record["status"] == "SUCCEEDED" and second["error"] == "States.Http.StatusCode.409"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keep", action="store_true", help="leave the server up until Ctrl-C")
    arguments = options.parse_args()
    warehouse = Warehouse().start()
    with tempfile.TemporaryDirectory(prefix="sfc-demo-") as data, server(data, *OPTIONS) as url:
        came_through = demo(url, warehouse)
        if arguments.keep:
            console.print("the server stays up: Ctrl-C ends it")
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    console.print("[green]The order came through.[/green]" if came_through else "[red]Something went wrong.[/red]")
    return 0 if came_through else 1


if __name__ == "__main__":
    sys.exit(main())
