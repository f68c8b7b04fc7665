"""The mock configuration file of Step Functions Local: test cases of state machines, and what mocked states answer.

    {"StateMachines": {"orders": {"TestCases": {"Declined": {"Charge": "ChargeDeclined"}}}},
     "MockedResponses": {"ChargeDeclined": {"0": {"Throw": {"Error": "Declined", "Cause": "no funds"}},
                                            "1-3": {"Return": {"receipt": "r-1"}}}}}

"0" and "1-3" count the calls of the state in one execution, retries and iterations included. Beside `TestCases`, SFC
reads `Expected`: {case: {Input, Status, Output, Error, Cause, Path}}, what the case begins with and must end as.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sfc import jsonvalue
from sfc.asl.expression import Failure
from sfc.errors import InvalidRequest
from sfc.interpreter.commands import DispatchTask
from sfc.interpreter.entries import ActivityStarted, Entry, TaskFailed, TaskSubmitted, TaskSucceeded
from sfc.jsonvalue import Json
from sfc.limits import MOCKED_CALLS

_CALLS: Final = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_STATUSES: Final = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
_EXPECTED: Final = ("Input", "Status", "Output", "Error", "Cause", "Path")


class InvalidMocks(InvalidRequest):
    """The configuration cannot be read; `field` is the place in it: /MockedResponses/ChargeDeclined/1-3."""

    code = "InvalidMocks"


class NotMocked(Exception):
    """A state was called that has no answer, or no more. The text says which."""


@dataclass(frozen=True, slots=True)
class Return:
    """The task succeeds with this result."""

    value: Json


@dataclass(frozen=True, slots=True)
class Throw:
    """The task fails."""

    error: str
    cause: str = ""

    @property
    def failure(self) -> Failure:
        return Failure(self.error, self.cause)


Answer: TypeAlias = Return | Throw


def entries_of(job: DispatchTask, answer: Answer, at: int) -> list[Entry]:
    """The facts that stand for a mocked task, in order. What is answered later is accepted first."""
    task, attempt = job.task, job.attempt
    entries: list[Entry] = []
    if job.resource.is_answered_later or (job.resource.is_watched and not job.begun):
        accepted = jsonvalue.dumps(answer.value) if isinstance(answer, Return) else b"{}"
        entries.append(TaskSubmitted(at=at, task=task, attempt=attempt, output=accepted))
    if job.resource.is_watched and not job.begun:
        return entries  # the job that watches it has the answer
    if job.resource.kind == "activity":
        entries.append(ActivityStarted(at=at, task=task, attempt=attempt, worker=None))
    if isinstance(answer, Throw):
        entries.append(TaskFailed(at=at, task=task, attempt=attempt, failure=answer.failure))
    else:
        entries.append(TaskSucceeded(at=at, task=task, attempt=attempt, output=jsonvalue.dumps(answer.value)))
    return entries


@dataclass(frozen=True, slots=True)
class Response:
    """A mocked response: answers of the calls from `first` to `last`, both included."""

    name: str
    answers: tuple[tuple[int, int, Answer], ...]

    def of_call(self, number: int, state: str) -> Answer:
        """The answer of the state's call of this number, from 0. Raises NotMocked."""
        for first, last, answer in self.answers:
            if first <= number <= last:
                return answer
        had = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last, _ in self.answers)
        raise NotMocked(f"call {number} of state {state!r} has no answer: {self.name} is for the calls {had}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a test case begins with and must end as; what is None or missing is not looked at."""

    input: Json = field(default_factory=dict)
    status: str = "SUCCEEDED"
    looked_at: Mapping[str, Json] = field(default_factory=dict)
    """Of Output, Error, Cause and Path those that were given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    __test__ = False  # no test of pytest's, whatever its name

    machine: str
    name: str
    responses: Mapping[str, Response]
    """By state; other states are called for real."""
    expected: Expected = field(default_factory=Expected)


@dataclass(frozen=True, slots=True)
class MockConfig:
    """By machine and case, in the order of the file."""

    machines: Mapping[str, Mapping[str, TestCase]]

    def case(self, machine: str, name: str) -> TestCase | None:
        return self.machines.get(machine, {}).get(name)

    def cases(self, machine: str) -> list[TestCase]:
        return list(self.machines.get(machine, {}).values())


def read_mocks(text: str) -> MockConfig:
    """Raises InvalidMocks that says where the mistake is."""
    try:
        document = jsonvalue.loads(text)
    except jsonvalue.NotJson as error:
        raise InvalidMocks(f"the mock configuration is no JSON: {error}") from None
    top = _object(document, "")
    responses = {
        name: Response(name, _answers(given, f"/MockedResponses/{name}"))
        for name, given in _object(top.get("MockedResponses", {}), "/MockedResponses").items()
    }
    machines = _object(top.get("StateMachines", {}), "/StateMachines")
    if not machines:
        raise InvalidMocks("the mock configuration has no StateMachines", field="/StateMachines")
    return MockConfig({name: _cases(name, given, responses) for name, given in machines.items()})


def _cases(machine: str, given: Json, responses: Mapping[str, Response]) -> dict[str, TestCase]:
    place = f"/StateMachines/{machine}"
    members = _object(given, place)
    expected = _object(members.get("Expected", {}), f"{place}/Expected")
    cases = _object(members.get("TestCases", {}), f"{place}/TestCases")
    if not cases:
        raise InvalidMocks(f"{place} has no TestCases", field=f"{place}/TestCases")
    for name in expected:
        if name not in cases:
            raise InvalidMocks(f"{place}/Expected/{name}: there is no such test case", field=f"{place}/Expected/{name}")
    return {
        name: TestCase(
            machine=machine,
            name=name,
            responses=_mocked(states, responses, f"{place}/TestCases/{name}"),
            expected=_expected(expected.get(name, {}), f"{place}/Expected/{name}"),
        )
        for name, states in cases.items()
    }


def _mocked(states: Json, responses: Mapping[str, Response], place: str) -> dict[str, Response]:
    mocked = {}
    for state, name in _object(states, place).items():
        if not isinstance(name, str) or name not in responses:
            raise InvalidMocks(f"{place}/{state}: there is no mocked response {name!r}", field=f"{place}/{state}")
        mocked[state] = responses[name]
    return mocked


def _answers(given: Json, place: str) -> tuple[tuple[int, int, Answer], ...]:
    answers: list[tuple[int, int, Answer]] = []
    for calls, answer in _object(given, place).items():
        found = _CALLS.fullmatch(calls)
        first, last = (0, -1) if found is None else (int(found[1]), int(found[2] or found[1]))
        if not first <= last < MOCKED_CALLS:
            raise InvalidMocks(
                f'{place}/{calls}: calls are written "0" or "1-3", up to {MOCKED_CALLS - 1}', field=f"{place}/{calls}"
            )
        if any(first <= end and begin <= last for begin, end, _ in answers):
            raise InvalidMocks(f"{place}/{calls}: another answer is for the same call", field=f"{place}/{calls}")
        answers.append((first, last, read_answer(answer, f"{place}/{calls}")))
    if not answers:
        raise InvalidMocks(f"{place} has no answers", field=place)
    return tuple(sorted(answers, key=lambda each: each[0]))


def read_answer(given: Json, place: str) -> Answer:
    """{"Return": any value} or {"Throw": {"Error": text, "Cause": text}}. Raises InvalidMocks."""
    members = _object(given, place)
    if list(members) == ["Return"]:
        return Return(members["Return"])
    if list(members) != ["Throw"]:
        raise InvalidMocks(f"{place} must hold either Return or Throw", field=place)
    thrown = _object(members["Throw"], f"{place}/Throw")
    error, cause = thrown.get("Error"), thrown.get("Cause", "")
    if not isinstance(error, str) or not isinstance(cause, str):
        raise InvalidMocks(f"{place}/Throw: Error and Cause must be texts", field=f"{place}/Throw")
    return Throw(error, cause)


def _expected(given: Json, place: str) -> Expected:
    members = _object(given, place)
    for name in members:
        if name not in _EXPECTED:
            raise InvalidMocks(f"{place}/{name}: expected are {', '.join(_EXPECTED)}", field=f"{place}/{name}")
    looked_at = {name: value for name, value in members.items() if name not in ("Input", "Status")}
    status = members.get("Status", "FAILED" if "Error" in looked_at else "SUCCEEDED")
    if status not in _STATUSES:
        raise InvalidMocks(f"{place}/Status must be one of {', '.join(_STATUSES)}", field=f"{place}/Status")
    path = looked_at.get("Path", [])
    if not isinstance(path, list) or not all(isinstance(name, str) for name in path):
        raise InvalidMocks(f"{place}/Path must be names of states", field=f"{place}/Path")
    return Expected(input=members.get("Input", {}), status=status, looked_at=looked_at)


def _object(given: Json, place: str) -> dict[str, Json]:
    if not isinstance(given, dict):
        raise InvalidMocks(f"{place or 'the mock configuration'} must be an object", field=place or None)
    return given
