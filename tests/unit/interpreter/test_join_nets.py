"""Random nets of forks, Choices and Joins, tasks answered in any order: each that the validator takes ends once."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfc.asl import parse
from sfc.interpreter.commands import Finish
from tests.support.play import Play, count, outcome
from tests.unit.asl.test_joins import NAMES, nets


def with_tasks(states: dict[str, Any]) -> dict[str, Any]:
    """The same net with tasks for Pass states, so that its tokens move one by one."""
    task = {"Type": "Task", "Resource": "task:work"}
    return {name: {**state, **task} if state["Type"] == "Pass" else state for name, state in states.items()}


@settings(max_examples=300, deadline=None)
@given(nets(), st.integers(0, 2**32))
def test_a_net_that_is_taken_ends_once_in_whatever_order_its_tasks_are_done(states: dict[str, Any], seed: int) -> None:
    parsed = parse({"StartAt": NAMES[0], "States": with_tasks(states)})
    if parsed.machine is None:
        return
    for turn in range(10):
        chance = random.Random(seed + turn)
        play = Play(parsed.machine, {"x": chance.randrange(4)})
        while play.run.jobs:
            job = chance.choice(list(play.run.jobs.values()))
            play.succeed(job.state, {"x": chance.randrange(4)})
        assert play.run.done, (states, seed + turn)
        assert count(play.commands, Finish) == 1
        if play.run.status == "FAILED":
            assert play.run.failure is not None
            assert play.run.failure.error in ("SFC.JoinUnsatisfiable", "States.Runtime"), play.run.failure
        assert outcome(play.replayed(record=False)) == outcome(play.run)
