"""Choice rules: the 39 operators, And, Or, Not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl.choice import COMPARISONS, OPERATORS, TYPE_TESTS, compile_condition
from sfc.asl.expression import PathError, Scope
from sfc.asl.model import Condition
from sfc.asl.patterns import compile_pattern
from sfc.interpreter.entropy import SeededEntropy
from tests.unit.asl.recorded import executions

SCOPE = Scope(lambda: {"Execution": {"Id": "e1"}}, SeededEntropy(1))

EXAMPLES: dict[str, tuple[Any, Any]] = {
    "String": ("a", "b"),
    "Numeric": (1, 2.5),
    "Timestamp": ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z"),
    "Boolean": (False, True),
}
ORDER = {
    "Equals": (False, True, False),
    "LessThan": (True, False, False),
    "GreaterThan": (False, False, True),
    "LessThanEquals": (True, True, False),
    "GreaterThanEquals": (False, True, True),
}


def condition(rule: dict[str, Any]) -> Condition:
    made, found = compile_condition(rule, "/r")
    assert found == []
    assert made is not None
    return made


def holds(rule: dict[str, Any], data: Any) -> bool:
    return condition(rule).test(data, SCOPE)


def test_there_are_39_operators() -> None:
    assert len(OPERATORS) == 39


@pytest.mark.parametrize("name", sorted(COMPARISONS))
def test_a_comparison_orders_values_of_its_own_type_and_matches_no_other(name: str) -> None:
    kind, order = COMPARISONS[name]
    small, large = EXAMPLES[kind]
    others: list[Any] = [None, [], {}, "text", 5, True]
    for left, right, want in zip((small, small, large), (large, small, small), ORDER[order], strict=True):
        data = {"left": left, "right": right}
        assert holds({"Variable": "$.left", name: right}, data) is want
        assert holds({"Variable": "$.left", name + "Path": "$.right"}, data) is want
    wrong = [other for other in others if type(other) is not type(small) or kind == "Timestamp"]
    for other in wrong:
        assert not holds({"Variable": "$", name: small}, other)
        assert not holds({"Variable": "$[0]", name + "Path": "$[1]"}, [small, other])


def test_numbers_compare_by_value_and_strings_by_code_point() -> None:
    assert holds({"Variable": "$", "NumericEquals": 1}, 1.0)
    assert holds({"Variable": "$", "StringLessThan": "\U0001f197"}, "\uffff")
    assert holds({"Variable": "$", "StringLessThan": "a"}, "Z")


def test_timestamps_compare_as_moments() -> None:
    assert holds({"Variable": "$", "TimestampEquals": "2026-01-01T00:00:00Z"}, "2026-01-01T01:00:00+01:00")


@pytest.mark.parametrize(
    ("name", "yes"),
    [
        ("IsNull", [None]),
        ("IsBoolean", [True, False]),
        ("IsNumeric", [0, 1.5]),
        ("IsString", ["", "x", "2026-01-01T00:00:00Z"]),
        ("IsTimestamp", ["2026-01-01T00:00:00Z"]),
    ],
)
def test_a_type_test_asks_for_a_type_or_for_any_other(name: str, yes: list[Any]) -> None:
    values: list[Any] = [None, True, False, 0, 1.5, "", "x", "2026-01-01T00:00:00Z", [], {}]
    for value in values:
        is_one = any(value is one or (type(value) is type(one) and value == one) for one in yes)
        assert holds({"Variable": "$.v", name: True}, {"v": value}) is is_one
        assert holds({"Variable": "$.v", name: False}, {"v": value}) is not is_one


def test_a_missing_variable_is_an_error_unless_its_presence_is_asked() -> None:
    assert holds({"Variable": "$.x", "IsPresent": False}, {})
    assert not holds({"Variable": "$.x", "IsPresent": True}, {})
    assert holds({"Variable": "$.x", "IsPresent": True}, {"x": None})
    assert not holds({"Variable": "$.x", "IsPresent": False}, {"x": None})
    for rule in ({"Variable": "$.x", "IsNull": True}, {"Variable": "$.x", "StringEquals": "a"}):
        with pytest.raises(PathError, match="No results for path"):
            holds(rule, {})
    with pytest.raises(PathError):
        holds({"Variable": "$.a", "StringEqualsPath": "$.x"}, {"a": "a"})


def test_and_or_stop_at_the_first_part_that_decides() -> None:
    present, big = {"Variable": "$.x", "IsPresent": True}, {"Variable": "$.x", "NumericGreaterThan": 5}
    absent = {"Variable": "$.x", "IsPresent": False}
    assert not holds({"And": [present, big]}, {})
    assert holds({"Or": [absent, big]}, {})
    assert holds({"And": [present, big]}, {"x": 6})
    assert not holds({"Or": [absent, big]}, {"x": 5})
    assert holds({"Not": {"And": [present, {"Not": {"Not": big}}]}}, {"x": 1})
    with pytest.raises(PathError):
        holds({"And": [big, present]}, {})


def test_variables_may_be_functions_and_context_paths() -> None:
    assert holds({"Variable": "$$.Execution.Id", "StringEquals": "e1"}, {})
    assert holds({"Variable": "States.ArrayLength($)", "NumericEquals": 2}, [1, 2])


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("log-*.txt", ["log-.txt", "log-a.b.txt"], ["log.txt", "log-a.txt2", "xlog-.txt"]),
        ("*", ["", "anything"], []),
        ("abc", ["abc"], ["ab", "abcd"]),
        ("a*b*c", ["abc", "aXbYc", "abbcc"], ["acb", "ab", "ac"]),
        ("a*a", ["aa", "aba"], ["a"]),
        ("*ab*", ["ab", "xabx"], ["ba"]),
        (r"a\*b", ["a*b"], ["axb"]),
        (r"a\\*", ["a\\", "a\\x"], ["a*"]),
        ("a\\", ["a\\"], ["a"]),
        ("", [""], ["x"]),
    ],
)
def test_a_star_stands_for_any_run_of_characters(pattern: str, yes: list[str], no: list[str]) -> None:
    test = condition({"Variable": "$", "StringMatches": pattern})
    assert all(test.test(text, SCOPE) for text in yes)
    assert not any(test.test(text, SCOPE) for text in no)
    assert not test.test(5, SCOPE)


@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=5), st.text("ab", max_size=4))
def test_a_pattern_matches_whatever_its_stars_are_filled_with(parts: list[str], fill: str) -> None:
    assert compile_pattern("*".join(parts))(fill.join(parts))


def test_many_stars_against_a_long_text_end_at_once() -> None:
    assert not compile_pattern("a*" * 1000 + "b")("a" * 200_000)


@pytest.mark.parametrize(
    ("rule", "locations"),
    [
        ("text", ["/r"]),
        ({}, ["/r"]),
        ({"Variable": "$"}, ["/r"]),
        ({"Variable": "$", "StringEqual": "a"}, ["/r/StringEqual"]),
        ({"Variable": "$", "StringEquals": "a", "IsNull": True}, ["/r"]),
        ({"StringEquals": "a"}, ["/r"]),
        ({"StringMatches": "a"}, ["/r"]),
        ({"IsNull": True}, ["/r"]),
        ({"StringEqualsPath": "$"}, ["/r"]),
        ({"Variable": "a", "StringEquals": 5}, ["/r/Variable", "/r/StringEquals"]),
        ({"Variable": 5, "NumericEquals": True}, ["/r/Variable", "/r/NumericEquals"]),
        ({"Variable": "States.Nope()", "BooleanEquals": "true"}, ["/r/Variable", "/r/BooleanEquals"]),
        ({"Variable": "$", "TimestampEquals": "2026-01-01"}, ["/r/TimestampEquals"]),
        ({"Variable": "$", "StringMatches": 1}, ["/r/StringMatches"]),
        ({"Variable": "$", "IsPresent": "yes"}, ["/r/IsPresent"]),
        ({"Variable": "$", "StringEqualsPath": "x"}, ["/r/StringEqualsPath"]),
        ({"And": []}, ["/r/And"]),
        ({"Or": {}}, ["/r/Or"]),
        ({"Not": []}, ["/r/Not"]),
        ({"And": [{}, {"Not": {"Variable": "$"}}]}, ["/r/And[0]", "/r/And[1]/Not"]),
        ({"Variable": "$", "Not": {"Variable": "$", "IsNull": True}}, ["/r/Variable"]),
        ({"Not": {"Variable": "$", "IsNull": True, "Next": "A"}}, ["/r/Not/Next"]),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_with_its_place(rule: Any, locations: list[str]) -> None:
    made, found = compile_condition(rule, "/r")
    assert made is None
    assert [one.location for one in found] == locations
    assert {one.code for one in found} == {"SCHEMA_VALIDATION_FAILED"}


def test_members_of_the_rule_itself_are_left_to_the_caller() -> None:
    assert holds({"Variable": "$", "IsNull": True, "Next": "A", "Comment": "c", "Assign": {}}, None)
    assert set(TYPE_TESTS) < OPERATORS


@pytest.mark.parametrize(("definition", "source", "want"), executions("choice_operators.json"))
def test_rules_decide_as_recorded_from_the_service(definition: Any, source: str, want: Any) -> None:
    state = definition["States"][definition["StartAt"]]
    data = json.loads(source)
    taken = next((rule["Next"] for rule in state["Choices"] if holds(rule, data)), state.get("Default"))
    assert taken == want["TestResult.$"]
