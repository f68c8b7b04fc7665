"""Services that know only their topics, and a blueprint that says what goes from one to the next.

    shop ─► raw_order_tmall ─► SFC ─► orders_to_price ─► pricing ─► priced_orders ─► SFC ─► parcels ─► shipping

`python -m examples.relay` starts a broker (or uses `--kafka HOST:PORT`), a server and the services on loopback, tells
what happens, and ends by itself: exit 0 when every order was priced and shipped once.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka.admin import AdminClient, NewTopic
from rich.console import Console
from rich.table import Table

from examples.relay.services import ORDERS
from examples.server import ROOT, server
from scripts.kafka import Broker, missing

HERE = Path(__file__).parent
TOPICS = ("raw_order_tmall", "orders_to_price", "priced_orders", "parcels")
PRICE = {"type": "kafka", "topic": "orders_to_price", "reply": True, "reply_to": "priced_orders"}
TRIGGER = {
    "kind": "kafka",
    "blueprint": "relay",
    "settings": {"topic": "raw_order_tmall", "from": "earliest", "name": "{% $states.input.value.order_id %}"},
}
SLOWEST_S = 120

console = Console(highlight=False)


@contextlib.contextmanager
def broker(given: str | None) -> Iterator[str]:
    """The broker that was named, or one of our own."""
    if given is not None:
        yield given
        return
    lacking = missing()
    if lacking is not None:
        raise SystemExit(f"cannot run a broker here ({lacking}): name one with --kafka HOST:PORT")
    with tempfile.TemporaryDirectory(prefix="sfc-relay-") as data:
        own = Broker(Path(data))
        own.start()
        try:
            yield own.servers
        finally:
            own.stop()


class Service:
    """One of the services, in a process of its own."""

    def __init__(self, name: str, servers: str) -> None:
        command = [sys.executable, "-m", "examples.relay.services", name, servers]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.strip())

    def wait(self) -> None:
        if self._process.wait(60) != 0:
            raise SystemExit("a service failed")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def make_topics(servers: str) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    there = admin.list_topics(timeout=30).topics
    new = [NewTopic(name, num_partitions=3, replication_factor=1) for name in TOPICS if name not in there]
    for made in admin.create_topics(new).values() if new else ():
        made.result(30)


def draw(url: str) -> None:
    """Blueprint, task and trigger: all that the integration of three services takes."""
    definition = json.loads((HERE / "relay.asl.json").read_text())
    for method, path, body in (
        ("POST", "/api/tasks/price/versions", PRICE),
        ("PUT", "/api/blueprints/relay", {"definition": definition}),
        ("PUT", "/api/triggers/tmall", TRIGGER),
    ):
        answer = httpx.request(method, url + path, json=body, timeout=30)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.text}")


def executions(url: str) -> list[dict[str, Any]]:
    """When all orders have ended, at the latest after a time."""
    deadline = time.monotonic() + SLOWEST_S
    while True:
        found: list[dict[str, Any]] = httpx.get(f"{url}/api/executions?blueprint=relay&limit=100").json()["items"]
        if time.monotonic() > deadline or sum(each["status"] != "RUNNING" for each in found) >= ORDERS:
            return found
        time.sleep(0.2)


def timeline(url: str, arn: str) -> None:
    """What one order went through."""
    events = httpx.get(f"{url}/api/executions/{arn}/history").json()["items"]
    table = Table(title=f"The way of {arn.rpartition(':')[2]}", title_justify="left")
    for heading in ("at", "event", "what"):
        table.add_column(heading)
    for event in events:
        details = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        what = details.get("name") or details.get("output") or details.get("input") or details.get("parameters") or ""
        table.add_row(event["timestamp"][11:23], event["type"], str(what)[:100])
    console.print(table)


def relay(url: str, servers: str) -> bool:
    draw(url)
    pricing, shipping, shop = (Service(name, servers) for name in ("pricing", "shipping", "shop"))
    try:
        shop.wait()
        console.rule(f"{ORDERS} orders are in raw_order_tmall")
        found = executions(url)
        console.print(f"executions: {dict(Counter(each['status'] for each in found))}")
        deadline = time.monotonic() + SLOWEST_S
        while len(shipping.said) < ORDERS and time.monotonic() < deadline:
            time.sleep(0.1)
        console.print(*shipping.said[:3], f"… {len(shipping.said)} labels", sep="\n")
        timeline(url, found[0]["arn"])
    finally:
        pricing.stop()
        shipping.stop()
    shipped = {line.split()[1] for line in shipping.said}
    return len(shipping.said) == len(shipped) == len(found) == ORDERS


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kafka", metavar="HOST:PORT", help="a broker that runs already")
    options.add_argument("--no-ray", action="store_true", help="the server in one process")
    given = options.parse_args()
    how = ["--no-ray"] if given.no_ray else []
    with broker(given.kafka) as servers:
        make_topics(servers)
        with tempfile.TemporaryDirectory(prefix="sfc-relay-") as data, server(data, "--kafka", servers, *how) as url:
            good = relay(url, servers)
    console.print(
        "[green]Every order was priced and shipped once.[/green]" if good else "[red]Orders are missing.[/red]"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
