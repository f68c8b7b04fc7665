"""Published workflows run with mocked services: some to a known path and output, all others to an end."""

import json
from collections import Counter
from typing import Any

import pytest

from sfc.asl.expression import Failure
from sfc.asl.model import StateMachine
from sfc.asl.parse import parse
from sfc.interpreter.commands import DispatchTask
from sfc.interpreter.entries import TaskFailed, TaskSucceeded
from tests.support.play import Play
from tests.support.shared import shared_cases

MOST_ENTRIES = 25_000
"""More than an execution may have history events: a workflow that polls for ever ends by that limit."""


def compiled(case: dict[str, Any]) -> StateMachine | None:
    """None for what the engine does not run."""
    return parse(json.dumps(case["definition"]), kind=case.get("type") or "STANDARD").machine


EXECUTABLE = shared_cases("conformance/workflows", only="executable.json")
PUBLISHED = shared_cases(
    "conformance/workflows", leave_out="executable.json", keep=lambda case: compiled(case) is not None
)


class Mocks:
    """Answers each state's jobs in turn, the last answer for all further ones; states without answers get `default`."""

    def __init__(self, answers: dict[str, list[dict[str, Any]]], default: Any = None) -> None:
        self.answers = answers
        self.default = {"Return": {}} if default is None else default
        self.calls: Counter[str] = Counter()

    def entry(self, at: int, job: DispatchTask) -> TaskSucceeded | TaskFailed:
        given = self.answers.get(job.state, [self.default])
        answer = given[min(self.calls[job.state], len(given) - 1)]
        self.calls[job.state] += 1
        if "Throw" in answer:
            failure = Failure(answer["Throw"]["Error"], answer["Throw"].get("Cause"))
            return TaskFailed(at=at, task=job.task, attempt=job.attempt, failure=failure)
        return TaskSucceeded(at=at, task=job.task, attempt=job.attempt, output=json.dumps(answer["Return"]).encode())


def play_out(machine: StateMachine, value: Any, mocks: Mocks) -> Play:
    """Answer every job and fire every timer until the execution ends."""
    play = Play(machine, value)
    for _ in range(MOST_ENTRIES):
        if play.run.done:
            return play
        if play.run.jobs:
            play.feed(mocks.entry(play.now, next(iter(play.run.jobs.values()))))
        else:
            play.elapse()
    raise AssertionError(f"still in {play.run.active_states()} after {MOST_ENTRIES} entries")


def exited(play: Play) -> list[str]:
    details = [event.get("stateExitedEventDetails") for event in play.run.events or []]
    return [detail["name"] for detail in details if detail]


@pytest.mark.parametrize("case", EXECUTABLE, ids=lambda case: case["id"])
def test_a_workflow_with_published_mocks_takes_the_expected_path_to_the_expected_output(case: dict[str, Any]) -> None:
    machine = compiled(case)
    assert machine is not None
    play = play_out(machine, case["input"], Mocks(case["mocked"]))
    assert play.run.status == case["expected"]["status"]
    assert set(case["expected"]["exited"]) <= set(exited(play))
    assert play.output == case["derived"]["output"]
    outer = [name for name in exited(play) if name in case["definition"]["States"]]
    assert outer == case["derived"]["path"]
    failures = [kind for kind in play.types() if kind.endswith("Failed")]
    assert len(failures) == case["expected"].get("task_failures", 0)


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["id"])
def test_a_published_workflow_runs_to_an_end_and_replays(case: dict[str, Any]) -> None:
    machine = compiled(case)
    assert machine is not None
    samples = [sample["input"] for sample in case.get("sample_inputs") or []] or [{}]
    for sample in samples:
        play = play_out(machine, sample, Mocks({}))
        assert play.run.status in ("SUCCEEDED", "FAILED", "TIMED_OUT")
        assert play.replayed(record=False).status == play.run.status
