"""Pin every dependency, with hashes, in constraints.txt; or check that the pins still belong to pyproject.toml.

    python scripts/lock.py            resolve again, keeping the pins that still fit (needs the network)
    python scripts/lock.py --upgrade  take the newest of everything
    python scripts/lock.py --check    exit 1 when pyproject.toml asks for something else than what was locked

The check needs no network: constraints.txt begins with a digest of what it was made from.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "constraints.txt"
HEADER = "# Made by `make lock` from pyproject.toml with Python 3.11. Inputs: {digest}\n"


def inputs(project: dict[str, Any]) -> list[str]:
    """Every requirement that ends up in an environment of `make setup`, sorted."""
    found = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(line for extra in project["project"]["optional-dependencies"].values() for line in extra),
        *(line for group in project["dependency-groups"].values() for line in group),
    ]
    return sorted(found)


def header(requirements: list[str]) -> str:
    digest = hashlib.sha256(json.dumps(requirements).encode()).hexdigest()
    return HEADER.format(digest=digest[:32])


def resolve(requirements: list[str], *, upgrade: bool) -> None:
    """Write constraints.txt. Raises CalledProcessError when the requirements do not fit together."""
    command = [sys.executable, "-m", "piptools", "compile", "-", "--output-file", str(LOCK), "--quiet", "--no-header"]
    command += ["--generate-hashes", "--no-annotate", "--strip-extras", "--allow-unsafe"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host"]
    command += ["--upgrade"] if upgrade else []
    subprocess.run(command, input="\n".join(requirements), text=True, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    LOCK.write_text(header(requirements) + LOCK.read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--upgrade", action="store_true")
    options = parser.parse_args()
    requirements = inputs(tomllib.loads((ROOT / "pyproject.toml").read_text()))
    if not options.check:
        resolve(requirements, upgrade=options.upgrade)
    elif not LOCK.exists() or not LOCK.read_text().startswith(header(requirements)):
        print("constraints.txt was not made from this pyproject.toml: run `make lock`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
