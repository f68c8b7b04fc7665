"""Tasks that the engine does itself instead of giving them to a worker."""

from collections.abc import Sequence
from typing import Protocol

from sfc.asl.model import Resource
from sfc.engine.records import ExecutionRecord
from sfc.engine.resident import Resident
from sfc.interpreter.commands import CloseTask, Command, DispatchTask, MapRunCommand
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
        """The task is over, and that is written. Only of resources for which something is kept."""
        ...

    def cancel(self, waiting: Waiting) -> None:
        """Nobody wants the answer of this attempt any more. It may be another's, or be done already."""
        ...


class Doers:
    """All ways in which the engine does tasks itself."""

    def __init__(self) -> None:
        self._all: list[OwnTasks] = []

    def add(self, own: OwnTasks) -> None:
        """Have it do the tasks that it takes."""
        self._all.append(own)

    def of(self, resource: Resource) -> OwnTasks | None:
        """Who in the engine does this; None: a worker."""
        if resource.kind not in ("service", "activity", "kafka") and resource.service != "kafka":
            return None
        return next((own for own in self._all if own.takes(resource)), None)

    def kept(self, resident: Resident, commands: Sequence[Command], kept: Kept | None) -> Kept | None:
        """`kept`, and what the tasks that these commands close change besides."""
        for command in commands:
            if type(command) is CloseTask and (own := self.of(command.resource)) is not None:
                kept = kept or Kept()
                kept.add(own.kept(resident, command))
        return kept

    def close(self, resident: Resident, closed: CloseTask) -> None:
        own = self.of(closed.resource)
        if own is not None:
            own.close(resident, closed)

    def cancel(self, waiting: Waiting) -> None:
        for own in self._all:
            own.cancel(waiting)


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

    def wake(self, resident: Resident, task: int) -> None:
        """More children of this Map Run may run now."""
        ...

    def leave(self, resident: Resident) -> None:
        """An execution that had Map Runs left memory: it ended, or what memory says of it is wrong."""
        ...

    def close(self) -> None: ...
