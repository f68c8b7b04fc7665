"""Runs the tested state and tells what became of it.

With a mock, and for states that call nothing, the interpreter is played here: a Wait takes no time. What a Task really
calls, an engine has to call; it runs the same machine.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from sfc.arn import Partition
from sfc.asl.expression import Failure
from sfc.asl.model import Map, Parallel, Retrier, State, Task
from sfc.asl.timestamps import format_ms
from sfc.interpreter import ExecutionInfo, Run, step
from sfc.interpreter.entries import Entry, Started, TaskFailed, TaskSucceeded, TimerFired
from sfc.interpreter.moves import UNCATCHABLE, matches, retry_delay_ms, where
from sfc.jsonvalue import Json, dumps
from sfc.teststate import request as requests
from sfc.teststate.machine import NAME, find_state, machine_of
from sfc.teststate.notes import Notes
from sfc.teststate.request import Mock, TestRequest
from sfc.teststate.results import check_result

Status = Literal["SUCCEEDED", "FAILED", "RETRIABLE", "CAUGHT_ERROR"]
Perform = Callable[[Run, Started], Awaitable[None]]
"""Runs an execution of one real Task to its end."""
_TOO_MANY: Final = Failure(
    "States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    status: Status
    state: State
    input: Json
    notes: Notes
    language: str = "JSONPath"
    output: bytes | None = None
    """JSON text."""
    failure: Failure | None = None
    next_state: str | None = None
    retrier: int | None = None
    """Position of the retrier that matches, also when it is spent."""
    backoff_s: int | None = None
    catcher: int | None = None
    called: bool = False
    """Whether the state's task was really done."""


async def test_state(
    request: TestRequest, partition: Partition, machine: str, name: str, now: int, seed: int, perform: Perform
) -> Outcome:
    """`machine` and `name` are uuids, `now` UTC ms. Raises InvalidDefinition, InvalidRequest, InvalidInput."""
    state, language = find_state(request.definition, request.state_name)
    requests.check(request, state)
    if request.mock is not None and request.mock.result is not None and isinstance(state, Task):
        result = requests.mocked_result(request.mock.result)
        check_result(state.resource, result, request.mock.validation)
    input = requests.input_of(request)
    context = requests.context_of(request)
    info = ExecutionInfo(
        arn=partition.test_execution(machine, name),
        name=name,
        machine_arn=partition.state_machine(machine),
        machine_name=machine,
        role_arn=request.role_arn or "",
        kind="EXPRESS",
        context=context if context is not None else _context(request, state, input, partition, machine, name, now),
        variables=requests.variables_of(request),
    )
    notes = Notes()
    notes.variables = info.variables
    run = Run(machine_of(state, notes, request.configuration.item_reader_data), info)
    started = Started(at=now, input=dumps(input), seed=seed)
    called = request.mock is None and isinstance(state, Task)
    if called:
        await perform(run, started)
    else:
        _play(run, started, request, notes)
    return replace(_outcome(request, state, input, run, notes), language=language, called=called)


test_state.__test__ = False  # type: ignore[attr-defined]  # no test, whatever the name says to pytest


def _play(run: Run, started: Started, request: TestRequest, notes: Notes) -> None:
    step(run, started)
    while not run.done:
        entry: Entry
        if run.jobs:
            job = next(iter(run.jobs.values()))
            assert request.mock is not None
            entry = _answer(request.mock, request, notes, run.now, job.task, job.attempt)
        else:
            timer = run.next_timer()
            assert timer is not None
            entry = TimerFired(at=timer[0], task=timer[1], attempt=timer[2])
        step(run, entry)


def _answer(mock: Mock, request: TestRequest, notes: Notes, now: int, task: int, attempt: int) -> Entry:
    failure = mock.failure
    if failure is None and _too_many_failed(request.configuration.failed_iterations or 0, notes):
        failure = _TOO_MANY
    if failure is None:
        return TaskSucceeded(at=now, task=task, attempt=attempt, output=(mock.result or "{}").encode())
    return TaskFailed(at=now, task=task, attempt=attempt, failure=failure)


def _too_many_failed(failed: int, notes: Notes) -> bool:
    """Only a threshold that is written down can be exceeded, as AWS's answers show."""
    count = notes.limits.get("toleratedFailureCount")
    percentage = notes.limits.get("toleratedFailurePercentage")
    return (count is not None and failed > count) or (
        percentage is not None and failed * 100 > percentage * len(notes.items)
    )


def _outcome(request: TestRequest, state: State, input: Json, run: Run, notes: Notes) -> Outcome:
    failure = notes.failure if notes.failure is not None else run.failure
    if run.status == "TIMED_OUT":
        failure = Failure("States.Timeout", None)
    if failure is None:
        return Outcome(
            status="SUCCEEDED", state=state, input=input, notes=notes, output=run.output, next_state=notes.next
        )
    failure = _without_place(failure, state)
    found = _retrier(state, failure)
    index, backoff = None, None
    if found is not None:
        index, retrier = found
        count = request.configuration.retry_count
        if count < retrier.max_attempts:
            backoff = retry_delay_ms(retrier, count + 1) // 1000
    if backoff is not None:
        return Outcome(
            status="RETRIABLE", state=state, input=input, notes=notes, failure=failure, retrier=index, backoff_s=backoff
        )
    if notes.catcher is not None and run.failure is None:
        return Outcome(
            status="CAUGHT_ERROR", state=state, input=input, notes=notes, output=run.output, failure=failure,
            next_state=notes.next, retrier=index, catcher=notes.catcher,
        )  # fmt: skip
    return Outcome(status="FAILED", state=state, input=input, notes=notes, failure=failure, retrier=index)


def _retrier(state: State, failure: Failure) -> tuple[int, Retrier] | None:
    if failure.error == UNCATCHABLE or not isinstance(state, Task | Map | Parallel):
        return None
    matching = (
        (index, retrier) for index, retrier in enumerate(state.retry) if matches(retrier.error_equals, failure.error)
    )
    return next(matching, None)


def _without_place(failure: Failure, state: State) -> Failure:
    """A test says which state it is about; the cause does not repeat it."""
    cause = failure.cause
    if cause is not None:
        for event in range(1, 4):
            cause = cause.removeprefix(where(state.name, event))
    return Failure(failure.error, cause)


def _context(
    request: TestRequest, state: State, input: Json, partition: Partition, machine: str, name: str, now: int
) -> dict[str, Json]:
    """As recorded from the service; the state's name is always the same."""
    about: dict[str, Json] = {"Name": NAME, "EnteredTime": format_ms(now)}
    if isinstance(state, Task | Map | Parallel):
        about["RetryCount"] = request.configuration.retry_count
    context: dict[str, Json] = {
        "Execution": {
            "Id": partition.test_execution(machine, name),
            "Input": input,
            "Name": name,
            "RoleArn": request.role_arn,
            "StartTime": format_ms(now),
        },
        "StateMachine": {"Id": partition.state_machine(machine), "Name": machine},
        "State": about,
    }
    if isinstance(state, Task) and state.resource.pattern == "waitForTaskToken":
        context["Task"] = {"Token": name}
    return context
