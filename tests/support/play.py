"""Plays journal entries on a blueprint, without a host."""

import json
from collections.abc import Iterable
from typing import Any

from sfc.asl.expression import Failure
from sfc.asl.model import StateMachine
from sfc.asl.parse import parse
from sfc.interpreter import ExecutionInfo, Run, step
from sfc.interpreter.commands import Command, DispatchTask
from sfc.interpreter.entries import Entry, Started, TaskFailed, TaskSucceeded, TimerFired

INFO = ExecutionInfo(
    arn="arn:aws:states:us-east-1:123456789012:execution:orders:o-1",
    name="o-1",
    machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:orders",
    machine_name="orders",
    role_arn="arn:aws:iam::123456789012:role/orders",
)


def compiled(definition: dict[str, Any]) -> StateMachine:
    parsed = parse(json.dumps(definition))
    assert parsed.machine is not None, (parsed.diagnostics, parsed.unsupported)
    return parsed.machine


def states(start_at: str, **named: dict[str, Any]) -> StateMachine:
    """A machine of these states, compiled."""
    return compiled({"StartAt": start_at, "States": named})


class Play:
    """One execution, driven by hand. Keeps every command and every digest."""

    def __init__(self, machine: StateMachine, value: Any = None, *, at: int = 1_000_000, seed: int = 7) -> None:
        self.machine = machine
        self.run = Run(machine, INFO, record=True)
        self.now = at
        self.entries: list[Entry] = []
        self.commands: list[Command] = []
        self.digests: list[int] = []
        self.feed(Started(at=at, input=json.dumps({} if value is None else value).encode(), seed=seed))

    def feed(self, entry: Entry) -> list[Command]:
        made = step(self.run, entry)
        self.entries.append(entry)
        self.commands += made
        self.digests.append(self.run.digest)
        return made

    def job(self, state: str) -> DispatchTask:
        """The outstanding job of the state of this name."""
        return next(job for job in self.run.jobs.values() if job.state == state)

    def succeed(self, state: str, output: Any) -> list[Command]:
        job = self.job(state)
        data = json.dumps(output).encode()
        return self.feed(TaskSucceeded(at=self.now, task=job.task, attempt=job.attempt, output=data))

    def fail(self, state: str, error: str, cause: str | None = None) -> list[Command]:
        job = self.job(state)
        return self.feed(TaskFailed(at=self.now, task=job.task, attempt=job.attempt, failure=Failure(error, cause)))

    def elapse(self) -> int:
        """Let the earliest timer fire; returns the milliseconds it was away."""
        timer = self.run.next_timer()
        assert timer is not None
        due, task, attempt = timer
        waited, self.now = due - self.now, due
        self.feed(TimerFired(at=due, task=task, attempt=attempt))
        return waited

    @property
    def output(self) -> Any:
        assert self.run.status == "SUCCEEDED", (self.run.status, self.run.failure)
        assert self.run.output is not None
        return json.loads(self.run.output)

    def types(self) -> list[str]:
        assert self.run.events is not None
        return [event["type"] for event in self.run.events]

    def replayed(self, *, record: bool) -> Run:
        """The same entries on a fresh run; every digest must agree."""
        run = Run(self.machine, INFO, record=record)
        digests = [(step(run, entry), run.digest)[1] for entry in self.entries]
        assert digests == self.digests
        return run


def outcome(run: Run) -> tuple[str, bytes | None, Failure | None]:
    return run.status, run.output, run.failure


def count(commands: Iterable[Command], kind: type) -> int:
    return sum(isinstance(command, kind) for command in commands)
