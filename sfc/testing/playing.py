"""Plays an execution to its end in virtual time: calls are answered at once, waits are over when nothing else is left
to do.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from sfc import jsonvalue
from sfc.arn import Partition
from sfc.asl.expression import Failure
from sfc.asl.model import Map, Parallel, StateMachine, SubMachine, Task
from sfc.asl.parse import invalid_definition_message, parse
from sfc.errors import InvalidDefinition
from sfc.interpreter import ExecutionInfo, Run, step
from sfc.interpreter.commands import DispatchTask
from sfc.interpreter.entries import Entry, Started, TimerFired
from sfc.jsonvalue import Json
from sfc.tasks.mocks import Answer, InvalidMocks, NotMocked, Response, Return, TestCase, Throw, entries_of
from sfc.testing.map_runs import entries_of_map_run
from sfc.testing.played import Call, Played

Perform: TypeAlias = Callable[[DispatchTask], Answer]
"""Does a task that is not mocked. Raises NotMocked when it cannot."""
Mocks: TypeAlias = Mapping[str, Any] | TestCase
"""By state: a value (the task returns it), `throw(…)`, a function of the input, or a list of those, one for each call,
the last one for all further calls. Or a case of a mock configuration file."""

EPOCH_MS: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z: when executions begin, unless another time is asked for."""


def throw(error: str, cause: str = "") -> Throw:
    """The task fails with this."""
    return Throw(error, cause)


def play(
    definition: str | Path | Mapping[str, Json],
    input: Json = None,
    *,
    mocks: Mocks | None = None,
    items: Mapping[str, Json] | None = None,
    kind: Literal["STANDARD", "EXPRESS"] = "STANDARD",
    name: str = "test",
    perform: Perform | None = None,
    started_at: int = EPOCH_MS,
    seed: int = 0,
) -> Played:
    """Play an execution of a blueprint: a path of a file, JSON text, or the definition itself.

    `input` is a JSON value, {} by default. Tasks without a mock are done by `perform`; `items` are what the ItemReaders
    of distributed Maps find, by state. `started_at` is UTC ms; random
    values and uuids come from `seed`, so that each run is the same. Raises InvalidDefinition for a broken definition,
    InvalidMocks for a mock of what is no Task, NotMocked for a call that nobody answers, OSError for a file.
    """
    machine = compiled(definition, kind)
    answers = _Answers(machine, mocks or {}, items or {}, perform)
    partition = Partition()
    info = ExecutionInfo(
        arn=partition.execution(name, "test"), name="test", machine_arn=partition.state_machine(name),
        machine_name=name, role_arn="arn:aws:iam::123456789012:role/test", kind=kind,
    )  # fmt: skip
    run = Run(machine, info, record=True)
    source = jsonvalue.dumps({} if input is None else input)
    step(run, Started(at=started_at, input=source, seed=seed))
    _play_out(run, answers)
    failure = run.failure or Failure(None)
    return Played(
        status=run.status, output=None if run.output is None else jsonvalue.loads(run.output), error=failure.error,
        cause=failure.cause, calls=answers.calls, history=run.events or (),
    )  # fmt: skip


def compiled(
    definition: str | Path | Mapping[str, Json], kind: Literal["STANDARD", "EXPRESS"] = "STANDARD"
) -> StateMachine:
    """Raises InvalidDefinition with every finding, OSError."""
    if isinstance(definition, Mapping):
        text = json.dumps(definition)
    elif isinstance(definition, str) and definition.lstrip().startswith("{"):
        text = definition
    else:
        text = Path(definition).read_text(encoding="utf-8")
    parsed = parse(text, kind=kind)
    if parsed.machine is None:
        findings = (*parsed.diagnostics, *parsed.unsupported)
        raise InvalidDefinition(invalid_definition_message(findings), findings)
    return parsed.machine


def check_states(machine: StateMachine, mocked: Iterable[str]) -> None:
    """Raises InvalidMocks when one of these is no Task of the machine, and no distributed Map."""
    tasks = set(_tasks(machine))
    for state in mocked:
        if state not in tasks:
            there = ", ".join(sorted(tasks)) or "none"
            raise InvalidMocks(f"{state!r} is no Task of this blueprint; its Tasks: {there}", field=state)


def _tasks(machine: SubMachine) -> Iterator[str]:
    for state in machine.states.values():
        match state:
            case Task():
                yield state.name
            case Parallel():
                for branch in state.branches:
                    yield from _tasks(branch)
            case Map():
                if state.distributed is not None:
                    yield state.name
                yield from _tasks(state.processor)


def _play_out(run: Run, answers: "_Answers") -> None:
    while not run.done:
        for entry in _next(run, answers):
            step(run, entry)


def _next(run: Run, answers: "_Answers") -> Iterable[Entry]:
    """What answers a call, or carries out a Map Run; when nothing is out, the time at which something is due."""
    if run.jobs:
        job = next(iter(run.jobs.values()))
        return entries_of(job, answers.of(job), run.now)
    if run.map_runs:
        task, map_run = next(iter(run.map_runs.items()))
        name = map_run.state.name
        answer = answers.of_map(name, map_run.data)
        return entries_of_map_run(run, task, lambda child: _play_out(child, answers), answer, answers.items.get(name))
    timer = run.next_timer()
    assert timer is not None
    due, task, attempt = timer
    return [TimerFired(at=due, task=task, attempt=attempt)]


class _Answers:
    """Answers calls, and remembers them."""

    def __init__(self, machine: StateMachine, mocks: Mocks, items: Mapping[str, Json], perform: Perform | None) -> None:
        self.items = items
        given = mocks.responses if isinstance(mocks, TestCase) else mocks
        check_states(machine, [*given, *items])
        self._mocks = {state: _mock(state, each) for state, each in given.items()}
        self._perform = perform
        self._counts: Counter[str] = Counter()
        self._begun: dict[int, Answer] = {}
        """Of jobs that are watched, by task."""
        self.calls: list[Call] = []

    def of(self, job: DispatchTask) -> Answer:
        if job.begun:
            return self._begun.pop(job.task)
        answer = self._of(job)
        if job.resource.is_watched:
            self._begun[job.task] = answer
        return answer

    def _of(self, job: DispatchTask) -> Answer:
        value = jsonvalue.loads(job.input)
        self.calls.append(Call(state=job.state, input=value, resource=job.resource.text, retry_count=job.retry_count))
        number = self._counts[job.state]
        self._counts[job.state] += 1
        mock = self._mocks.get(job.state)
        if mock is not None:
            return mock(number, value)
        if self._perform is None:
            raise NotMocked(f"state {job.state!r} called {job.resource.text}, which is not mocked")
        return self._perform(job)

    def of_map(self, state: str, value: Json) -> Answer | None:
        """None: its children are to be played."""
        mock = self._mocks.get(state)
        if mock is None:
            return None
        self._counts[state] += 1
        return mock(self._counts[state] - 1, value)


def _mock(state: str, given: Any) -> Callable[[int, Json], Answer]:
    if isinstance(given, Response):
        return lambda number, _value: given.of_call(number, state)
    each = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    if not each:
        raise InvalidMocks(f"the mock of state {state!r} has no answers", field=state)
    return lambda number, value: _answer(each[min(number, len(each) - 1)], value)


def _answer(given: Any, value: Json) -> Answer:
    if callable(given):
        given = given(value)
    return given if isinstance(given, Throw | Return) else Return(given)
