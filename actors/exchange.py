"""From an engine to the workers and back.

To each worker up to two calls are under way: one parked there until a result is ready, and one that brings jobs. Jobs
that find no free worker of their pool wait here, in order (`actors.lanes`). A worker that cannot be reached is asked
again; only when it is dead are its jobs given to others: after its second death a job runs alone on a worker, after the
third it fails.
"""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from ray.exceptions import ActorUnavailableError, RayActorError, RayError

from actors.clients import SchedulerClient, WorkerClient
from actors.desk import BATCH_ITEMS, Answer
from actors.endings import queue_timeout, worker_lost
from actors.lanes import Lanes
from actors.link import CALLS, Link
from actors.load import tell_load
from actors.roster import Roster
from actors.routing import Routing
from actors.supply import supply
from actors.worker import POLL_S
from sfc.catalog.pool_policy import COMMON
from sfc.limits import WORKER_LOST_DEATHS
from sfc.tasks.deployed import Fetch, nothing
from sfc.tasks.job import QUEUE_TIMEOUT, Job, JobResult

_AGAIN_S: Final = 0.2
_ACKNOWLEDGE_S: Final = 1.0
"""An idle worker hears within this time that its last results arrived."""
_CLOSE_S: Final = 2.0
_MEET_S: Final = 15.0
"""How long `open` waits for workers that are still starting, and so hold nothing."""
_OVERDUE_S: Final = 0.5
"""Jobs that have waited too long are looked for so often."""
_log = logging.getLogger("sfc.exchange")


class RayDispatcher:
    """A `Dispatcher` over the workers that the scheduler names. All methods run on the engine's event loop."""

    def __init__(self, scheduler: SchedulerClient, engine: str | None = None, fetch: Fetch = nothing) -> None:
        """`fetch` gives what workers ask for: task metas and packages by digest."""
        self._scheduler = scheduler
        self._fetch = fetch
        self._engine = engine or uuid.uuid4().hex
        self._on_results: Callable[[Sequence[JobResult]], None] = _nobody
        self._written: Callable[[], Awaitable[None]] = _at_once
        self._links: dict[str, Link] = {}
        self._meeting: set[str] = set()
        self._held: dict[str, Link] = {}
        self._routing = Routing()
        self._lanes = Lanes(self._routing, lambda key: key in self._where)
        self._alone: deque[Job] = deque()
        self._news = asyncio.Event()
        self._where: dict[str, Link | None] = {}
        self._deaths: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pumping = False
        self._closed = False

    @property
    def waiting(self) -> int:
        """Jobs that no worker has yet."""
        return self._lanes.all_queued + len(self._alone)

    def dedicate(self, machine: str, own: bool) -> None:
        """Whether jobs of this blueprint wait for a pool of its own; said by the catalog, before the scheduler can."""
        if self._routing.dedicate(machine, own):
            self._lanes.route()
            self._pump_soon()

    def admit(self, machine: str) -> None:
        """Raises Overloaded when so many jobs wait that no more executions of this state machine should begin."""
        self._lanes.admit(machine)

    async def open(
        self,
        on_results: Callable[[Sequence[JobResult]], None],
        written: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Connects, and learns which jobs the workers still have of an earlier engine: these are adopted when they are
        dispatched.
        """
        self._on_results, self._written = on_results, written or _at_once
        roster = await self._scheduler.members(0, POLL_S)
        if meeting := self._know(roster):
            await asyncio.wait(meeting, timeout=_MEET_S)
        self._begin(self._follow())
        self._begin(tell_load(self._scheduler, self._engine, self._lanes, self._news))
        self._begin(self._expire())

    def dispatch(self, jobs: Sequence[Job]) -> None:
        now = asyncio.get_running_loop().time()
        for job in jobs:
            if job.key in self._where:
                continue
            holder = self._held.pop(job.key, None)
            self._where[job.key] = None
            if holder is not None and not holder.dead:
                self._links[holder.name] = holder  # one that drains may have been let go
                holder.pinned.append(job)
            else:
                self._lanes.add(job, now)
        self._pump_soon()

    def cancel(self, keys: Sequence[str]) -> None:
        per_worker: dict[str, list[str]] = {}
        for key in keys:
            link = self._where.pop(key, None)
            self._deaths.pop(key, None)
            if link is not None:
                self._unload(link, key)
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

    async def _follow(self) -> None:
        while not self._closed:
            try:
                roster = await self._scheduler.members(self._routing.roster.version, POLL_S)
            except RayError as error:
                _log.info("the scheduler does not answer, the workers stay: %s", error)
                await asyncio.sleep(_AGAIN_S)
                continue
            if roster.version != self._routing.roster.version:
                self._know(roster)

    async def _expire(self) -> None:
        while not self._closed:
            await asyncio.sleep(_OVERDUE_S)
            overdue = self._lanes.overdue(asyncio.get_running_loop().time())
            for job in overdue:
                self._forget(job.key)
            if overdue:
                self._on_results([queue_timeout(job, self._routing.queue_timeout_of(job.machine)) for job in overdue])

    def _know(self, roster: Roster) -> list[asyncio.Task[None]]:
        """Take the list over; the tasks end when the new workers have told what they hold."""
        self._routing.roster = roster
        tasks = []
        for pool, view in roster.pools.items():
            for name, worker in (*view.open.items(), *view.leaving.items()):
                if name not in self._links and name not in self._meeting:
                    self._meeting.add(name)
                    tasks.append(asyncio.get_running_loop().create_task(self._meet(name, pool, worker)))
                    self._track(tasks[-1])
        self._regroup()
        return tasks

    async def _meet(self, name: str, pool: str, worker: WorkerClient) -> None:
        keys = await _held(worker)
        self._meeting.discard(name)
        if keys is None:
            return  # dead before we met it: the scheduler will name another
        link = self._links[name] = Link(name, pool, worker)
        self._held.update(dict.fromkeys(keys, link))
        self._begin(supply(worker, self._fetch))
        self._regroup()

    def _regroup(self) -> None:
        """Workers came or went."""
        self._routing.regroup(self._links.values())
        self._lanes.route()
        self._pump_soon()

    # ---- sending

    def _pump_soon(self) -> None:
        if not self._pumping and not self._closed:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        for link in [one for one in self._links.values() if not one.open and one.unused]:
            del self._links[link.name]  # left the pool, and we have nothing there
        for link in self._links.values():
            if link.pinned and link.calls < CALLS:
                self._send(link, self._cut_pinned(link))
        self._send_alone()
        for pool in self._lanes.pools():
            self._pump_pool(pool, self._routing.crew(pool))
        for link in self._links.values():
            if link.calls == 0 and link.on_board:
                self._send(link, [])

    def _pump_pool(self, pool: str, crew: list[Link]) -> None:
        if not crew and self._lanes.has_news(pool):
            self._news.set()
        ready = [link for link in crew if link.takes]
        now = asyncio.get_running_loop().time()
        while ready and (waiting := self._lanes.waiting(pool)):
            link = max(ready, key=lambda one: one.free - len(one.on_board))
            share = -(-waiting // len(ready))
            room = link.room if pool == COMMON else _much_room
            jobs = self._lanes.cut(pool, min(share, link.free, BATCH_ITEMS), room, now)
            if jobs:
                self._send(link, jobs)
            if not (jobs and link.takes):
                ready.remove(link)

    def _send_alone(self) -> None:
        for _ in range(len(self._alone)):
            job = self._alone.popleft()
            if job.key not in self._where:
                continue
            crew = self._routing.crew(self._routing.pool_of(job.machine))
            link = next((one for one in crew if one.takes and not one.on_board), None)
            if link is None:
                self._alone.append(job)
            else:
                link.alone = job.key
                self._send(link, [job])

    def _cut_pinned(self, link: Link) -> list[Job]:
        jobs: list[Job] = []
        while link.pinned and len(jobs) < BATCH_ITEMS:
            job = link.pinned.popleft()
            if job.key in self._where:
                jobs.append(job)
        return jobs

    def _send(self, link: Link, jobs: list[Job], poll_s: float = POLL_S) -> None:
        link.calls += 1
        for job in link.load(jobs):
            self._where[job.key] = link
            self._lanes.of(job.machine).in_flight += 1
        acknowledged, link.acknowledged = link.acknowledged, []
        resend, link.resend = link.resend, False
        ref = link.worker.exchange(self._engine, jobs, acknowledged, resend, poll_s)
        self._begin(self._receive(link, ref, jobs, acknowledged))

    # ---- receiving

    async def _receive(self, link: Link, ref: Any, jobs: list[Job], acknowledged: list[int]) -> None:
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

    async def _ask_again(self, link: Link, jobs: list[Job], acknowledged: list[int]) -> None:
        """Nobody knows whether the call arrived; the worker recognises what it has."""
        link.resend = True
        link.acknowledged += acknowledged
        link.pinned.extend(job for job in jobs if job.key in link.on_board)
        await asyncio.sleep(_AGAIN_S)

    def _arrived(self, link: Link, answer: Answer) -> None:
        link.free = answer.free
        link.size = max(link.size, answer.free + len(link.on_board))
        if answer.refused:
            self._refused(link, answer.refused)
        if not answer.batch:
            return
        for result in answer.results:
            job = self._unload(link, result.key)
            if job is not None:
                lane = self._lanes.of(job.machine)
                lane.finished += 1
                lane.expired += result.error == QUEUE_TIMEOUT
            self._forget(result.key)
        self._on_results(answer.results)
        self._begin(self._let_forget(link, answer.batch))

    async def _let_forget(self, link: Link, batch: int) -> None:
        """What is written, the worker need not keep."""
        await self._written()
        link.acknowledged.append(batch)
        if not link.on_board:
            asyncio.get_running_loop().call_later(_ACKNOWLEDGE_S, self._acknowledge, link)

    def _acknowledge(self, link: Link) -> None:
        if link.acknowledged and link.calls == 0 and not link.dead and not self._closed:
            self._send(link, [], poll_s=0)

    def _refused(self, link: Link, keys: list[str]) -> None:
        """The worker drains and did not begin these."""
        jobs = [job for key in keys if (job := self._unload(link, key)) is not None]
        for job in jobs:
            self._where[job.key] = None
        alone = [job for job in jobs if self._deaths.get(job.key, 0) == WORKER_LOST_DEATHS - 1]
        self._alone.extend(alone)
        self._put_back([job for job in jobs if job not in alone])

    def _unload(self, link: Link, key: str) -> Job | None:
        job = link.unload(key)
        if job is not None:
            self._lanes.of(job.machine).in_flight -= 1
        return job

    def _died(self, link: Link, error: RayActorError) -> None:
        if link.dead:
            return
        link.dead = True
        self._links.pop(link.name, None)
        _log.warning("worker %s died with %d jobs on board", link.name, len(link.on_board))
        lost: list[JobResult] = []
        again: list[Job] = []
        aboard = set(link.on_board)
        for key, job in list(link.on_board.items()):
            self._unload(link, key)
            job = job._replace(queue_s=None)  # it was begun, perhaps, and waits anew
            deaths = self._deaths[key] = self._deaths.get(key, 0) + 1
            self._where[key] = None
            if deaths >= WORKER_LOST_DEATHS:
                del self._where[key], self._deaths[key]
                lost.append(worker_lost(key, deaths, error))
            elif deaths == WORKER_LOST_DEATHS - 1:
                self._alone.append(job)
            else:
                again.append(job)
        again += [job for job in link.pinned if job.key in self._where and job.key not in aboard]
        self._put_back(again)
        self._regroup()
        if lost:
            self._on_results(lost)

    def _put_back(self, jobs: list[Job]) -> None:
        self._lanes.put_back(jobs, asyncio.get_running_loop().time())

    def _forget(self, key: str) -> None:
        """It has ended."""
        self._where.pop(key, None)
        self._deaths.pop(key, None)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._track(asyncio.get_running_loop().create_task(work))

    def _track(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _much_room(_machine: str) -> int:
    return BATCH_ITEMS


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


async def _at_once() -> None:
    """Nothing has to be written."""


def _nobody(_results: Sequence[JobResult]) -> None:
    """Takes results before `open` and after `close`."""
