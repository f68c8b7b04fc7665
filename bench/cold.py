"""Seconds from the shell to the output of `sfc run` with a blueprint of one Pass state, each time in a new process;
beside it what Python itself takes, and Python with the command line's library.

    python -m bench.cold
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROUNDS = 15
PASS = {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": True}}}


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""As a user has it: compiled modules are kept."""


def seconds(command: list[str | Path]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - began


def main() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="sfc-bench-") as folder:
        file = Path(folder) / "pass.asl.json"
        file.write_text(json.dumps(PASS))
        commands: dict[str, list[str | Path]] = {
            "sfc_run_s": [Path(sys.executable).with_name("sfc"), "run", file],
            "python_s": [sys.executable, "-c", "pass"],
            "python_with_typer_and_pydantic_s": [sys.executable, "-c", "import typer, pydantic.types"],
        }
        found: dict[str, list[float]] = {name: [] for name in commands}
        for command in commands.values():
            seconds(command)
        for _ in range(ROUNDS):
            for name, command in commands.items():
                found[name].append(seconds(command))
    result: dict[str, Any] = {name: round(statistics.median(times), 3) for name, times in found.items()}
    return result | {"sfc_run_worst_s": round(max(found["sfc_run_s"]), 3)}


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
