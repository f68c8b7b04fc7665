"""variableReferences, as recorded from the service and beyond."""

import json
from typing import Any

import pytest

from sfc.asl.references import variable_references
from tests.unit.asl.recorded import CORPUS


def recorded() -> list[Any]:
    path = CORPUS / "sfn_api_variable_references.json"
    found = []
    for case in json.loads(path.read_text()) if path.exists() else []:
        described = case["expected"]["describe_response"]
        name = case["id"].split("[")[-1].rstrip("]")
        found.append(pytest.param(case["definition"], described.get("variableReferences", {}), id=name))
    return found or [pytest.param({}, {}, marks=pytest.mark.skip(reason="no corpus here"))]


@pytest.mark.parametrize(("definition", "want"), recorded())
def test_references_are_those_of_the_service(definition: dict[str, Any], want: dict[str, list[str]]) -> None:
    assert variable_references(json.dumps(definition)) == want


def state(**fields: Any) -> str:
    return json.dumps({"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True, **fields}}})


@pytest.mark.parametrize(("fields", "names"), [
    ({"Parameters": {"a.$": "States.Format('{} $no', $yes)"}}, ["yes"]),
    ({"Parameters": {"a": "$no", "b": {"c.$": "$a.b"}}}, ["a"]),
    ({"Result": {"a.$": "$no"}}, []),
    ({"InputPath": "$.items[?(@.p < $.max)]['$no']"}, []),
    ({"Type": "Choice", "Choices": [{"And": [{"Variable": "$a", "NumericEqualsPath": "$b.c"}], "Next": "S"}]},
     ["a", "b"]),
    ({"QueryLanguage": "JSONata", "Output": {"x": ["{% $total + $states.input.y %}"]}, "Assign": {"y": "{% $x %}"}},
     ["total", "x"]),
    ({"QueryLanguage": "JSONata", "Output": "$no", "Comment": "$no"}, []),
], ids=str)  # fmt: skip
def test_what_a_state_reads_is_what_it_evaluates(fields: dict[str, Any], names: list[str]) -> None:
    assert variable_references(state(**fields)) == ({"S": names} if names else {})


def test_a_text_that_is_no_definition_has_none() -> None:
    assert variable_references("[") == {}
