"""What of an execution is due by itself, one by one."""

from sfc.interpreter.entries import TaskSubmitted, TaskSucceeded
from sfc.interpreter.timers import Timer, timers_ahead
from tests.support.play import Play, states

ASK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


def both() -> Play:
    """A wait of 50 seconds beside a task that has 90 for its answer."""
    wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 50, "End": True}}}
    ask = {"Type": "Task", "Resource": ASK, "TimeoutSeconds": 90, "End": True}
    branches = [{"StartAt": "A", "States": {"A": ask}}, wait]
    return Play(states("Both", Both={"Type": "Parallel", "Branches": branches, "End": True}))


def test_waits_and_the_time_outs_of_tasks_are_told_apart() -> None:
    it = both()
    ((task, job),) = it.run.jobs.items()
    ahead = {timer.task: timer for timer in timers_ahead(it.run)}
    assert ahead.pop(task) == Timer(it.now + 90_000, task, job.attempt, it.now)
    ((wait, timer),) = ahead.items()
    assert timer == Timer(it.now + 50_000, wait, 1, None)


def test_a_task_that_was_accepted_keeps_its_time() -> None:
    it = both()
    ((task, job),) = it.run.jobs.items()
    before = sorted(timers_ahead(it.run))
    it.feed(TaskSubmitted(at=it.now, task=task, attempt=job.attempt, output=b"{}"))
    assert sorted(timers_ahead(it.run)) == before


def test_what_is_waited_for_no_longer_is_not_due() -> None:
    it = both()
    ((task, job),) = it.run.jobs.items()
    it.feed(TaskSubmitted(at=it.now, task=task, attempt=job.attempt, output=b"{}"))
    it.feed(TaskSucceeded(at=it.now, task=task, attempt=job.attempt, output=b"1"))
    assert [timer.since for timer in timers_ahead(it.run)] == [None]
