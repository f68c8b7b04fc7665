"""From an engine to the workers and back.

To each worker up to two calls are under way: one parked there until a result is ready, and one that brings jobs. Jobs
that find no free worker wait here, in order. A worker that cannot be reached is asked again; only when it is dead are
its jobs given to others: after its second death a job runs alone on a worker, after the third it fails.
"""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from ray.exceptions import ActorUnavailableError, RayActorError, RayError

from actors.clients import SchedulerClient, WorkerClient
from actors.desk import BATCH_BYTES, BATCH_ITEMS, Answer
from actors.worker import POLL_S
from sfc.limits import WORKER_LOST_DEATHS
from sfc.tasks.job import Job, JobResult

_CALLS: Final = 2
_AGAIN_S: Final = 0.2
_ACKNOWLEDGE_S: Final = 1.0
"""An idle worker hears within this time that its last results arrived."""
_FIRST_CREDITS: Final = BATCH_ITEMS
"""Until the worker's first answer tells how many jobs it can take."""
_CLOSE_S: Final = 2.0
_MEET_S: Final = 15.0
"""How long `open` waits for workers that are still starting, and so hold nothing."""
_log = logging.getLogger("sfc.exchange")


class _Link:
    """One worker as this engine knows it."""

    def __init__(self, name: str, worker: WorkerClient) -> None:
        self.name = name
        self.worker = worker
        self.calls = 0
        self.free = _FIRST_CREDITS
        self.on_board: dict[str, Job] = {}
        self.pinned: deque[Job] = deque()  # only this worker may do these: it has them already
        self.acknowledged: list[int] = []
        self.resend = False
        self.open = True
        self.dead = False
        self.alone: str | None = None  # the key of a job that must have the worker for itself


class RayDispatcher:
    """A `Dispatcher` over the workers that the scheduler names. All methods run on the engine's event loop."""

    def __init__(self, scheduler: SchedulerClient, engine: str | None = None) -> None:
        self._scheduler = scheduler
        self._engine = engine or uuid.uuid4().hex
        self._on_results: Callable[[Sequence[JobResult]], None] = _nobody
        self._links: dict[str, _Link] = {}
        self._meeting: set[str] = set()
        self._held: dict[str, _Link] = {}
        self._backlog: deque[Job] = deque()
        self._alone: deque[Job] = deque()
        self._where: dict[str, _Link | None] = {}
        self._deaths: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pumping = False
        self._closed = False

    @property
    def waiting(self) -> int:
        """Jobs that no worker has yet."""
        return len(self._backlog) + len(self._alone)

    async def open(self, on_results: Callable[[Sequence[JobResult]], None]) -> None:
        """Connects, and learns which jobs the workers still have of an earlier engine: these are adopted when they are
        dispatched.
        """
        self._on_results = on_results
        version, workers = await self._scheduler.members(0, POLL_S)
        if meeting := self._know(workers):
            await asyncio.wait(meeting, timeout=_MEET_S)
        self._begin(self._follow(version))

    def dispatch(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if job.key in self._where:
                continue
            holder = self._held.pop(job.key, None)
            self._where[job.key] = None
            if holder is not None and not holder.dead:
                holder.pinned.append(job)
            else:
                self._backlog.append(job)
        self._pump_soon()

    def cancel(self, keys: Sequence[str]) -> None:
        per_worker: dict[str, list[str]] = {}
        for key in keys:
            link = self._where.pop(key, None)
            self._deaths.pop(key, None)
            if link is not None:
                link.on_board.pop(key, None)
                link.alone = None if link.alone == key else link.alone
                per_worker.setdefault(link.name, []).append(key)
        for name, theirs in per_worker.items():
            if (link := self._links.get(name)) is not None:
                self._begin(_tell(link.worker.cancel(theirs)))
        self._pump_soon()

    async def close(self) -> None:
        """Leaves the workers alone: what they do is adopted by whoever opens next."""
        self._closed = True
        thanks = [
            _tell(link.worker.exchange(self._engine, [], link.acknowledged, False, 0))
            for link in self._links.values()
            if link.acknowledged
        ]
        try:
            await asyncio.wait_for(asyncio.gather(*thanks), _CLOSE_S)
        except TimeoutError:
            _log.info("not every worker heard the last acknowledgements")
        self._on_results = _nobody
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- who the workers are

    async def _follow(self, version: int) -> None:
        while not self._closed:
            try:
                version, workers = await self._scheduler.members(version, POLL_S)
            except RayError as error:
                _log.info("the scheduler does not answer, the workers stay: %s", error)
                await asyncio.sleep(_AGAIN_S)
                continue
            self._know(workers)

    def _know(self, workers: dict[str, WorkerClient]) -> list[asyncio.Task[None]]:
        """Take the list over; the tasks end when the new workers have told what they hold."""
        for link in self._links.values():
            link.open = link.name in workers
        new = [name for name in workers if name not in self._links and name not in self._meeting]
        self._meeting.update(new)
        self._pump_soon()
        tasks = [asyncio.get_running_loop().create_task(self._meet(name, workers[name])) for name in new]
        for task in tasks:
            self._track(task)
        return tasks

    async def _meet(self, name: str, worker: WorkerClient) -> None:
        keys = await _held(worker)
        self._meeting.discard(name)
        if keys is None:
            return  # dead before we met it: the scheduler will name another
        link = self._links[name] = _Link(name, worker)
        self._held.update(dict.fromkeys(keys, link))
        self._pump_soon()

    # ---- sending

    def _pump_soon(self) -> None:
        if not self._pumping and not self._closed:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        for link in [one for one in self._links.values() if not (one.open or one.on_board or one.pinned or one.calls)]:
            del self._links[link.name]  # left the pool, and we have nothing there
        for link in self._links.values():
            if link.pinned and link.calls < _CALLS:
                self._send(link, self._cut(link.pinned, BATCH_ITEMS))
        self._send_alone()
        while self._backlog:
            ready = [link for link in self._links.values() if self._takes(link)]
            if not ready:
                break
            link = max(ready, key=lambda one: one.free - len(one.on_board))
            share = -(-len(self._backlog) // len(ready))
            self._send(link, self._cut(self._backlog, min(share, link.free, BATCH_ITEMS)))
        for link in self._links.values():
            if link.calls == 0 and link.on_board:
                self._send(link, [])

    def _takes(self, link: _Link) -> bool:
        return link.open and link.calls < _CALLS and link.free > 0 and link.alone is None

    def _send_alone(self) -> None:
        while self._alone:
            link = next((one for one in self._links.values() if self._takes(one) and not one.on_board), None)
            if link is None:
                return
            for job in self._cut(self._alone, 1):
                link.alone = job.key
                self._send(link, [job])

    def _cut(self, queue: deque[Job], items: int) -> list[Job]:
        """The next jobs that are still wanted, as many as fit one call."""
        jobs: list[Job] = []
        size = 0
        while queue and len(jobs) < items and size < BATCH_BYTES:
            job = queue.popleft()
            if job.key in self._where:
                jobs.append(job)
                size += len(job.input) + 300
        return jobs

    def _send(self, link: _Link, jobs: list[Job], poll_s: float = POLL_S) -> None:
        link.calls += 1
        link.free -= len(jobs)
        for job in jobs:
            link.on_board[job.key] = job
            self._where[job.key] = link
        acknowledged, link.acknowledged = link.acknowledged, []
        resend, link.resend = link.resend, False
        ref = link.worker.exchange(self._engine, jobs, acknowledged, resend, poll_s)
        self._begin(self._receive(link, ref, jobs, acknowledged))

    # ---- receiving

    async def _receive(self, link: _Link, ref: Any, jobs: list[Job], acknowledged: list[int]) -> None:
        try:
            answer = await ref
        except ActorUnavailableError:
            await self._ask_again(link, jobs, acknowledged)
        except RayActorError as error:
            self._died(link, error)
        except RayError:
            _log.exception("worker %s failed to exchange", link.name)
            await self._ask_again(link, jobs, acknowledged)
        else:
            self._arrived(link, answer)
        finally:
            link.calls -= 1
            self._pump_soon()

    async def _ask_again(self, link: _Link, jobs: list[Job], acknowledged: list[int]) -> None:
        """Nobody knows whether the call arrived; the worker recognises what it has."""
        link.resend = True
        link.acknowledged += acknowledged
        link.pinned.extend(job for job in jobs if job.key in link.on_board)
        await asyncio.sleep(_AGAIN_S)

    def _arrived(self, link: _Link, answer: Answer) -> None:
        link.free = answer.free
        if not answer.batch:
            return
        link.acknowledged.append(answer.batch)
        for result in answer.results:
            link.on_board.pop(result.key, None)
            self._where.pop(result.key, None)
            self._deaths.pop(result.key, None)
            if link.alone == result.key:
                link.alone = None
        if not link.on_board:
            asyncio.get_running_loop().call_later(_ACKNOWLEDGE_S, self._acknowledge, link)
        self._on_results(answer.results)

    def _acknowledge(self, link: _Link) -> None:
        if link.acknowledged and link.calls == 0 and not link.dead and not self._closed:
            self._send(link, [], poll_s=0)

    def _died(self, link: _Link, error: RayActorError) -> None:
        if link.dead:
            return
        link.dead = True
        self._links.pop(link.name, None)
        _log.warning("worker %s died with %d jobs on board", link.name, len(link.on_board))
        lost: list[JobResult] = []
        again: list[Job] = []
        for key, job in link.on_board.items():
            deaths = self._deaths[key] = self._deaths.get(key, 0) + 1
            self._where[key] = None
            if deaths >= WORKER_LOST_DEATHS:
                del self._where[key], self._deaths[key]
                lost.append(JobResult(key, None, "SFC.WorkerLost", _lost_cause(deaths, error), 0))
            elif deaths == WORKER_LOST_DEATHS - 1:
                self._alone.append(job)
            else:
                again.append(job)
        again += [job for job in link.pinned if job.key in self._where and job.key not in link.on_board]
        self._backlog.extendleft(reversed(again))
        if lost:
            self._on_results(lost)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._track(asyncio.get_running_loop().create_task(work))

    def _track(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _lost_cause(deaths: int, error: RayActorError) -> str:
    why = str(error).strip().splitlines()
    last = next(
        (line.strip() for line in why if "cause" in line.lower() or "exit" in line.lower()), why[-1] if why else ""
    )
    return f"The worker process died {deaths} times while it had this job. Last: {last}"


async def _held(worker: WorkerClient) -> list[str] | None:
    while True:
        try:
            return await worker.running()
        except ActorUnavailableError:
            await asyncio.sleep(_AGAIN_S)
        except RayActorError:
            return None


async def _tell(ref: Any) -> None:
    try:
        await ref
    except RayError:
        _log.debug("a worker did not hear a cancellation", exc_info=True)


def _nobody(_results: Sequence[JobResult]) -> None:
    """Takes results before `open` and after `close`."""
