"""One worker as an engine knows it."""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

from actors.clients import WorkerClient
from actors.desk import BATCH_ITEMS
from sfc.tasks.job import Job

CALLS: Final = 2
"""Under way at once: one parked there until a result is ready, and one that brings jobs."""
_FIRST_CREDITS: Final = BATCH_ITEMS
"""Until the worker's first answer tells how many jobs it can take."""
_SHARE: Final = 0.9
"""Of a shared worker's room that one blueprint may take: a flood of slow jobs leaves a way through for the others."""


class Link:
    def __init__(self, name: str, pool: str, worker: WorkerClient) -> None:
        self.name = name
        self.pool = pool
        self.worker = worker
        self.calls = 0
        self.free = _FIRST_CREDITS
        self.size = _FIRST_CREDITS
        """Jobs that it can have at once."""
        self.on_board: dict[str, Job] = {}
        self.of_machine: Counter[str] = Counter()
        """How many of each blueprint are on board."""
        self.pinned: deque[Job] = deque()  # only this worker may do these: it has them already
        self.acknowledged: list[int] = []
        self.resend = False
        self.open = True
        self.dead = False
        self.alone: str | None = None  # the key of a job that must have the worker for itself

    @property
    def takes(self) -> bool:
        return self.open and self.calls < CALLS and self.free > 0 and self.alone is None

    @property
    def unused(self) -> bool:
        return not (self.on_board or self.pinned or self.calls)

    def room(self, machine: str) -> int:
        """How many more jobs of a blueprint may go there when others share it."""
        return int(self.size * _SHARE) - self.of_machine[machine]

    def load(self, jobs: Sequence[Job]) -> list[Job]:
        """Those that were not on board yet."""
        new = [job for job in jobs if job.key not in self.on_board]
        for job in new:
            self.on_board[job.key] = job
            self.of_machine[job.machine] += 1
        self.free -= len(jobs)
        return new

    def unload(self, key: str) -> Job | None:
        job = self.on_board.pop(key, None)
        if job is not None:
            self.of_machine[job.machine] -= 1
            if not self.of_machine[job.machine]:
                del self.of_machine[job.machine]
        if self.alone == key:
            self.alone = None
        return job
