"""The documentation names everything a person can run into."""

import re
from pathlib import Path

import pytest

from serve.sfn.endpoint import ACTIONS
from sfc import limits
from tests.house.tree import DOCS, ROOT, modules, name

PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]
LIMITS = {key: value for key, value in vars(limits).items() if key.isupper()}
INTRINSICS = {
    *("Array", "ArrayPartition", "ArrayContains", "ArrayRange", "ArrayGetItem", "ArrayLength", "ArrayUnique"),
    *("Base64Encode", "Base64Decode", "Format", "Hash", "JsonMerge", "JsonToString", "MathAdd", "MathRandom"),
    *("StringSplit", "StringToJson", "UUID"),
}


@pytest.mark.parametrize("limit", sorted(LIMITS))
def test_every_limit_is_documented_with_its_value(limit: str) -> None:
    page = (DOCS / "reference" / "limits.md").read_text()
    assert re.search(rf"^\| `{limit}` \| {LIMITS[limit]:,} \|", page, re.MULTILINE)


def test_no_limit_is_documented_that_does_not_exist() -> None:
    documented = re.findall(r"^\| `([A-Z_]+)` \|", (DOCS / "reference" / "limits.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(LIMITS)


def test_every_error_a_flow_can_meet_is_documented() -> None:
    source = "\n".join(path.read_text() for path in modules())
    used = set(re.findall(r"\b((?:SFC|States)\.[A-Z][A-Za-z]+(?:\.[A-Z][A-Za-z]+)*)\b", source))
    used -= {f"States.{function}" for function in INTRINSICS} | {"States.Name"}  # the form of an intrinsic
    page = (DOCS / "reference" / "errors.md").read_text()
    assert {error for error in used if f"`{error}" not in page} == set()


def test_every_action_of_the_step_functions_api_is_documented() -> None:
    page = (DOCS / "reference" / "http-api.md").read_text()
    actions = {target.decode().partition(".")[2] for target in ACTIONS}
    assert {action for action in actions if f"`{action}`" not in page} == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{name(page)} links to {target}"
