"""The mock configuration file: what it says, and what is wrong with it."""

import json
from typing import Any

import pytest

from sfc.tasks.mocks import InvalidMocks, NotMocked, Return, Throw, read_mocks

RESPONSES = {
    "Ok": {"0": {"Return": {"ok": True}}},
    "Retried": {"0-1": {"Throw": {"Error": "Busy", "Cause": "later"}}, "2": {"Return": 7}},
}


def config(**changes: Any) -> str:
    machine = {"TestCases": {"Happy": {"A": "Ok", "B": "Retried"}}}
    return json.dumps({"StateMachines": {"orders": machine}, "MockedResponses": RESPONSES, **changes})


def test_a_case_tells_what_each_call_of_a_state_answers() -> None:
    case = read_mocks(config()).case("orders", "Happy")
    assert case is not None
    assert case.responses["A"].of_call(0, "A") == Return({"ok": True})
    answers = [case.responses["B"].of_call(number, "B") for number in range(3)]
    assert answers == [Throw("Busy", "later"), Throw("Busy", "later"), Return(7)]


def test_a_call_beyond_the_answers_says_which_there_are() -> None:
    case = read_mocks(config()).case("orders", "Happy")
    assert case is not None
    with pytest.raises(NotMocked, match="call 3 of state 'B' has no answer: Retried is for the calls 0-1, 2"):
        case.responses["B"].of_call(3, "B")


def test_what_is_not_there_is_none() -> None:
    found = read_mocks(config())
    assert found.case("orders", "Sad") is None
    assert found.case("others", "Happy") is None
    assert found.cases("others") == []


def machine(**members: Any) -> dict[str, Any]:
    return {"StateMachines": {"orders": {"TestCases": {"Happy": {"A": "Ok"}}, **members}}}


def response(answers: Any) -> dict[str, Any]:
    return {"MockedResponses": {**RESPONSES, "Ok": answers}}


WRONG = [
    pytest.param({"StateMachines": []}, "/StateMachines", "must be an object", id="no object"),
    pytest.param({"StateMachines": {}}, "/StateMachines", "has no StateMachines", id="no machines"),
    pytest.param(
        {"StateMachines": {"orders": {}}}, "/StateMachines/orders/TestCases", "has no TestCases", id="no cases"
    ),
    pytest.param(
        {"MockedResponses": {}}, "/StateMachines/orders/TestCases/Happy/A", "no mocked response 'Ok'", id="no response"
    ),
    pytest.param(response({}), "/MockedResponses/Ok", "has no answers", id="no answers"),
    pytest.param(response({"one": {"Return": 1}}), "/MockedResponses/Ok/one", 'calls are written "0"', id="no number"),
    pytest.param(response({"3-1": {"Return": 1}}), "/MockedResponses/Ok/3-1", 'calls are written "0"', id="backwards"),
    pytest.param(
        response({"0-99999": {"Return": 1}}), "/MockedResponses/Ok/0-99999", "up to 24999", id="more than a history"
    ),
    pytest.param(
        response({"0-2": {"Return": 1}, "1": {"Return": 1}}), "/MockedResponses/Ok/1", "for the same call", id="twice"
    ),
    pytest.param(response({"0": {}}), "/MockedResponses/Ok/0", "either Return or Throw", id="neither"),
    pytest.param(
        response({"0": {"Return": 1, "Throw": {}}}), "/MockedResponses/Ok/0", "either Return or Throw", id="both"
    ),
    pytest.param(response({"0": {"Throw": {}}}), "/MockedResponses/Ok/0/Throw", "must be texts", id="no Error"),
    pytest.param(
        machine(Expected={"Sad": {}}), "/StateMachines/orders/Expected/Sad", "no such test case", id="no such case"
    ),
    pytest.param(
        machine(Expected={"Happy": {"Outputs": 1}}),
        "/StateMachines/orders/Expected/Happy/Outputs",
        "expected are",
        id="unknown expectation",
    ),
    pytest.param(
        machine(Expected={"Happy": {"Status": "DONE"}}),
        "/StateMachines/orders/Expected/Happy/Status",
        "must be one of",
        id="no status",
    ),
    pytest.param(
        machine(Expected={"Happy": {"Path": "A"}}),
        "/StateMachines/orders/Expected/Happy/Path",
        "must be names",
        id="no path",
    ),
]


@pytest.mark.parametrize(("changes", "field", "reason"), WRONG)
def test_a_mistake_is_told_with_its_place(changes: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(InvalidMocks, match=reason) as found:
        read_mocks(config(**changes))
    assert found.value.field == field


def test_what_is_no_json_is_told() -> None:
    with pytest.raises(InvalidMocks, match="no JSON"):
        read_mocks("{")
