"""What no file of the repository may hold, and how large its parts may grow."""

import re

from tests.house.tree import ROOT, functions, modules, name, tracked

# Put together from pieces, so that this file does not hold what it looks for.
REGISTRIES = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "ghcr" + ".io",
    "docker" + ".io",
]
REGISTRIES += ["quay" + ".io", "crates" + ".io", "golang" + ".org", "anaconda" + ".org", "hugging" + "face.co"]
MACHINE_PATHS = ["/" + folder + "/" for folder in ("work", "root", "opt/wheels", "home/[a-z]")]
FORBIDDEN = re.compile("|".join([*map(re.escape, REGISTRIES), r"(?<![\w.\-}])(?:" + "|".join(MACHINE_PATHS) + ")"]))

MODULE_LINES = 400
FUNCTION_LINES = 60


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = [
        f"{name(path)}:{number}: {line.strip()[:100]}"
        for path in tracked()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in modules()}
    assert {module: lines for module, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {
        f"{name(path)}:{function.lineno} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in modules()
        if "migrations" not in path.parts  # a schema is a list, not logic
        for function in functions(path)
    }
    assert {function: lines for function, lines in lengths.items() if lines > FUNCTION_LINES} == {}


def test_the_typing_marker_is_there() -> None:
    assert (ROOT / "sfc" / "py.typed").is_file()
