"""Payload templates: what is computed, what stays, what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl.expression import FlowError, Scope
from sfc.asl.template import TemplateError, compile_template
from sfc.interpreter.entropy import SeededEntropy


def scope() -> Scope:
    return Scope(lambda: {"Execution": {"Id": "e1"}}, SeededEntropy(1), {"v": 7})


def test_members_that_end_in_dot_dollar_are_computed_and_lose_the_suffix() -> None:
    template = compile_template(
        {
            "id.$": "$.order.id",
            "constant": "$.order.id",
            "nested": {
                "at.$": "$$.Execution.Id",
                "list": [1, {"v.$": "$v"}, [{"text.$": "States.Format('{}!', $.n)"}]],
            },
        }
    )
    assert template.references == 4
    assert template.evaluate({"order": {"id": "o1"}, "n": 2}, scope()) == {
        "id": "o1",
        "constant": "$.order.id",
        "nested": {"at": "e1", "list": [1, {"v": 7}, [{"text": "2!"}]]},
    }


def test_members_keep_the_order_of_the_template() -> None:
    assert list(compile_template({"b.$": "$", "a": 1, "c.$": "$"}).evaluate(1, scope())) == ["b", "a", "c"]


@given(
    st.recursive(st.none() | st.integers(-9, 9) | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text("ab"), v))
)
def test_a_template_without_references_gives_the_very_object_it_was_made_of(value: Any) -> None:
    template = compile_template(value)
    assert template.evaluate({"any": 1}, scope()) is value
    assert template.references == 0


def test_evaluating_twice_gives_equal_and_separate_objects() -> None:
    template = compile_template({"l": [{"x.$": "$"}]})
    first, second = template.evaluate(1, scope()), template.evaluate(2, scope())
    assert (first, second) == ({"l": [{"x": 1}]}, {"l": [{"x": 2}]})


def test_every_problem_is_told_with_its_place() -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(
            {
                "x": 1,
                "x.$": "$.x",
                "n.$": 5,
                "deep": [{"bad.$": "no path"}, {"worse.$": "States.Nope()"}],
                "fine.$": "$",
            }
        )
    assert [pointer for pointer, _ in caught.value.problems] == ["/x.$", "/n.$", "/deep[0]/bad.$", "/deep[1]/worse.$"]
    assert "keep one of them" in str(caught.value)


@pytest.mark.parametrize(
    ("template", "path", "field", "data"),
    [
        ({"value.$": "$.no_such"}, "$.no_such", "value.$", '{"int-literal":0}'),
        ({"a": {"b.$": "$.x.y"}}, "$.x.y", "b.$", '{"int-literal":0}'),
        ({"v.$": "$$.Nope"}, "$$.Nope", "v.$", '{"Execution":{"Id":"e1"}}'),
        ({"f.$": "States.Format('{}', $.x)"}, "$.x", "f.$", '{"int-literal":0}'),
    ],
)
def test_a_path_that_finds_nothing_is_worded_as_the_service_words_it(
    template: Any, path: str, field: str, data: str
) -> None:
    with pytest.raises(FlowError) as caught:
        compile_template(template).evaluate({"int-literal": 0}, scope())
    assert caught.value.failure.error == "States.Runtime"
    assert caught.value.failure.cause == (
        f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{data}'"
    )
