"""SFC beside its peers, by the shared workloads (`bench` of the shared corpus), in one pass on one machine.

`python -m bench.peers [PEER …]`: starts `sfc up` on SQLite with two Ray workers, drives it through its Step Functions
endpoint by the shared `sfn_bench.py`, then runs the peers that are installed under $BENCH_ROOT (the shared `setup.sh`
installs them; restate and dbos-sqlite are looked for). Prints every figure of each and the ratios.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.servers import sfc_up

ROOT = Path(os.environ.get("BENCH_ROOT", "/tmp/sfc-bench"))
SHARED = Path(os.environ.get("SFC_SHARED") or Path(__file__).parents[2] / "shared") / "bench"
SECONDS = os.environ.get("BENCH_SECONDS", "6")
PEERS = {
    "restate": (ROOT / "venv-restate/bin/python", ["restate_bench.py"]),
    "dbos-sqlite": (ROOT / "venv-dbos/bin/python", ["dbos_bench.py", "sqlite"]),
}
RATIOS: dict[str, tuple[tuple[str, str], dict[str, tuple[str, str]]]] = {
    "one task, burst, executions/s": (
        ("w1_burst_c32", "per_s"),
        {"restate": ("w1_c32", "per_s"), "dbos-sqlite": ("w1_c32", "per_s")},
    ),
    "one task, start to result by HTTP, 32 clients, per s": (("w1_c32", "per_s"), {"restate": ("w1_c32", "per_s")}),
    "request to response, 32 clients, per s": (("w4", "per_s"), {"restate": ("w4", "per_s")}),
    "chain of ten, tasks/s": (
        ("w2_burst_c32", "tasks_per_s"),
        {"restate": ("w2_c32", "tasks_per_s"), "dbos-sqlite": ("w2_c16", "tasks_per_s")},
    ),
    "fan-out of 1,000, s": (("w3", "wall_s"), {"restate": ("w3_fan_out_steps", "wall_s")}),
}
"""What is compared: our (run, figure), and each peer's."""


def run(python: str | Path, arguments: list[str], results: Path) -> None:
    (ROOT / "logs").mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "BENCH_RESULTS": str(results), "BENCH_ROOT": str(ROOT), "BENCH_SECONDS": SECONDS}
    done = subprocess.run([python, *arguments], cwd=SHARED, env=environment, stdout=sys.stderr, check=False)
    if done.returncode:
        print(f"{arguments[0]} ended with {done.returncode}", file=sys.stderr)


@contextmanager
def results_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sfc-peers-") as folder:
        yield Path(folder)


def measure(peers: list[str]) -> dict[str, dict[str, Any]]:
    """Runs by system: name → figures."""
    with results_folder() as results:
        with sfc_up() as server:
            run(
                sys.executable,
                [
                    "sfn_bench.py",
                    "sfc",
                    server.url,
                    "--pids",
                    str(server.pid),
                    "--durable",
                    "yes (SQLite WAL FULL)",
                    "--boto3",
                ],
                results,
            )
        for peer in peers:
            run(*PEERS[peer], results)
        found = {path.stem: json.loads(path.read_text()) for path in results.glob("*.json")}
    return {name: data["runs"] for name, data in found.items()}


def compare(runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Our figure, each peer's, and how many times theirs ours is."""
    table: dict[str, Any] = {}
    for title, ((ours, figure), others) in RATIOS.items():
        own = runs.get("sfc", {}).get(ours, {}).get(figure)
        row: dict[str, Any] = {"sfc": own}
        for peer, (key, theirs) in others.items():
            value = runs.get(peer, {}).get(key, {}).get(theirs)
            if own and value:
                row[peer] = value
                row[f"times {peer}"] = round(own / value, 2)
        table[title] = row
    return table


def main(names: list[str] | None = None) -> dict[str, Any]:
    if not SHARED.is_dir():
        return {"skipped": f"no shared workloads at {SHARED}; set SFC_SHARED"}
    peers = [name for name in names or PEERS if PEERS[name][0].exists()]
    runs = measure(peers)
    missing = [name for name in PEERS if name not in runs]
    return {"compared": compare(runs), "not installed or not run": missing, "runs": runs}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:] or None), indent=1))
