"""Drives an execution with answers that chance gives, until it ends."""

from random import Random
from typing import Any

import orjson

from sfc.asl.expression import Failure
from sfc.asl.model import StateMachine
from sfc.interpreter import Run, step
from sfc.interpreter.commands import DispatchTask
from sfc.interpreter.entries import (
    ActivityStarted,
    Entry,
    ItemsRead,
    MapRunFailed,
    ResultsWritten,
    Started,
    Stopped,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from tests.fuzz.corpus import anything
from tests.support.play import INFO

MOST_ENTRIES = 1_500
"""An execution that goes on is stopped then: its history would have room for more, but the test has no time."""
ERRORS = ["Busy", "States.Timeout", "States.TaskFailed", "States.Runtime", "States.DataLimitExceeded", "", "X" * 300]


def drive(machine: StateMachine, value: Any, random: Random) -> tuple[Run, list[Entry], list[int]]:
    """The run at its end, what it was fed, and its digests."""
    run = Run(machine, INFO, record=True)
    entries: list[Entry] = []
    digests: list[int] = []

    def feed(entry: Entry) -> None:
        step(run, entry)
        entries.append(entry)
        digests.append(run.digest)

    feed(Started(at=1_790_000_000_000, input=orjson.dumps(value), seed=random.getrandbits(63)))
    while not run.done:
        if len(entries) >= MOST_ENTRIES:
            feed(Stopped(at=run.now, failure=Failure("Enough")))
        elif random.random() < 0.1 and len(entries) > 1:
            feed(random.choice(entries[1:]))  # late or double
        else:
            feed(_next(run, random))
    feed(random.choice(entries))  # an execution that has ended stays as it is
    return run, entries, digests


def _next(run: Run, random: Random) -> Entry:
    jobs: list[DispatchTask] = list(run.jobs.values())
    accepted = [each.job for each in run.accepted.values()]
    runs = [(task, run.expected[task].attempt) for task in run.map_runs if task in run.expected]
    if jobs and random.random() < 0.9:
        return _answer(run, random.choice(jobs), random)
    if accepted and random.random() < 0.8:
        return _answer(run, random.choice(accepted), random)
    if runs and random.random() < 0.9:
        return _of_map_run(run, *random.choice(runs), random)
    timer = run.next_timer()
    assert timer is not None
    due, task, attempt = timer
    return TimerFired(at=max(due, run.now), task=task, attempt=attempt)


def _answer(run: Run, job: DispatchTask, random: Random) -> Entry:
    at, task, attempt = run.now + random.randrange(1000), job.task, job.attempt
    match random.randrange(6):
        case 0:
            failure = Failure(random.choice(ERRORS), random.choice([None, "", "because"]))
            return TaskFailed(at=at, task=task, attempt=attempt, failure=failure)
        case 1:
            return TaskSubmitted(at=at, task=task, attempt=attempt, output=b"{}")
        case 2:
            return ActivityStarted(at=at, task=task, attempt=attempt, worker="w")
        case _:
            return TaskSucceeded(at=at, task=task, attempt=attempt, output=orjson.dumps(_value(random)))


def _of_map_run(run: Run, task: int, attempt: int, random: Random) -> Entry:
    match random.randrange(3):
        case 0:
            failure = Failure("States.ItemReaderFailed", "because")
            return MapRunFailed(at=run.now, task=task, attempt=attempt, failure=failure)
        case 1:
            return ItemsRead(at=run.now, task=task, attempt=attempt, children=0, items=0, place=b"null", last=True)
        case _:
            return ResultsWritten(at=run.now, task=task, attempt=attempt, output=orjson.dumps(_value(random)))


def _value(random: Random) -> Any:
    value = anything(random)
    return value if not _too_large(value) else None


def _too_large(value: Any) -> bool:
    """Integers that JSON text of ours cannot hold."""
    if isinstance(value, dict):
        return any(map(_too_large, value.values()))
    if isinstance(value, list):
        return any(map(_too_large, value))
    return isinstance(value, int) and abs(value) >= 2**63
