"""`python -m bench [NAME …]`: runs the named benchmarks, or all, one after the other, and prints one JSON object."""

import importlib
import json
import pkgutil
import sys

import bench


def main(names: list[str]) -> int:
    known = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))
    unknown = set(names) - set(known)
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    results = {}
    for name in names or known:
        print(f"{name} …", file=sys.stderr, flush=True)
        results[name] = importlib.import_module(f"bench.{name}").main()
    print(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
