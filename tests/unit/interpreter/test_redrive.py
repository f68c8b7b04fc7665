"""An execution that ended badly goes on where it stood."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl.expression import Failure
from sfc.interpreter import Run, step
from sfc.interpreter.commands import DispatchTask
from sfc.interpreter.entries import Redriven, Stopped, TaskSucceeded, TimerFired
from tests.support.play import INFO, Play, compiled, states

TASK = {"Type": "Task", "Resource": "task:x"}
END: dict[str, Any] = {**TASK, "End": True}
CAUGHT = {"ErrorEquals": ["Caught"], "Next": "Z"}


class Kept(Play):
    """A play whose run can be redriven."""

    def __init__(self, machine: Any, value: Any = None) -> None:
        super().__init__(machine, value)
        again = Run(machine, INFO, record=True, keeps=True)
        step(again, self.entries[0])
        assert again.digest == self.run.digest
        self.run = again

    def redrive(self) -> list[str]:
        """The states that are restarted, and must be tasks."""
        self.now += 1_000
        self.feed(Redriven(at=self.now, client_token=""))
        return [job.state for job in self.run.jobs.values()]


def one(name: str, **more: Any) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: {**END, **more}}}


def test_a_failed_state_restarts_with_its_input_and_what_came_before_stays() -> None:
    play = Kept(states("A", A={**TASK, "Next": "B"}, B=END), 1)
    play.succeed("A", 2)
    play.fail("B", "E")
    assert play.run.status == "FAILED"
    assert play.redrive() == ["B"]
    assert (play.run.status, play.job("B").input, play.job("B").attempt) == ("RUNNING", b"2", 2)
    play.succeed("B", 3)
    assert play.output == 3


def test_the_history_says_that_it_was_redriven_and_the_state_is_not_entered_again() -> None:
    play = Kept(states("A", A=END))
    play.fail("A", "E")
    play.redrive()
    assert play.types()[-4:] == ["ExecutionFailed", "ExecutionRedriven", "TaskScheduled", "TaskStarted"]
    assert play.run.events is not None
    redriven, scheduled = play.run.events[-3], play.run.events[-2]
    assert redriven["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert (redriven["previousEventId"], scheduled["previousEventId"]) == (redriven["id"] - 1, redriven["id"])


def test_retriers_count_anew_and_the_time_limit_begins_anew() -> None:
    retry = [{"ErrorEquals": ["E"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    play = Kept(states("A", A={**END, "Retry": retry}))
    for _ in range(2):
        play.fail("A", "E")
        play.elapse()
        play.fail("A", "E")
        assert play.run.status == "FAILED"
        assert play.redrive() == ["A"]
        assert play.run.deadline == play.now + 31_536_000_000


def test_only_the_branches_that_failed_or_were_given_up_restart() -> None:
    branches = [one("Done"), one("Failing"), one("Waiting")]
    play = Kept(states("P", P={"Type": "Parallel", "Branches": branches, "End": True}))
    play.succeed("Done", 1)
    play.fail("Failing", "E")
    assert play.run.status == "FAILED"
    assert play.redrive() == ["Failing", "Waiting"]
    play.succeed("Failing", 2)
    play.succeed("Waiting", 3)
    assert play.output == [1, 2, 3]


def test_only_the_iterations_that_failed_or_were_given_up_restart_and_the_rest_still_comes() -> None:
    processor = one("T")
    play = Kept(states("M", M={"Type": "Map", "ItemProcessor": processor, "MaxConcurrency": 2, "End": True}), [1, 2, 3])
    first, second = play.run.jobs.values()
    play.succeed("T", "one")
    play.fail("T", "E")
    assert play.run.status == "FAILED"
    assert (first.input, second.input) == (b"1", b"2")
    play.redrive()
    assert [job.input for job in play.run.jobs.values()] == [b"2", b"3"]
    play.succeed("T", "two")
    play.succeed("T", "three")
    assert play.output == ["one", "two", "three"]


def test_what_a_caught_or_retried_failure_had_lost_is_not_brought_back() -> None:
    branches = [one("Failing"), one("Waiting")]
    parallel = {"Type": "Parallel", "Branches": branches, "Catch": [CAUGHT], "End": True}
    play = Kept(states("P", P=parallel, Z=END))
    play.fail("Failing", "Caught")
    play.fail("Z", "E")
    assert play.redrive() == ["Z"]
    play.succeed("Z", 1)
    assert play.output == 1


def test_a_failure_of_the_state_itself_restarts_it_with_all_its_branches() -> None:
    parallel = {"Type": "Parallel", "Branches": [one("T")], "ResultSelector": {"a.$": "$[0].b"}, "End": True}
    play = Kept(states("P", P=parallel))
    play.succeed("T", {})
    assert play.run.status == "FAILED"
    assert play.redrive() == ["T"]
    play.succeed("T", {"b": 1})
    assert play.output == {"a": 1}


@pytest.mark.parametrize("end", ["stopped", "timed out"])
def test_what_was_stopped_or_ran_out_of_time_goes_on_everywhere(end: str) -> None:
    inner = {"Type": "Parallel", "Branches": [one("Deep")], "End": True}
    branches = [one("T"), {"StartAt": "In", "States": {"In": inner}}, one("Done")]
    play = Kept(states("P", P={"Type": "Parallel", "Branches": branches, "End": True}))
    play.succeed("Done", 0)
    if end == "stopped":
        play.feed(Stopped(at=play.now, failure=Failure("Why", None)))
    else:
        play.feed(TimerFired(at=play.now, task=0, attempt=0))
    assert play.run.status == ("ABORTED" if end == "stopped" else "TIMED_OUT")
    assert play.redrive() == ["T", "Deep"]
    play.succeed("Deep", 1)
    play.succeed("T", 2)
    assert play.output == [2, [1], 0]


def test_a_wait_waits_again_and_a_fail_fails_again() -> None:
    play = Kept(states("W", W={"Type": "Wait", "Seconds": 60, "Next": "F"}, F={"Type": "Fail", "Error": "E"}))
    play.feed(Stopped(at=play.now, failure=Failure(None)))
    play.redrive()
    assert play.elapse() == 60_000
    assert play.run.status == "FAILED"
    play.redrive()
    assert play.run.status == "FAILED"
    assert play.types()[-3:] == ["ExecutionRedriven", "FailStateEntered", "ExecutionFailed"]


def test_variables_are_as_they_were() -> None:
    branch = {
        "StartAt": "Set",
        "States": {"Set": {"Type": "Pass", "Assign": {"inner": 1}, "Next": "T"}, "T": {**TASK, "Next": "Tell"},
                   "Tell": {"Type": "Pass", "Parameters": {"sum.$": "States.MathAdd($inner, $outer)"}, "End": True}},
    }  # fmt: skip
    set_outer = {"Type": "Pass", "Assign": {"outer": 41}, "Next": "P"}
    play = Kept(states("O", O=set_outer, P={"Type": "Parallel", "Branches": [branch], "End": True}))
    held = play.run.variable_bytes
    play.fail("T", "E")
    play.redrive()
    assert play.run.variable_bytes == held
    play.succeed("T", 0)
    assert play.output == [{"sum": 42}]


def test_tokens_that_wait_at_a_join_still_wait_there() -> None:
    fork = {"Type": "Pass", "Next": ["A", "B"]}
    machine = states(
        "F", F=fork, A={**TASK, "Next": "J"}, B={**TASK, "Next": "J"}, J={"Type": "Join", "Require": "All", "End": True}
    )
    play = Kept(machine)
    play.succeed("A", 1)
    play.feed(Stopped(at=play.now, failure=Failure(None)))
    assert play.redrive() == ["B"]
    play.succeed("B", 2)
    assert play.output == {"A": 1, "B": 2}


def test_the_context_object_tells_of_the_redrive() -> None:
    about = {"count.$": "$$.Execution.RedriveCount", "time.$": "$$.Execution.RedriveTime"}
    machine = states("A", A={**TASK, "Next": "B"}, B={"Type": "Pass", "Parameters": about, "End": True})
    play = Kept(machine)
    play.fail("A", "E")
    play.redrive()
    play.succeed("A", 1)
    assert play.output == {"count": 1, "time": "1970-01-01T00:16:41.000Z"}


@pytest.mark.parametrize("keeps", [False, True])
def test_a_redrive_of_what_succeeded_runs_or_cannot_be_brought_back_changes_nothing(keeps: bool) -> None:
    running = (Kept if keeps else Play)(states("A", A=END))
    running.feed(Redriven(at=running.now, client_token=""))
    assert running.run.redrives == 0
    running.succeed("A", 1)
    running.feed(Redriven(at=running.now, client_token=""))
    assert running.output == 1
    if not keeps:
        failed = Play(states("A", A=END))
        failed.fail("A", "E")
        failed.feed(Redriven(at=failed.now, client_token=""))
        assert failed.run.status == "FAILED"


@st.composite
def flows(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """A sub-machine of tasks, Parallels and Maps in a row; what each works on has a `list` in it."""
    kinds = draw(st.lists(st.sampled_from(["Task", "Parallel", "Map"] if depth else ["Task"]), min_size=1, max_size=3))
    made: dict[str, Any] = {}
    for number, kind in enumerate(kinds):
        after = {"Next": f"S{depth}{number + 1}"} if number + 1 < len(kinds) else {"End": True}
        state: dict[str, Any] = {"Type": kind, "ResultPath": "$.result", **after}
        if kind == "Task":
            state["Resource"] = "task:x"
        elif kind == "Parallel":
            state["Branches"] = draw(st.lists(flows(depth=depth - 1), min_size=1, max_size=3))
        else:
            state |= {"Parameters": {"item.$": "$$.Map.Item.Value", "list": [1, 2]}, "ItemsPath": "$.list"}
            state |= {"ItemProcessor": draw(flows(depth=depth - 1)), "MaxConcurrency": draw(st.integers(0, 2))}
        made[f"S{depth}{number}"] = state
    return {"StartAt": f"S{depth}0", "States": made}


def named_apart(machine: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The same with names that are unique over the whole machine."""
    states_: dict[str, Any] = {}
    for name, state in machine["States"].items():
        own = f"{prefix}{name}"
        state = dict(state)
        if "Next" in state:
            state["Next"] = f"{prefix}{state['Next']}"
        if "Branches" in state:
            state["Branches"] = [named_apart(each, f"{own}.{index}.") for index, each in enumerate(state["Branches"])]
        if "ItemProcessor" in state:
            state["ItemProcessor"] = named_apart(state["ItemProcessor"], f"{own}.")
        states_[own] = state
    return {"StartAt": f"{prefix}{machine['StartAt']}", "States": states_}


def answer(play: Play, job: DispatchTask) -> None:
    data = json.dumps({"state": job.state, "of": len(job.input)}).encode()
    play.feed(TaskSucceeded(at=play.now, task=job.task, attempt=job.attempt, output=data))


@given(flows().map(named_apart), st.randoms(use_true_random=False))
def test_what_is_redriven_often_enough_ends_like_what_never_failed(machine: dict[str, Any], chance: Random) -> None:
    smooth = Play(compiled(machine), {"list": [1, 2]})
    while smooth.run.jobs:
        answer(smooth, next(iter(smooth.run.jobs.values())))
    rough = Kept(compiled(machine), {"list": [1, 2]})
    for _ in range(12):
        if not rough.run.jobs:
            break
        job = chance.choice(list(rough.run.jobs.values()))
        how = chance.random()
        if how < 0.6:
            answer(rough, job)
        elif how < 0.8:
            rough.fail(job.state, "E")
        else:
            rough.feed(Stopped(at=rough.now, failure=Failure("E")))
        if rough.run.status in ("FAILED", "ABORTED"):
            rough.redrive()
    while rough.run.jobs:
        answer(rough, chance.choice(list(rough.run.jobs.values())))
    assert rough.output == smooth.output
    again = Run(rough.machine, INFO, keeps=True)
    assert [(step(again, entry), again.digest)[1] for entry in rough.entries] == rough.digests
