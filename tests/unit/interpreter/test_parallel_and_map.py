"""Branches and iterations: all of them, in order, or the first failure."""

from typing import Any

import pytest

from sfc.asl.expression import Failure
from sfc.interpreter.commands import CancelTask
from tests.support.play import Play, count, states


def branch(name: str, state: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: state}}


def task(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"task:{name}", "End": True, **more}


BOTH = {"Type": "Parallel", "Branches": [branch("A", task("a")), branch("B", task("b"))], "End": True}


def test_a_parallel_gathers_its_outputs_in_branch_order() -> None:
    play = Play(states("P", P=BOTH))
    play.succeed("B", 2)
    play.succeed("A", 1)
    assert play.output == [1, 2]


def test_a_failing_branch_calls_the_others_back_and_fails_the_state() -> None:
    play = Play(states("P", P=BOTH))
    made = play.fail("A", "Broken", "wheel")
    assert count(made, CancelTask) == 1
    assert (play.run.status, play.run.failure) == ("FAILED", Failure("Broken", "wheel"))
    assert "ParallelStateFailed" in play.types()


def test_a_parallel_is_retried_and_caught_as_a_whole() -> None:
    play = Play(states("P", P={**BOTH, "Retry": [{"ErrorEquals": ["Broken"], "MaxAttempts": 1}],
                               "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "C"}]},
                       C={"Type": "Pass", "End": True}))  # fmt: skip
    play.fail("A", "Broken")
    assert play.run.jobs == {}
    play.elapse()
    assert sorted(job.state for job in play.run.jobs.values()) == ["A", "B"]
    play.fail("B", "Broken", "again")
    assert play.output == {"Error": "Broken", "Cause": "again"}


def test_a_map_starts_no_more_than_max_concurrency_at_once() -> None:
    machine = states("M", M={"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "End": True,
                             "ItemProcessor": branch("T", task("t"))})  # fmt: skip
    play = Play(machine, {"items": [1, 2, 3, 4, 5]})
    most = 0
    while not play.run.done:
        most = max(most, len(play.run.jobs))
        play.succeed("T", {"got": play.job("T").input.decode()})
    assert most == 2
    assert [each["got"] for each in play.output] == ["1", "2", "3", "4", "5"]


def test_an_item_selector_sees_the_item_and_the_state_s_input() -> None:
    machine = states("M", M={"Type": "Map", "ItemsPath": "$.items", "End": True, "ItemProcessor": branch(
        "T", {"Type": "Pass", "Parameters": {"v.$": "$", "i.$": "$$.Map.Item.Index"}, "End": True}),
        "ItemSelector": {"item.$": "$$.Map.Item.Value", "unit.$": "$.unit"}})  # fmt: skip
    assert Play(machine, {"items": [7], "unit": "kg"}).output == [{"v": {"item": 7, "unit": "kg"}, "i": 0}]


def test_an_empty_map_ends_at_once() -> None:
    machine = states("M", M={"Type": "Map", "End": True, "ItemProcessor": branch("T", task("t"))})
    assert Play(machine, []).output == []


def test_a_failing_iteration_aborts_the_others() -> None:
    machine = states("M", M={"Type": "Map", "End": True, "ItemProcessor": branch("T", task("t"))})
    play = Play(machine, [1, 2, 3])
    play.fail("T", "Bad")
    assert play.types()[-1] == "ExecutionFailed"
    assert play.types().count("MapIterationAborted") == 2
    assert play.run.jobs == {}


def test_an_item_selector_that_finds_nothing_fails_the_state_and_gives_up_what_runs() -> None:
    machine = states("M", M={"Type": "Map", "End": True, "MaxConcurrency": 1,
                             "ItemSelector": {"x.$": "$$.Map.Item.Value.x"},
                             "ItemProcessor": branch("T", task("t"))})  # fmt: skip
    play = Play(machine, [{"x": 1}, {"y": 2}])
    play.succeed("T", 1)
    assert play.run.failure is not None
    assert play.run.failure.error == "States.Runtime"
    assert "entered at the event id #2" in str(play.run.failure.cause)


@pytest.mark.parametrize("width", [1, 3])
def test_nested_maps_and_parallels_replay_to_the_same_digests(width: int) -> None:
    inner = {"Type": "Map", "MaxConcurrency": width, "End": True, "ItemProcessor": branch("P", {
        "Type": "Parallel", "End": True,
        "Branches": [branch("A", task("a")), branch("B", {"Type": "Wait", "Seconds": 1, "End": True})]})}  # fmt: skip
    play = Play(states("M", M=inner), [1, 2, 3])
    while not play.run.done:
        if play.run.jobs:
            play.succeed("A", "a")
        else:
            play.elapse()
    assert play.output == [["a", 1], ["a", 2], ["a", 3]]
    assert play.replayed(record=False).output == play.run.output
