"""Tasks that the engine does itself instead of giving them to a worker."""

from collections.abc import Sequence
from typing import Protocol

from sfc.asl.model import Resource
from sfc.engine.records import ExecutionRecord
from sfc.engine.resident import Resident
from sfc.interpreter.commands import CloseTask, DispatchTask, MapRunCommand
from sfc.store.journal import Kept, Waiting


class OwnTasks(Protocol):
    """One way to do tasks of certain resources. Called on the event loop, after the commit that asks for it."""

    def takes(self, resource: Resource) -> bool: ...

    def begin(self, resident: Resident, job: DispatchTask) -> None:
        """Do this job; begun again after a crash or a failed commit, as long as its answer is not written."""
        ...

    def kept(self, resident: Resident, closed: CloseTask) -> Kept:
        """What the commit that closes the task has to change beside the journal."""
        ...

    def close(self, resident: Resident, closed: CloseTask) -> None:
        """The task is over, and that is written."""
        ...


class Ends(Protocol):
    """Is told of every execution that has ended and whose end somebody waits for."""

    def ended(self, child: Resident, record: ExecutionRecord, parents: Sequence[Waiting]) -> None: ...

    def came_back(self, resident: Resident) -> None:
        """An execution with children was read and replayed."""
        ...


class MapRuns(Protocol):
    """Carries Map Runs out."""

    def carry_out(self, resident: Resident, command: MapRunCommand) -> None: ...

    def resume(self, resident: Resident) -> None:
        """An execution with Map Runs, or a child of one, was read and replayed."""
        ...

    def leave(self, resident: Resident) -> None:
        """An execution that had Map Runs left memory: it ended, or what memory says of it is wrong."""
        ...

    def close(self) -> None: ...
