"""Jobs that no worker has yet: a lane per blueprint, served in turn by weight, so that no lane waits for another's
thousands. No Ray, no clock: time is an argument, in seconds of any clock that only goes forward.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from actors.desk import BATCH_BYTES
from actors.roster import NOTHING, Report
from actors.routing import Routing
from sfc.errors import Overloaded
from sfc.limits import ALL_QUEUED_JOBS, QUEUED_JOBS
from sfc.tasks.job import Job

_REMEMBERED: Final = 20_000
"""Executions whose jobs came last: the next job of one of them is not another execution."""
_JOB_BYTES: Final = 300
_LONGEST_RETRY_S: Final = 60.0


class Lane:
    __slots__ = (
        "arrived",
        "executions",
        "expired",
        "finished",
        "in_flight",
        "name",
        "oldest",
        "pool",
        "queue",
        "timeout_s",
        "told",
        "weight",
    )

    def __init__(self, name: str, pool: str, weight: int, timeout_s: float | None) -> None:
        self.name = name
        self.pool = pool
        self.weight = weight
        self.timeout_s = timeout_s
        """Longest time that a job waits."""
        self.queue: deque[tuple[Job, float]] = deque()
        """Jobs, each with the time since which it waits."""
        self.oldest = 0.0
        """No job of the queue waits since before that."""
        self.in_flight = 0
        self.arrived = 0
        self.finished = 0
        self.executions = 0
        self.expired = 0
        self.told: Report = NOTHING

    def report(self) -> Report:
        """What is new since the last one."""
        report = self._report()
        self.arrived = self.finished = self.executions = self.expired = 0
        return report

    @property
    def idle(self) -> bool:
        return self._report() == NOTHING

    def left_s(self, job: Job, since: float, now: float) -> float | None:
        """How much longer it may wait. One that watches what a service has begun already may wait for ever."""
        return None if self.timeout_s is None or job.begun else self.timeout_s - (now - since)

    def _report(self) -> Report:
        return Report(self.in_flight, len(self.queue), self.arrived, self.finished, self.executions, self.expired)


class Lanes:
    def __init__(self, routing: Routing, wanted: Callable[[str], bool]) -> None:
        """`wanted`: whether a key was not cancelled."""
        self._routing = routing
        self._wanted = wanted
        self._lanes: dict[str, Lane] = {}
        self._turns: dict[str, deque[Lane]] = {}
        """Lanes with jobs, by pool; the next to be served first."""
        self._executions: dict[str, None] = {}

    def of(self, machine: str) -> Lane:
        lane = self._lanes.get(machine)
        if lane is None:
            found = self._routing
            lane = self._lanes[machine] = Lane(
                machine, found.pool_of(machine), found.weight_of(machine), found.queue_timeout_of(machine)
            )
        return lane

    def add(self, job: Job, now: float) -> None:
        """A new job."""
        lane = self.of(job.machine)
        lane.arrived += 1
        if job.execution not in self._executions:
            lane.executions += 1
            self._executions[job.execution] = None
            if len(self._executions) > _REMEMBERED:
                del self._executions[next(iter(self._executions))]
        self._line_up(lane, now)
        lane.queue.append((job, now))

    def put_back(self, jobs: list[Job], now: float) -> None:
        """To the front, in this order. Those that tell how long they may still wait have waited before, and go on."""
        for job in reversed(jobs):
            lane = self.of(job.machine)
            waited_s = 0.0 if lane.timeout_s is None or job.queue_s is None else lane.timeout_s - job.queue_s
            self._line_up(lane, now - waited_s)
            lane.queue.appendleft((job, now - waited_s))

    def overdue(self, now: float) -> list[Job]:
        """Those that have waited too long; they leave."""
        found: list[Job] = []
        for lane in self._lanes.values():
            if lane.queue and lane.timeout_s is not None and now - lane.oldest > lane.timeout_s:
                found += self._expire(lane, now)
        return found

    def pools(self) -> list[str]:
        """Those with jobs waiting."""
        return [pool for pool, turns in self._turns.items() if turns]

    def waiting(self, pool: str) -> int:
        return sum(len(lane.queue) for lane in self._turns.get(pool, ()))

    def has_news(self, pool: str) -> bool:
        """Whether a lane has jobs that the scheduler was not told of."""
        return any(not lane.told.queued for lane in self._turns.get(pool, ()))

    def queued(self, machine: str) -> int:
        lane = self._lanes.get(machine)
        return 0 if lane is None else len(lane.queue)

    @property
    def all_queued(self) -> int:
        return sum(map(self.waiting, self._turns))

    def admit(self, machine: str) -> None:
        """Raises Overloaded when so many jobs wait that no more executions of this state machine should begin."""
        queued, everything = self.queued(machine), self.all_queued
        if queued >= QUEUED_JOBS or everything >= ALL_QUEUED_JOBS:
            finished_s = max(self.of(machine).told.finished, 1)  # about a second passes between two reports
            raise Overloaded(
                f"{queued:,} jobs of {machine} and {everything:,} jobs in all wait for a worker",
                retry_after_s=min(max(queued / finished_s / 10, 1.0), _LONGEST_RETRY_S),
            )

    def cut(self, pool: str, items: int, room: Callable[[str], int], now: float) -> list[Job]:
        """The next jobs for one call, at most `items` and as many bytes as fit one. `room`: how many more jobs of a
        blueprint the worker may have.
        """
        turns = self._turns.get(pool)
        jobs: list[Job] = []
        if not turns:
            return jobs
        share = max(items // sum(lane.weight for lane in turns), 1)
        rooms = {lane.name: room(lane.name) for lane in turns}
        size = passed = 0
        while turns and passed < len(turns) and len(jobs) < items and size < BATCH_BYTES:
            lane = turns[0]
            before = len(jobs)
            most = min(before + lane.weight * share, items, before + rooms[lane.name])
            while lane.queue and len(jobs) < most and size < BATCH_BYTES:
                job, since = lane.queue.popleft()
                if self._wanted(job.key):
                    left_s = lane.left_s(job, since, now)
                    if left_s is not None or job.queue_s is not None:
                        job = job._replace(queue_s=None if left_s is None else max(left_s, 0.0))
                    jobs.append(job)
                    size += len(job.input) + _JOB_BYTES
            rooms[lane.name] -= len(jobs) - before
            passed = passed + 1 if len(jobs) == before else 0
            if lane.queue:
                turns.rotate(-1)
            else:
                turns.popleft()
        return jobs

    def route(self) -> None:
        """Pools, weights or limits changed: line all lanes up again."""
        self._turns.clear()
        for lane in self._lanes.values():
            lane.pool, lane.weight = self._routing.pool_of(lane.name), self._routing.weight_of(lane.name)
            lane.timeout_s = self._routing.queue_timeout_of(lane.name)
            if lane.queue:
                self._turns.setdefault(lane.pool, deque()).append(lane)

    def reports(self) -> dict[str, Report]:
        """What the scheduler does not know yet; lanes that have nothing and told so are forgotten."""
        found: dict[str, Report] = {}
        for name, lane in list(self._lanes.items()):
            if lane.idle and lane.told == NOTHING:
                del self._lanes[name]
                continue
            lane.told = found[name] = lane.report()
        return found

    def _line_up(self, lane: Lane, since: float) -> None:
        """A job that waits since then is about to join the lane."""
        if lane.queue:
            lane.oldest = min(lane.oldest, since)
        else:
            lane.oldest = since
            self._turns.setdefault(lane.pool, deque()).append(lane)

    def _expire(self, lane: Lane, now: float) -> list[Job]:
        expired: list[Job] = []
        kept: deque[tuple[Job, float]] = deque()
        for job, since in lane.queue:
            left_s = lane.left_s(job, since, now)
            if left_s is None or left_s >= 0:
                kept.append((job, since))
            elif self._wanted(job.key):
                expired.append(job)
        lane.queue = kept
        lane.expired += len(expired)
        if kept:
            lane.oldest = min(since for _, since in kept)
        else:
            self._turns[lane.pool].remove(lane)
        return expired
