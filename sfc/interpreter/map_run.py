"""A Map Run: the children of a distributed Map, counted.

What one run keeps does not grow with what its children made: a bit for each child that has ended, counts, and the
places from which reading can go on. Inputs live in their source, results in the journal.
"""

from collections import deque
from typing import Any, Final, Literal, NamedTuple, NoReturn

from sfc.asl.expression import Failure
from sfc.asl.model import Map
from sfc.interpreter.children import ChildStatus
from sfc.interpreter.map_specs import MapRunSpec
from sfc.jsonvalue import Json

MapRunStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
_UNSUCCESSFUL: Final[tuple[ChildStatus, ...]] = ("FAILED", "TIMED_OUT", "ABORTED")


class Checkpoint(NamedTuple):
    """So much has been read; `place` is where the reader goes on."""

    children: int
    items: int
    place: Json


class Limits(NamedTuple):
    """What UpdateMapRun may change while the run is going on."""

    max_concurrency: int
    """0: as many as there may be."""
    tolerated_failure_count: int | None
    tolerated_failure_percentage: float | None


def child_name(map_run: str, number: int) -> str:
    """The name of a Map Run's child (from 0): a uuid that tells both, so that a repeated start finds it."""
    return f"{map_run[:24]}{number + 1:012x}"


class MapRun:
    """Implements `Gather`, with children that are no frames."""

    __slots__ = (
        "arn", "attempt", "below", "checkpoints", "counts", "data", "failure", "finished", "frames", "items", "limits",
        "lost", "read_all", "redriven_at", "redrives", "results_written", "seed", "spec", "started_at", "state",
        "status", "stopped_at", "task", "unsuccessful", "uuid",
    )  # fmt: skip

    def __init__(
        self, uuid: str, arn: str, state: Map, data: Json, spec: MapRunSpec, limits: Limits, seed: int, started_at: int
    ) -> None:
        self.uuid = uuid
        self.arn = arn
        self.state = state
        self.data = data
        """The state's effective input: what ItemSelector reads."""
        self.spec = spec
        self.limits = limits
        self.seed = seed
        self.task = self.attempt = 0
        """What the facts about it name, once it is awaited."""
        self.started_at = started_at
        self.stopped_at = 0
        self.status: MapRunStatus = "RUNNING"
        self.failure: Failure | None = None
        """Why it fails, once that is decided: it only writes its results then."""
        self.frames: dict[int, Any] = {}
        self.lost: list[Any] = []
        self.read_all = False
        self.checkpoints = deque([Checkpoint(0, 0, None)])
        self.finished = bytearray()
        """A bit for each child that has ended, by number."""
        self.unsuccessful = bytearray()
        """A bit for each of these that did not succeed."""
        self.below = 0
        """Every child of a lower number has ended."""
        self.counts: dict[ChildStatus, int] = dict.fromkeys(("SUCCEEDED", *_UNSUCCESSFUL), 0)
        """Children by how they ended."""
        self.items: dict[ChildStatus, int] = dict.fromkeys(("SUCCEEDED", *_UNSUCCESSFUL), 0)
        """Items by how their child ended."""
        self.results_written = False
        self.redrives = 0
        self.redriven_at = 0

    @property
    def read(self) -> Checkpoint:
        """What has been read so far."""
        return self.checkpoints[-1]

    @property
    def resume(self) -> Checkpoint:
        """From where reading must go on after a crash: everything before has ended."""
        return self.checkpoints[0]

    @property
    def ended(self) -> int:
        """Children that have ended."""
        return sum(self.counts.values())

    @property
    def complete(self) -> bool:
        return self.read_all and self.ended == self.read.children

    @property
    def too_many_failures(self) -> bool:
        """Whether the tolerated failures are exceeded. A percentage is of all items, so it is decided when they are
        known."""
        failed = sum(self.items[status] for status in _UNSUCCESSFUL)
        _most, count, percentage = self.limits
        if count is None and percentage is None:
            return failed > 0
        if count is not None and failed > count:
            return True
        return percentage is not None and self.read_all and failed * 100 > percentage * self.read.items

    def has_ended(self, child: int) -> bool:
        return _is_set(self.finished, child)

    def note_read(self, checkpoint: Checkpoint, *, last: bool) -> None:
        if checkpoint.children > self.read.children or checkpoint.items > self.read.items:
            self.checkpoints.append(checkpoint)
        self.read_all = last
        self._drop_passed()

    def note_ended(self, child: int, items: int, status: ChildStatus) -> None:
        """Counts a child once, however often its end is told."""
        if self.has_ended(child) or child >= self.read.children:
            return
        _set(self.finished, child)
        if status != "SUCCEEDED":
            _set(self.unsuccessful, child)
        self.counts[status] += 1
        self.items[status] += items
        while self.has_ended(self.below):
            self.below += 1
        self._drop_passed()

    def go_on_again(self, now: int) -> None:
        """Redriven: the children that did not succeed, and those that were not started, are to run. What was read is
        read again, to find what they were given.
        """
        read = self.read
        for at, bits in enumerate(self.unsuccessful):
            self.finished[at] &= ~bits & 0xFF
        self.unsuccessful = bytearray()
        for status in _UNSUCCESSFUL:
            self.counts[status] = self.items[status] = 0
        self.checkpoints = deque([Checkpoint(0, 0, None)])
        self.below = 0
        while self.has_ended(self.below):
            self.below += 1
        self.note_read(read, last=self.read_all)
        self.status, self.stopped_at, self.failure, self.results_written = "RUNNING", 0, None, False
        self.redrives += 1
        self.redriven_at = now

    def _drop_passed(self) -> None:
        while len(self.checkpoints) > 1 and self.checkpoints[1].children <= self.below:
            self.checkpoints.popleft()

    def child_ended(self, *_: object) -> NoReturn:
        raise AssertionError("the children of a Map Run are no frames")

    child_failed = child_ended


def _is_set(bits: bytearray, number: int) -> bool:
    at = number >> 3
    return at < len(bits) and bool(bits[at] >> (number & 7) & 1)


def _set(bits: bytearray, number: int) -> None:
    at = number >> 3
    if at >= len(bits):
        bits.extend(bytes(at + 1 - len(bits)))
    bits[at] |= 1 << (number & 7)
