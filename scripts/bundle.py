"""Make dist/cluster: what a machine needs to install this checkout, for `ray up` to copy there.

    requirements.txt  every package that SFC and its extras need, as constraints.txt pins them, with hashes
    wheel.txt         SFC itself, a wheel beside it

`make setup` must have been run: which packages those are is read from its environment, so nothing is resolved again.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "dist" / "cluster"


def pins(lock: str) -> dict[NormalizedName, str]:
    """The entries of a lock, by the name of their package: `name==version` and its hashes."""
    entries = re.findall(r"^[A-Za-z0-9][^\n]*(?:\n[ \t]+[^\n]+)*", lock, re.MULTILINE)
    return {canonicalize_name(re.split("[=<>;@ ]", entry, maxsplit=1)[0]): entry for entry in entries}


def needed(requirements: list[str]) -> set[NormalizedName]:
    """The packages that these and all that they need come to, in the environment that runs this."""
    seen: set[tuple[NormalizedName, frozenset[str]]] = set()
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        for line in requires(requirement.name) or ():
            further = Requirement(line)
            extras = ("", *requirement.extras)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(further)
    return {name for name, _ in seen}


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = (line for extra in project["optional-dependencies"].values() for line in extra)
    pinned = pins((ROOT / "constraints.txt").read_text())
    lines = [pinned[name] for name in sorted(needed([*project["dependencies"], *extras]))]
    shutil.rmtree(BUNDLE, ignore_errors=True)
    BUNDLE.mkdir(parents=True)
    (BUNDLE / "requirements.txt").write_text("\n".join(lines) + "\n")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(BUNDLE), str(ROOT)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = BUNDLE.glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (BUNDLE / "wheel.txt").write_text(f"./{wheel.name} --hash=sha256:{digest}\n")
    print(f"{BUNDLE.relative_to(ROOT)}: {wheel.name} and {len(lines)} pinned packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
