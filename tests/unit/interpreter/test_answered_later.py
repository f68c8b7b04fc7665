"""Tasks that are accepted first and answered later: callbacks, child executions, activities."""

import json
from typing import Any

import pytest

from sfc.asl.expression import Failure
from sfc.interpreter.commands import CancelTask, CloseTask, Command
from sfc.interpreter.entries import (
    ActivityStarted,
    Entry,
    Started,
    Stopped,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
    decode,
    encode,
)
from sfc.interpreter.task_token import TokenPlace, make
from tests.support.play import INFO, Play, states

ASK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
SYNC = "arn:aws:states:::states:startExecution.sync"
PLAIN = "arn:aws:states:::states:startExecution"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:pack"
FAILURE = Failure("Torn", "the box")


def play(resource: str, **more: Any) -> Play:
    return Play(states("Do", Do={"Type": "Task", "Resource": resource, "End": True, **more}))


def submit(it: Play, output: str = "{}") -> list[Command]:
    return it.feed(TaskSubmitted(at=it.now, task=1, attempt=it.run.jobs[1].attempt, output=output.encode()))


def start(it: Play, worker: str | None = "w") -> list[Command]:
    return it.feed(ActivityStarted(at=it.now, task=1, attempt=1, worker=worker))


def answer(it: Play, attempt: int = 1) -> list[Command]:
    return it.feed(TaskSucceeded(at=it.now, task=1, attempt=attempt, output=b"[1]"))


@pytest.mark.parametrize(
    "entry",
    [
        Started(at=1, input=b"{}", seed=-5),
        TaskSubmitted(at=2, task=3, attempt=4, output=b'{"a":1}'),
        ActivityStarted(at=2, task=3, attempt=4, worker="w"),
        ActivityStarted(at=2, task=3, attempt=4, worker=None),
        TaskSucceeded(at=2, task=3, attempt=4, output=b"1", began=9),
        TaskFailed(at=2, task=3, attempt=4, failure=FAILURE, began=9),
        TimerFired(at=2, task=3, attempt=4),
        Stopped(at=2, failure=FAILURE),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_an_entry_is_read_back_as_it_was_written(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


@pytest.mark.parametrize("resource", [ASK, SYNC, ACTIVITY])
def test_the_context_holds_the_token_of_the_attempt(resource: str) -> None:
    it = play(resource, Parameters={"T.$": "$$.Task.Token"}, Retry=[{"ErrorEquals": ["States.ALL"]}])
    first = json.loads(it.job("Do").input)["T"]
    assert first == make(INFO.secret, TokenPlace(INFO.id, 1, 1))
    it.fail("Do", "Busy")
    if resource == ACTIVITY:  # it does not exist
        it = play(resource, Parameters={"T.$": "$$.Task.Token"}, Retry=[{"ErrorEquals": ["States.ALL"]}])
        submit(it)
        it.feed(TaskFailed(at=it.now, task=1, attempt=1, failure=FAILURE))
    it.elapse()
    second = json.loads(it.job("Do").input)["T"]
    assert second == make(INFO.secret, TokenPlace(INFO.id, 1, 2))
    it.replayed(record=False)


def test_a_task_without_a_token_has_none_in_its_context() -> None:
    it = play(PLAIN, Parameters={"Context.$": "$$"})
    assert "Task" not in json.loads(it.job("Do").input)["Context"]


def test_a_callback_is_submitted_once_and_answered_once() -> None:
    it = play(ASK)
    submit(it, '{"MessageId":"m"}')
    assert (it.run.jobs, list(it.run.accepted)) == ({}, [1])
    it.feed(TaskSubmitted(at=it.now, task=1, attempt=1, output=b"{}"))
    answer(it)
    assert it.output == [1]
    assert it.types()[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    assert it.run.accepted == {}
    it.replayed(record=True)


def test_only_what_is_answered_later_can_be_submitted() -> None:
    it = play("task:work")
    submit(it)
    assert it.run.accepted == {}
    assert "TaskSubmitted" not in it.types()


@pytest.mark.parametrize("accepted", [True, False])
def test_what_is_answered_later_times_out_by_the_interpreters_own_clock(accepted: bool) -> None:
    it = play(SYNC, TimeoutSeconds=7)
    if accepted:
        submit(it)
    assert it.elapse() == 7_000
    assert it.run.failure == Failure("States.Timeout")
    assert it.types()[-2:] == ["TaskTimedOut", "ExecutionFailed"]
    assert it.commands[1] == CloseTask(1, 1, it.run.machine.states["Do"].resource, given_up=True)  # type: ignore[union-attr]


def test_a_callback_that_times_out_before_it_was_accepted_calls_its_job_back() -> None:
    it = play(ASK, TimeoutSeconds=7)
    it.elapse()
    assert CancelTask(1, 1) in it.commands


def test_the_time_out_of_an_attempt_does_not_reach_into_the_delay_of_its_retry() -> None:
    it = play(ASK, TimeoutSeconds=7, Retry=[{"ErrorEquals": ["Busy"], "IntervalSeconds": 30}])
    it.fail("Do", "Busy")
    assert it.elapse() == 30_000
    assert it.job("Do").attempt == 2


def test_the_time_of_an_activity_runs_from_its_worker_on() -> None:
    it = play(ACTIVITY, TimeoutSeconds=7, HeartbeatSeconds=3)
    assert it.types()[-1] == "TaskStateEntered"
    submit(it)
    assert it.types()[-1] == "ActivityScheduled"
    it.now += 1_000_000
    start(it)
    assert it.run.accepted[1].since == it.now
    start(it, "another")
    assert it.types().count("ActivityStarted") == 1
    assert it.elapse() == 7_000
    assert it.types()[-2:] == ["ActivityTimedOut", "ExecutionFailed"]


@pytest.mark.parametrize("resource", [ASK, SYNC])
def test_only_an_activity_is_started_by_a_worker(resource: str) -> None:
    it = play(resource)
    start(it)
    submit(it)
    start(it)
    assert "ActivityStarted" not in it.types()


def test_an_activity_that_does_not_exist_is_never_scheduled() -> None:
    it = play(ACTIVITY)
    it.fail("Do", "States.Runtime", "The activity pack does not exist.")
    assert it.types() == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]


@pytest.mark.parametrize(
    ("resource", "given_up"), [(SYNC, False), (PLAIN, False), (ACTIVITY, False), (SYNC, True), (ACTIVITY, True)]
)
def test_what_the_host_keeps_is_closed_when_the_task_is_over(resource: str, given_up: bool) -> None:
    it = play(resource)
    if resource != PLAIN:
        submit(it)
    made = it.feed(Stopped(at=it.now, failure=Failure(None))) if given_up else answer(it)
    (closed,) = [command for command in made if isinstance(command, CloseTask)]
    assert (closed.task, closed.attempt, closed.given_up) == (1, 1, given_up)
    it.replayed(record=False)


def test_a_branch_that_fails_closes_what_its_siblings_wait_for() -> None:
    machine = states("P", P={"Type": "Parallel", "End": True, "Branches": [
        {"StartAt": "Start", "States": {"Start": {"Type": "Task", "Resource": SYNC, "End": True}}},
        {"StartAt": "Work", "States": {"Work": {"Type": "Task", "Resource": "task:work", "End": True}}},
    ]})  # fmt: skip
    it = Play(machine)
    submit(it)
    assert any(isinstance(command, CloseTask) and command.given_up for command in it.fail("Work", "Torn"))


def test_a_missed_heartbeat_gives_the_task_up() -> None:
    it = play(SYNC)
    submit(it)
    missed = Failure("States.HeartbeatTimeout")
    made = it.feed(TaskFailed(at=it.now, task=1, attempt=1, failure=missed))
    assert [command.given_up for command in made if isinstance(command, CloseTask)] == [True]
    assert it.run.failure == Failure("States.Timeout")


def test_an_open_job_is_one_that_has_no_answer() -> None:
    it = play(ASK, Retry=[{"ErrorEquals": ["States.ALL"]}])
    assert it.run.open_job(1, 1) is not None
    assert it.run.open_job(1, 2) is None
    submit(it)
    assert it.run.open_job(1, 1) is not None
    it.feed(TaskFailed(at=it.now, task=1, attempt=1, failure=FAILURE))
    assert it.run.awaits(1, 1)
    assert it.run.open_job(1, 1) is None
