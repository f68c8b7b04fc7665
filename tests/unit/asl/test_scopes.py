"""Names of variables and where they may be assigned."""

from typing import Any

import pytest

from sfc.asl import parse

PASS = {"Type": "Pass", "End": True}


def branch(**assign: Any) -> dict[str, Any]:
    return {"StartAt": "I", "States": {"I": {**PASS, "Assign": assign}}}


def around(inner: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A machine whose second state holds `inner`; its first one assigns x."""
    first = {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"}
    return {"StartAt": "A", "States": {"A": first, "B": {**inner, "End": True, **fields}}}


def places(definition: dict[str, Any]) -> list[str]:
    return [each.location for each in parse(definition).diagnostics if each.severity == "ERROR"]


PARALLEL = {"Type": "Parallel", "Branches": [branch(x=2)]}
MAP = {"Type": "Map", "ItemProcessor": branch(x=2)}
DISTRIBUTED = {
    "Type": "Map",
    "ItemProcessor": {**branch(x=2), "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
}
CATCH = [{"ErrorEquals": ["States.ALL"], "Assign": {"y": 1}, "Next": "A"}]


@pytest.mark.parametrize(
    ("definition", "want"),
    [
        (around(PARALLEL), ["/States/B/Branches[0]/States/I/Assign/x"]),
        (around(MAP), ["/States/B/ItemProcessor/States/I/Assign/x"]),
        (around(DISTRIBUTED), []),
        (around({**PARALLEL, "Branches": [branch(y=2)]}), []),
        (around({"Type": "Parallel", "Branches": [branch(y=2)]}, Assign={"y": 1}), []),
        (around({"Type": "Parallel", "Branches": [branch(y=2)]}, Catch=CATCH), []),
        (
            around(
                {
                    "Type": "Parallel",
                    "Branches": [
                        {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": branch(x=1), "End": True}}}
                    ],
                }
            ),
            ["/States/B/Branches[0]/States/M/ItemProcessor/States/I/Assign/x"],
        ),
    ],
    ids=["Parallel", "Map", "distributed Map", "another name", "the state's own", "the state's catcher", "two levels"],
)
def test_an_inner_scope_assigns_no_name_that_an_outer_one_may_have_assigned(
    definition: dict[str, Any], want: list[str]
) -> None:
    assert places(definition) == want


@pytest.mark.parametrize("name", ["x", "_x", "großer_Wert1", "x" * 80])
def test_a_variable_has_a_name_of_letters_digits_and_underscores(name: str) -> None:
    assert places({"StartAt": "S", "States": {"S": {**PASS, "Assign": {name: 1}}}}) == []


@pytest.mark.parametrize("name", ["", "1x", "a-b", "a b", "x" * 81, "states"])
def test_other_names_are_refused_at_their_place(name: str) -> None:
    assert places({"StartAt": "S", "States": {"S": {**PASS, "Assign": {name: 1}}}}) == [f"/States/S/Assign/{name}"]


JSONATA: list[tuple[dict[str, Any], str, str]] = [
    ({"Output": "{% 1 + %}"}, "/States/S/Output", "INVALID_JSONATA_EXPRESSION"),
    ({"Output": {"a": ["{% $states.result %}"]}}, "/States/S/Output/a[0]", "UNSUPPORTED_JSONATA_EXPRESSION"),
    ({"Assign": {"v": "{% phone %}"}}, "/States/S/Assign/v", "UNSUPPORTED_JSONATA_EXPRESSION"),
    ({"Output": "{% 1"}, "/States/S/Output", "SCHEMA_VALIDATION_FAILED"),
    ({"Type": "Task", "Resource": "task:t", "Arguments": "{% $states.errorOutput %}"}, "/States/S/Arguments",
     "UNSUPPORTED_JSONATA_EXPRESSION"),
    ({"Type": "Task", "Resource": "task:t", "TimeoutSeconds": "soon"}, "/States/S/TimeoutSeconds",
     "SCHEMA_VALIDATION_FAILED"),
    ({"Type": "Choice", "Choices": [{"Condition": "yes", "Next": "S"}], "Default": "S"},
     "/States/S/Choices[0]/Condition", "SCHEMA_VALIDATION_FAILED"),
    ({"Type": "Choice", "Choices": [{"Next": "S"}], "Default": "S"}, "/States/S/Choices[0]",
     "SCHEMA_VALIDATION_FAILED"),
    ({"Type": "Map", "Items": "all", "ItemProcessor": branch(y=1)}, "/States/S/Items", "SCHEMA_VALIDATION_FAILED"),
    ({"Type": "Wait", "Seconds": "{% $x + %}"}, "/States/S/Seconds", "INVALID_JSONATA_EXPRESSION"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "location", "code"), JSONATA, ids=[str(each[0]) for each in JSONATA])
def test_what_is_wrong_in_jsonata_is_found_when_it_is_read(fields: dict[str, Any], location: str, code: str) -> None:
    definition = {"QueryLanguage": "JSONata", "StartAt": "S", "States": {"S": {**PASS, **fields}}}
    assert (location, code) in [(each.location, each.code) for each in parse(definition).diagnostics]
