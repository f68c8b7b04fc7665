"""When the holders of task tokens were last heard of.

Heartbeats are no facts: only memory knows them, and after a crash each task has its whole HeartbeatSeconds again. What
becomes a fact is a heartbeat that did not come.
"""

from typing import NamedTuple

from sfc.engine.resident import Resident
from sfc.store.journal import Waiting


class Missed(NamedTuple):
    """A heartbeat that is due; in the order of `due`, UTC ms."""

    due: int
    task: int
    attempt: int


class Heartbeats:
    def __init__(self) -> None:
        self._since = 0
        self._heard: dict[int, dict[Waiting, int]] = {}
        """By execution, only for attempts that are open."""

    def restart(self, now: int) -> None:
        """All that was open before begins to count now."""
        self._since = now

    def next(self, resident: Resident) -> Missed | None:
        """The next heartbeat that the execution waits for, unless it comes earlier."""
        heard = self._heard.get(resident.id, {})
        found: Missed | None = None
        for accepted in resident.run.accepted.values():
            job = accepted.job
            if job.heartbeat_s is None or not accepted.since:
                continue
            last = max(accepted.since, self._since, heard.get(Waiting(resident.id, job.task, job.attempt), 0))
            missed = Missed(last + job.heartbeat_s * 1000, job.task, job.attempt)
            if found is None or missed < found:
                found = missed
        return found

    def heard(self, waiting: Waiting, now: int) -> None:
        """The holder of an open attempt's token is alive."""
        self._heard.setdefault(waiting.execution, {})[waiting] = now

    def knows(self, waiting: Waiting) -> bool:
        """Whether the attempt was heard of, and so is open, without a look at its execution."""
        return waiting in self._heard.get(waiting.execution, ())

    def stepped(self, resident: Resident) -> None:
        """Forget what is over."""
        heard = self._heard.get(resident.id)
        if heard is not None:
            open_ones = {each: at for each, at in heard.items() if resident.run.open_job(each.task, each.attempt)}
            if open_ones:
                self._heard[resident.id] = open_ones
            else:
                del self._heard[resident.id]
