"""A workflow that becomes hot: from no worker to many and back to none, with a plot.

`python -m examples.hot_workflow` starts a server of its own on loopback, sends it a wave of executions, prints the pool
as it grows and shrinks, and writes `hot_workflow.svg` (or `--out FILE`). Exit 0 when all executions succeeded and the
pool is empty again.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from examples.hot_workflow.plot import Sample, line, svg
from examples.server import server

HERE = Path(__file__).parent
NAME = "hot"
HANDLERS = "examples.hot_workflow.handlers"
MOST_WORKERS, TARGET = 6, 10
POOL = {"mode": "specific", "min": 0, "max": MOST_WORKERS, "target": TARGET, "idle_s": 5, "cpus": 0.5}
WAVE = (1, 5, 20, 60, 90, 60, 20, 5, 1)
"""Executions a second, two seconds each."""
LONGEST_S = 180


def wave(url: str) -> int:
    """Sends it; how many executions were started."""
    started = 0
    with httpx.Client(base_url=url, timeout=30) as client:
        for rate in WAVE:
            for tick in range(20):
                due = rate * (tick + 1) // 10 - rate * tick // 10
                began = time.monotonic()
                for _ in range(due):
                    client.post("/api/executions", json={"blueprint": NAME, "input": {}}).raise_for_status()
                    started += 1
                time.sleep(max(0.1 - (time.monotonic() - began), 0))
    return started


def show(url: str) -> dict[str, Any]:
    """The pool as it is now."""
    found: dict[str, Any] = httpx.get(f"{url}/api/pools/{NAME}", timeout=30).json()
    return found


def run(url: str, out: Path) -> int:
    definition = json.loads((HERE / "hot.asl.json").read_text())
    body = {"definition": definition, "settings": {"pool": POOL}}
    httpx.put(f"{url}/api/blueprints/{NAME}", json=body, timeout=30).raise_for_status()
    started: list[int] = []
    sender = threading.Thread(target=lambda: started.append(wave(url)))
    sender.start()
    samples: list[Sample] = []
    began = time.monotonic()
    while time.monotonic() - began < LONGEST_S:
        pool = show(url)
        jobs, workers = pool["in_flight"] + pool["queued"], pool["up"] + pool["draining"]
        samples.append(Sample(time.monotonic() - began, workers, jobs))
        print(line(samples[-1], MOST_WORKERS * TARGET), flush=True)
        if started and not workers and not jobs:
            break
        time.sleep(1)
    sender.join()
    out.write_text(svg(samples, f"{sum(started)} executions of one workflow, on workers of its own"), encoding="utf-8")
    counts = httpx.get(f"{url}/api/stats", params={"blueprint": NAME}, timeout=30).json()["executions"]
    print(f"\n{sum(started)} executions: {counts}; at most {max(s.workers for s in samples)} workers. Plot: {out}\n")
    for decision in httpx.get(f"{url}/api/pools/{NAME}/why", timeout=30).json()["items"]:
        print(f"{decision['at'][11:19]}  {decision['what']:8} {decision['why']}")
    return 0 if counts == {"SUCCEEDED": sum(started)} and not samples[-1].workers else 1


def main() -> int:
    parser = argparse.ArgumentParser(description="A workflow from no worker to many and back.")
    parser.add_argument("--out", type=Path, default=Path("hot_workflow.svg"), help="where the plot goes")
    out = parser.parse_args().out
    with (
        tempfile.TemporaryDirectory(prefix="sfc-hot-") as data,
        server(data, "--workers", "2", "--handlers", HANDLERS) as url,
    ):
        return run(url, out)


if __name__ == "__main__":
    sys.exit(main())
