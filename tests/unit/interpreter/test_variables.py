"""Variables: when they get their values, who sees them, and how much they may hold."""

from typing import Any

import pytest

from sfc.limits import VARIABLE_BYTES, VARIABLES_BYTES
from tests.support.play import Play, states

TASK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True}


def show(**paths: str) -> dict[str, Any]:
    return {"Type": "Pass", "Parameters": {f"{name}.$": path for name, path in paths.items()}, "End": True}


def test_all_of_a_state_get_their_values_at_once() -> None:
    machine = states(
        "A",
        A={"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
        B={"Type": "Pass", "Assign": {"x.$": "$y", "y.$": "$x"}, "Next": "C"},
        C=show(x="$x", y="$y"),
    )
    assert Play(machine).output == {"x": 2, "y": 1}


def test_their_values_show_where_the_state_is_left() -> None:
    machine = states("A", A={"Type": "Pass", "Assign": {"x": 42, "s": "abc"}, "End": True})
    events = Play(machine).run.events
    assert events is not None
    details = events[2]["stateExitedEventDetails"]
    assert details["assignedVariables"] == {"x": "42", "s": '"abc"'}
    assert details["assignedVariablesDetails"] == {"truncated": False}


@pytest.mark.parametrize(("fields", "want"), [
    ({"InputPath": "$v"}, {"a": 1}),
    ({"OutputPath": "$v.a"}, 1),
    ({"Parameters": {"x.$": "States.Format('{}', $v.a)"}}, {"x": "1"}),
], ids=["InputPath", "OutputPath", "an intrinsic"])  # fmt: skip
def test_paths_may_begin_at_a_variable(fields: dict[str, Any], want: Any) -> None:
    machine = states(
        "A",
        A={"Type": "Pass", "Assign": {"v": {"a": 1}}, "Next": "B"},
        B={"Type": "Pass", "End": True, **fields},
    )
    assert Play(machine).output == want


def test_a_task_assigns_of_its_raw_result() -> None:
    task = {**TASK, "ResultSelector": {"only.$": "$.b"}, "Assign": {"all.$": "$"}, "Next": "N"}
    del task["End"]
    played = Play(states("S", S=task, N=show(all="$all", input="$")))
    played.succeed("S", {"b": 2, "c": 3})
    assert played.output == {"all": {"b": 2, "c": 3}, "input": {"only": 2}}


def test_a_catcher_assigns_in_place_of_the_state() -> None:
    catch = {"ErrorEquals": ["States.ALL"], "Next": "N", "ResultPath": None, "Assign": {"v.$": "$.Error"}}
    played = Play(states("S", S={**TASK, "Assign": {"v": "no"}, "Catch": [catch]}, N=show(v="$v", input="$")))
    played.fail("S", "Lost")
    assert played.output == {"v": "Lost", "input": {}}


def test_an_inner_scope_sees_the_outer_and_not_the_reverse() -> None:
    inner = {"StartAt": "I", "States": {
        "I": {"Type": "Pass", "Assign": {"inner.$": "$outer"}, "Next": "J"}, "J": show(inner="$inner")}}  # fmt: skip
    machine = states(
        "A",
        A={"Type": "Pass", "Assign": {"outer": 1}, "Next": "M"},
        M={"Type": "Map", "ItemProcessor": inner, "ItemsPath": "$.items", "Next": "Z"},
        Z=show(inner="$inner"),
    )
    played = Play(machine, {"items": [1, 2]})
    assert played.run.status == "FAILED"
    assert "$inner" in (played.run.failure.cause or "" if played.run.failure else "")
    assert played.run.variable_bytes == 1


def test_an_iteration_does_not_see_what_another_assigns() -> None:
    inner = {"StartAt": "I", "States": {
        "I": {"Type": "Pass", "Assign": {"own.$": "$"}, "Next": "J"}, "J": show(own="$own")}}  # fmt: skip
    machine = states("M", M={"Type": "Map", "ItemProcessor": inner, "ItemsPath": "$.items", "End": True})
    assert Play(machine, {"items": [1, 2, 3]}).output == [{"own": 1}, {"own": 2}, {"own": 3}]


def test_one_state_assigns_no_more_than_the_limit() -> None:
    assign = {"a": "x" * (VARIABLE_BYTES // 2), "b": "x" * (VARIABLE_BYTES // 2)}
    played = Play(states("A", A={"Type": "Pass", "Assign": assign, "End": True}))
    assert played.run.failure is not None
    assert played.run.failure.error == "States.DataLimitExceeded"


def test_an_execution_holds_no_more_than_the_limit_at_once() -> None:
    large = "x" * (VARIABLE_BYTES - 100)
    many = VARIABLES_BYTES // len(large)
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Assign": {"v": large}, "Next": "W"},
                                        "W": {"Type": "Wait", "Seconds": 1, "End": True}}}  # fmt: skip
    machine = states("M", M={"Type": "Map", "ItemProcessor": inner, "ItemsPath": "$.items", "End": True})
    fits = Play(machine, {"items": [0] * many})
    while fits.run.status == "RUNNING":
        fits.elapse()
    assert fits.run.status == "SUCCEEDED"
    assert fits.run.variable_bytes == 0
    too_many = Play(machine, {"items": [0] * (many + 1)})
    assert too_many.run.failure is not None
    assert too_many.run.failure.error == "States.DataLimitExceeded"


def test_assigning_again_counts_once() -> None:
    machine = states(
        "A",
        A={"Type": "Pass", "Assign": {"v": "four"}, "Next": "B"},
        B={"Type": "Pass", "Assign": {"v": 1, "w": 22}, "End": True},
    )
    played = Play(machine)
    assert played.output == {}
