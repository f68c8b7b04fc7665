"""Verdicts of other validators, and of AWS itself, on definitions of their tests."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sfc.asl import parse

FOLDER = Path(os.environ.get("SFC_SHARED") or Path(__file__).resolve().parents[3] / "shared") / "conformance/validator"

UNFILLED = "the text still holds the placeholder that the source replaces by a path"
KNOWN_DIFFERENCES = {
    "localstack/accepted/context_object/context_object_input_path": UNFILLED,
    "localstack/accepted/context_object/context_object_output_path": UNFILLED,
    "localstack/accepted/context_object/context_object_result_selector": UNFILLED,
    "localstack/accepted/context_object/context_object_variable": UNFILLED,
    "localstack/accepted/scenarios/map_state_items_literal": "a dummy ARN stands where the source fills in an array",
    "asl-validator/valid-assign.asl": "its variable 'top-level' is no Unicode identifier, which the guide asks for",
}


def _cases() -> list[Any]:
    cases = [case for file in sorted(FOLDER.glob("*.json")) for case in json.loads(file.read_text())]
    return [pytest.param(case, id=case["id"]) for case in cases]


def _parsed(case: dict[str, Any]) -> Any:
    definition = case["definition"]
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return parse(text, kind=case.get("type") or "STANDARD")


@pytest.fixture(autouse=True)
def _recorded(shared: Path) -> None:
    """Skips, with the reason, where the recorded cases are absent."""


@pytest.mark.parametrize("case", _cases())
def test_the_verdict_is_that_of_the_recorded_case(case: dict[str, Any]) -> None:
    parsed = _parsed(case)
    wanted = case["valid"]
    if case.get("disputed"):
        if case["aws"] == "unknown":
            return
        wanted = case["aws"] == "valid"
    if case["id"] in KNOWN_DIFFERENCES:
        assert parsed.valid != wanted, "no longer a difference: take it off the table"
        return
    assert parsed.valid == wanted, parsed.diagnostics


@pytest.mark.parametrize(
    "case", [each for each in _cases() if each.values[0]["authority"] == "aws" and not each.values[0]["valid"]]
)
def test_what_aws_refuses_is_refused_in_its_words(case: dict[str, Any]) -> None:
    found = [(each.location, each.code, each.message.strip()) for each in _parsed(case).diagnostics]
    for want in case["expected"]:
        assert (want["location"], want["code"], want["gist"].strip()) in found


def test_all_differences_are_about_cases_that_exist() -> None:
    assert KNOWN_DIFFERENCES.keys() <= {case.id for case in _cases()}
