"""Fork and Join: what Parallel cannot say."""

from typing import Any

from sfc.asl.expression import Failure
from tests.support.play import Play, states


def task(name: str, following: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"task:{name}", "Next": following}


def fork(*names: str) -> dict[str, Any]:
    return {"Type": "Pass", "Next": list(names)}


def join(**fields: Any) -> dict[str, Any]:
    return {"Type": "Join", "End": True, **fields}


def test_a_join_of_all_is_keyed_by_the_state_each_token_came_from() -> None:
    play = Play(states("F", F=fork("A", "B"), A=task("a", "J"), B=task("b", "J"), J=join()))
    play.succeed("B", 2)
    assert not play.run.done
    play.succeed("A", 1)
    assert play.output == {"A": 1, "B": 2}


def test_a_branch_that_a_choice_led_elsewhere_never_blocks_a_join_of_all() -> None:
    led = {"Type": "Choice", "Choices": [{"Variable": "$.c", "BooleanEquals": True, "Next": "J"}], "Default": "X"}
    machine = states("F", F=fork("A", "C"), A=task("a", "J"), C=led, X=task("x", "K"),
                     J={"Type": "Join", "Next": "K"}, K=join())  # fmt: skip
    play = Play(machine, {"c": False})
    play.succeed("A", 1)
    play.succeed("X", 9)
    assert play.output == {"J": {"A": 1}, "X": 9}


def test_a_join_of_any_goes_on_with_the_first_and_drops_the_late() -> None:
    play = Play(states("F", F=fork("A", "B"), A=task("a", "J"), B=task("b", "J"), J=join(Require="Any")))
    play.succeed("B", 2)
    assert not play.run.done  # the other goes on with its work
    play.succeed("A", 1)
    assert play.output == {"B": 2}


def test_a_join_that_cancels_calls_the_others_back() -> None:
    play = Play(states("F", F=fork("A", "B", "C"), A=task("a", "J"), B=task("b", "J"), C=task("c", "J"),
                       J=join(Require=2, Others="Cancel")))  # fmt: skip
    play.succeed("A", 1)
    play.succeed("C", 3)
    assert play.output == {"A": 1, "C": 3}
    assert play.run.jobs == {}


def test_a_number_that_can_no_longer_be_met_is_a_failure_that_can_be_caught() -> None:
    led_away = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": "J"}],
        "Default": "Off",
    }
    machine = states("F", F=fork("A", "B"), A=task("a", "J"), B=task("b", "L"), L=led_away, Off=task("off", "K"),
                     J={"Type": "Join", "Require": 2, "Next": "K"}, K=join())  # fmt: skip
    play = Play(machine)
    play.succeed("A", 1)
    play.succeed("B", {"go": False})
    assert play.run.failure == Failure(
        "SFC.JoinUnsatisfiable", "The Join 'J' needs 2 of its branches, but only 1 can arrive."
    )


def test_a_join_shows_as_a_pass_state_and_replays() -> None:
    play = Play(states("F", F=fork("A", "B"), A=task("a", "J"), B=task("b", "J"), J=join()))
    play.succeed("A", 1)
    play.succeed("B", 2)
    assert play.types()[-3:] == ["PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert play.replayed(record=False).output == play.run.output
