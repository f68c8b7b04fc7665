"""What a worker knows about its jobs: who wants which result, and which results have arrived there.

No clock, no Ray. An engine is known by the id it chose; the engine that asked for a job last gets its result. Results
leave in numbered batches and are kept until their number is acknowledged, so a lost answer loses nothing.
"""

from collections import deque
from typing import Final, NamedTuple

from sfc.tasks.job import Job, JobResult

BATCH_ITEMS: Final = 200
BATCH_BYTES: Final = 90_000
"""Above about 100 kB Ray moves values through its object store, which doubles the latency."""


class Answer(NamedTuple):
    batch: int
    results: list[JobResult]
    free: int
    """Jobs that the worker can begin now."""
    refused: list[str] = []  # noqa: RUF012 - a NamedTuple's default, never changed
    """Keys that the worker did not take, because it drains."""


class _Engine:
    __slots__ = ("batches", "number", "ready")

    def __init__(self) -> None:
        self.ready: deque[JobResult] = deque()
        self.batches: dict[int, list[JobResult]] = {}
        self.number = 0


class Desk:
    """`accept` jobs, `finish` them, `take` what an engine has not seen yet."""

    def __init__(self) -> None:
        self._wanted_by: dict[str, str] = {}
        self._finished: dict[str, JobResult] = {}
        self._engines: dict[str, _Engine] = {}

    def accept(self, engine: str, jobs: list[Job]) -> list[Job]:
        """Those to begin: a job that is running or finished here is only answered for."""
        new = []
        for job in jobs:
            known = self._wanted_by.get(job.key)
            self._wanted_by[job.key] = engine
            if known is None:
                new.append(job)
            elif job.key in self._finished:
                self._of(engine).ready.append(self._finished[job.key])
        return new

    def finish(self, result: JobResult) -> str | None:
        """The engine that waits for it, if any."""
        engine = self._wanted_by.get(result.key)
        if engine is not None:
            self._finished[result.key] = result
            self._of(engine).ready.append(result)
        return engine

    def forget(self, keys: list[str]) -> None:
        """Cancelled: nobody wants these."""
        for key in keys:
            self._wanted_by.pop(key, None)
            self._finished.pop(key, None)

    def acknowledge(self, engine: str, batches: list[int]) -> None:
        known = self._of(engine)
        for number in batches:
            for result in known.batches.pop(number, ()):
                if self._wanted_by.get(result.key) == engine:
                    self.forget([result.key])

    def resend(self, engine: str) -> None:
        """An answer was lost: whatever is not acknowledged goes out again."""
        known = self._of(engine)
        for number in sorted(known.batches):
            known.ready.extend(known.batches.pop(number))

    def has_ready(self, engine: str) -> bool:
        return bool(self._of(engine).ready)

    def take(self, engine: str) -> tuple[int, list[JobResult]]:
        """The next batch and its number; 0 for an empty one, which needs no acknowledgement."""
        known = self._of(engine)
        results: list[JobResult] = []
        size = 0
        while known.ready and len(results) < BATCH_ITEMS and size < BATCH_BYTES:
            result = known.ready.popleft()
            if result.key not in self._finished or self._wanted_by.get(result.key) != engine:
                continue  # cancelled, or another engine adopted it
            results.append(result)
            size += len(result.output or b"") + len(result.cause or "") + 100
        if not results:
            return 0, results
        known.number += 1
        known.batches[known.number] = results
        return known.number, results

    def held(self) -> list[str]:
        """Keys that are running or whose result nobody acknowledged."""
        return list(self._wanted_by)

    @property
    def running(self) -> int:
        return len(self._wanted_by) - len(self._finished)

    def _of(self, engine: str) -> _Engine:
        found = self._engines.get(engine)
        if found is None:
            found = self._engines[engine] = _Engine()
        return found
