"""Executions that were started as a test case (`stateMachineArn#Case`): their mocked states call nobody.

Which call of a state a task is, is counted anew from the journal when an execution is read again, so that the answers
go on where they were. The name of the case stands in the store: a mocked state never calls its service by accident,
also when the server was started without its mocks meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from sfc.errors import NotFound
from sfc.interpreter.commands import Command, DispatchTask
from sfc.interpreter.entries import Entry
from sfc.tasks.mocks import Answer, MockConfig, NotMocked, Throw, entries_of

if TYPE_CHECKING:
    from sfc.engine.resident import Resident


class CaseCalls:
    """The test case of one execution, and the calls of its states so far."""

    __slots__ = ("_counts", "_numbers", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._counts: Counter[str] = Counter()
        self._numbers: dict[tuple[int, int], int] = {}

    def number_of(self, job: DispatchTask) -> int:
        """Which call of its state it is, from 0; the same when it is dispatched again, and when it watches what it
        has begun."""
        attempt = (job.task, job.attempt - 1 if job.begun else job.attempt)
        number = self._numbers.get(attempt)
        if number is None:
            number = self._numbers[attempt] = self._counts[job.state]
            self._counts[job.state] += 1
        return number

    def saw(self, commands: Iterable[Command]) -> None:
        """Count what a replay would dispatch."""
        for command in commands:
            if isinstance(command, DispatchTask):
                self.number_of(command)


class Mocked:
    """What the mock configuration of this server says."""

    def __init__(
        self,
        config: MockConfig | None,
        residents: "Mapping[int, Resident]",
        clock: Callable[[], int],
        apply: "Callable[[Resident, Entry], bool]",
    ) -> None:
        """`residents` are the executions in memory; `apply` steps one."""
        self._config = config
        self._residents = residents
        self._clock = clock
        self._apply = apply

    def check(self, machine: str, case: str) -> None:
        """Raises NotFound when there is no such case."""
        if self._config is None or self._config.case(machine, case) is None:
            raise NotFound(
                f"State Machine Does Not Exist: '{machine}#{case}': the server's mocks have no such test case",
                code="StateMachineDoesNotExist",
            )

    def begin(self, resident: "Resident", job: DispatchTask) -> bool:
        """Answer the job in the loop's next turn; False when its state is not mocked in the execution's case."""
        assert resident.case is not None
        name, machine = resident.case.name, resident.machine.partition("/")[0]  # children of a Map Run are of its case
        case = None if self._config is None else self._config.case(machine, name)
        if case is None:
            answer: Answer = Throw("States.Runtime", f"This server has no test case {machine}#{name}")
        elif job.state in case.responses:
            try:
                answer = case.responses[job.state].of_call(resident.case.number_of(job), job.state)
            except NotMocked as error:
                answer = Throw("States.Runtime", str(error))
        else:
            return False
        asyncio.get_running_loop().call_soon(self._answer, resident.id, job, answer)
        return True

    def _answer(self, id: int, job: DispatchTask, answer: Answer) -> None:
        resident = self._residents.get(id)
        if resident is None or resident.run.jobs.get(job.task) is not job:
            return
        for entry in entries_of(job, answer, max(self._clock(), resident.run.now)):
            if self._residents.get(id) is resident:
                self._apply(resident, entry)
