"""What the dispatcher does about workers that are slow, unreachable or dead, with workers made of futures."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, ActorUnavailableError

from actors.desk import BATCH_ITEMS, Answer
from actors.exchange import RayDispatcher
from actors.roster import PoolView, Report, Roster
from sfc.catalog.pool_policy import COMMON
from sfc.errors import Overloaded
from sfc.tasks.job import Job, JobResult


class FakeWorker:
    """Each exchange is a future that the test answers."""

    def __init__(self, held: Sequence[str] = ()) -> None:
        self.held = list(held)
        self.calls: list[tuple[list[Job], asyncio.Future[Answer]]] = []
        self.acknowledged: list[int] = []
        self.resends = 0
        self.batch = 0
        self.dead = False

    async def running(self) -> list[str]:
        return self.held

    async def wanted(self, _poll_s: float) -> list[str]:
        return await asyncio.get_running_loop().create_future()  # nothing, ever

    def exchange(
        self, _engine: str, jobs: list[Job], acknowledged: list[int], resend: bool, _poll_s: float
    ) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.acknowledged += acknowledged
        self.resends += resend
        self.calls.append((jobs, future))
        if self.dead:
            future.set_exception(ActorDiedError())
        return future

    def jobs(self) -> list[str]:
        return [job.key for jobs, _ in self.calls for job in jobs]

    def answer(self, *keys: str, free: int = 1_000) -> None:
        self.batch += 1
        results = [JobResult(key, b"1", None, None, 1) for key in keys]
        self._open().set_result(Answer(self.batch, results, free))

    def refuse(self, *keys: str) -> None:
        self._open().set_result(Answer(0, [], 0, list(keys)))

    def fail(self, error: Exception) -> None:
        self._open().set_exception(error)

    def die(self) -> None:
        self.dead = True
        for _, future in self.calls:
            if not future.done():
                future.set_exception(ActorDiedError())

    def _open(self) -> asyncio.Future[Answer]:
        return next(future for _, future in self.calls if not future.done())


class FakeScheduler:
    def __init__(self, workers: dict[str, Any]) -> None:
        self.workers = workers
        self.pools: dict[str, PoolView] = {}
        self.leaving: dict[str, Any] = {}
        self.dedicated: frozenset[str] = frozenset()
        self.queue_timeouts: dict[str, float] = {}
        self.reports: list[dict[str, Report]] = []
        self.version = 1
        self.changed = asyncio.Event()

    async def members(self, known: int, _poll_s: float) -> Roster:
        if known == self.version:
            await self.changed.wait()
            self.changed.clear()
        pools = {COMMON: PoolView(dict(self.workers), dict(self.leaving)), **self.pools}
        return Roster(self.version, pools, self.dedicated, {}, self.queue_timeouts)

    async def report(self, _engine: str, reports: dict[str, Report]) -> None:
        self.reports.append(dict(reports))

    def replace(self, workers: dict[str, Any], **pools: dict[str, Any]) -> None:
        self.workers = workers
        self.pools = {name: PoolView(theirs, {}) for name, theirs in pools.items()}
        self.version += 1
        self.changed.set()


class House:
    """A dispatcher, its workers and its results."""

    def __init__(self, **workers: FakeWorker) -> None:
        self.scheduler = FakeScheduler(workers)
        self.dispatcher = RayDispatcher(self.scheduler)  # type: ignore[arg-type]
        self.results: list[JobResult] = []

    async def open(self) -> "House":
        await self.dispatcher.open(self.results.extend)
        return self

    def dispatch(self, *keys: str, machine: str = "orders") -> None:
        self.dispatcher.dispatch([Job(key, f"arn:{key}", machine, "State", "task:x", b"1") for key in keys])


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def two() -> AsyncIterator[tuple[House, FakeWorker, FakeWorker]]:
    a, b = FakeWorker(), FakeWorker()
    house = await House(a=a, b=b).open()
    yield house, a, b
    await house.dispatcher.close()


Two = tuple[House, FakeWorker, FakeWorker]


async def test_jobs_are_spread_and_their_results_acknowledged_with_the_next_call(two: Two) -> None:
    house, a, b = two
    house.dispatch("1", "2", "3", "4")
    house.dispatch("1")
    await settle()
    assert sorted(a.jobs() + b.jobs()) == ["1", "2", "3", "4"]
    assert len(a.jobs()) == 2
    a.answer(a.jobs()[0])
    await settle()
    assert [result.key for result in house.results] == [a.jobs()[0]]
    assert a.acknowledged == [1]


async def test_more_jobs_than_credits_wait_here_in_order(two: Two) -> None:
    house, a, b = two
    house.dispatch(*map(str, range(1_000)))
    await settle()
    assert len(a.jobs()) == len(b.jobs())
    assert a.jobs()[0] == "0"
    waiting = house.dispatcher.waiting
    assert waiting == 1_000 - 2 * len(a.jobs())
    a.answer(*a.jobs()[:10], free=10)
    await settle()
    assert house.dispatcher.waiting == waiting - 10


async def test_a_worker_that_cannot_be_reached_is_asked_again_for_the_same_jobs(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.exchange._AGAIN_S", 0)
    house, a, b = two
    house.dispatch("1", "2")
    await settle()
    a.fail(ActorUnavailableError("", b"\0" * 16))
    await settle()
    assert len(a.jobs()) == 2
    assert a.jobs()[0] == a.jobs()[1]
    assert len(b.jobs()) == 1
    assert a.resends == 1


async def test_jobs_of_a_dead_worker_go_to_others_then_alone_then_fail() -> None:
    a, b, c, d = (FakeWorker() for _ in range(4))
    house = await House(a=a).open()
    house.dispatch("1", "2")
    await settle()
    house.scheduler.replace({"b": b})
    a.die()
    await settle()
    assert b.jobs() == ["1", "2"]
    house.scheduler.replace({"c": c})
    b.die()
    await settle()
    assert c.jobs() == ["1"]  # alone
    c.answer("1")
    await settle()
    assert c.jobs() == ["1", "2"]
    house.scheduler.replace({"d": d})
    c.die()
    await settle()
    assert [(result.key, result.error) for result in house.results] == [("1", None), ("2", "SFC.WorkerLost")]
    assert d.jobs() == []
    await house.dispatcher.close()


async def test_a_job_that_a_worker_has_of_an_earlier_engine_is_asked_of_that_worker() -> None:
    a, b = FakeWorker(), FakeWorker(held=["1", "2"])
    house = await House(a=a, b=b).open()
    house.dispatch("1", "2")
    await settle()
    assert (a.jobs(), b.jobs()) == ([], ["1", "2"])
    await house.dispatcher.close()


async def test_a_worker_that_left_the_pool_gets_nothing_new_but_is_heard_to_the_end(two: Two) -> None:
    house, a, b = two
    house.dispatch("1", "2")
    await settle()
    house.scheduler.replace({"b": b})
    await settle()
    mine = a.jobs()
    house.dispatch("3", "4", "5")
    await settle()
    assert a.jobs() == mine
    a.answer(*mine)
    await settle()
    assert [result.key for result in house.results] == mine


async def test_a_cancelled_job_leaves_the_backlog() -> None:
    house = await House().open()
    house.dispatch("1", "2")
    house.dispatcher.cancel(["1"])
    a = FakeWorker()
    house.scheduler.replace({"a": a})
    await settle()
    assert a.jobs() == ["2"]
    await house.dispatcher.close()


async def test_jobs_of_a_blueprint_with_a_pool_of_its_own_go_there_and_no_others_do() -> None:
    common, own = FakeWorker(), FakeWorker()
    house = await House(common=common).open()
    house.scheduler.replace({"common": common}, orders={"own": own})
    await settle()
    house.dispatch("1", "2", machine="orders")
    house.dispatch("3", machine="billing")
    await settle()
    assert (own.jobs(), common.jobs()) == (["1", "2"], ["3"])
    await house.dispatcher.close()


async def test_jobs_of_a_dedicated_blueprint_wait_for_its_pool_and_wake_it_at_once() -> None:
    common, own = FakeWorker(), FakeWorker()
    house = House(common=common)
    house.scheduler.dedicated = frozenset({"orders"})
    await house.open()
    house.dispatch("1", machine="orders")
    await settle()
    assert common.jobs() == []
    assert [reports["orders"].queued for reports in house.scheduler.reports] == [1]
    house.scheduler.replace({"common": common}, orders={"own": own})
    await settle()
    assert own.jobs() == ["1"]
    await house.dispatcher.close()


async def test_jobs_of_a_blueprint_that_was_just_dedicated_do_not_go_to_the_common_pool() -> None:
    common, own = FakeWorker(), FakeWorker()
    house = await House(common=common).open()
    house.dispatcher.dedicate("orders", True)
    house.dispatch("1", machine="orders")
    await settle()
    assert common.jobs() == []
    house.scheduler.replace({"common": common}, orders={"own": own})
    await settle()
    assert own.jobs() == ["1"]
    house.scheduler.replace({"common": common})
    house.dispatch("2", machine="orders")
    await settle()
    house.dispatcher.dedicate("orders", False)
    await settle()
    assert common.jobs() == ["2"]
    await house.dispatcher.close()


async def test_a_pool_that_is_empty_and_not_dedicated_leaves_its_jobs_to_the_common_one() -> None:
    common = FakeWorker()
    house = await House(common=common).open()
    house.scheduler.replace({"common": common}, orders={})
    house.dispatch("1", machine="orders")
    await settle()
    assert common.jobs() == ["1"]
    await house.dispatcher.close()


async def test_what_a_draining_worker_refuses_goes_to_another_and_counts_no_death(two: Two) -> None:
    house, a, b = two
    house.dispatch("1", "2")
    await settle()
    refused = a.jobs()
    a.refuse(*refused)
    await settle()
    assert sorted(b.jobs()) == ["1", "2"]
    assert len(a.jobs()) == 1


async def test_a_flood_leaves_room_on_a_shared_worker_for_others() -> None:
    a = FakeWorker()
    house = await House(a=a).open()
    house.dispatch(*(f"flood-{n}" for n in range(1_000)), machine="flood")
    await settle()
    assert len(a.jobs()) < BATCH_ITEMS
    house.dispatch("one", machine="small")
    await settle()
    assert "one" in a.jobs()
    await house.dispatcher.close()


async def test_starts_are_refused_while_too_many_jobs_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.lanes.QUEUED_JOBS", 3)
    house = await House().open()
    house.dispatch("1", "2", "3", machine="orders")
    house.dispatcher.admit("billing")
    with pytest.raises(Overloaded) as refused:
        house.dispatcher.admit("orders")
    assert refused.value.retry_after_s >= 1
    await house.dispatcher.close()


async def test_jobs_of_an_earlier_engine_are_asked_of_a_worker_that_drains() -> None:
    """It was let go before they were dispatched, because nothing was known to be there, and they waited for ever."""
    old = FakeWorker(held=["1"])
    house = House(new=FakeWorker())
    house.scheduler.leaving = {"old": old}
    await house.open()
    await settle()
    house.dispatch("1", "2")
    await settle()
    assert old.jobs() == ["1"]
    old.answer("1")
    await settle()
    assert [result.key for result in house.results] == ["1"]
    await house.dispatcher.close()


async def test_a_job_that_no_worker_has_in_time_fails_and_one_that_a_worker_has_never_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actors.exchange._OVERDUE_S", 0)
    a = FakeWorker()
    house = House(a=a)
    house.scheduler.queue_timeouts = {"orders": 0}
    await house.open()
    house.dispatch("taken")
    await settle()
    house.scheduler.replace({})
    await settle()
    house.dispatch("late")
    house.dispatch("patient", machine="billing")
    await settle()
    assert [(result.key, result.error, result.began) for result in house.results] == [("late", "SFC.QueueTimeout", 0)]
    assert house.results[0].cause == "The job waited too long for a worker: queue_timeout_s is 0"
    a.answer("taken")
    house.scheduler.replace({"b": (b := FakeWorker())})
    await settle()
    assert b.jobs() == ["patient"]
    assert [result.error for result in house.results[1:]] == [None]
    await house.dispatcher.close()


async def test_a_job_waits_anew_after_its_worker_died(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was left of its time when that worker got it must not end it on the next one."""
    now = 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    a, b, c = (FakeWorker() for _ in range(3))
    house = House()
    house.scheduler.queue_timeouts = {COMMON: 1_000}
    await house.open()
    house.dispatch("1")
    now = 400.0
    house.scheduler.replace({"a": a})
    await settle()
    a.refuse("1")
    house.scheduler.replace({"b": b})
    await settle()
    b.die()
    house.scheduler.replace({"c": c})
    await settle()
    assert [worker.calls[0][0][0].queue_s for worker in (a, b, c)] == [600, 600, 1_000]
    monkeypatch.undo()
    await house.dispatcher.close()


async def test_a_worker_keeps_results_until_they_are_written() -> None:
    """They were acknowledged before the commit: an engine killed between the two had finished jobs done again."""
    committed = asyncio.Event()

    async def written() -> None:
        await committed.wait()

    house = House(a=(a := FakeWorker()))
    await house.dispatcher.open(house.results.extend, written)
    house.dispatch("1", "2")
    await settle()
    a.answer("1")
    await settle()
    assert [result.key for result in house.results] == ["1"]
    a.answer("2")
    await settle()
    assert a.acknowledged == []
    committed.set()
    await settle()
    house.dispatch("3")
    await settle()
    assert a.acknowledged == [1, 2]
    await house.dispatcher.close()


async def test_an_engine_that_closes_does_not_acknowledge_what_is_not_written() -> None:
    async def written() -> None:
        await asyncio.get_running_loop().create_future()

    house = House(a=(a := FakeWorker()))
    await house.dispatcher.open(house.results.extend, written)
    house.dispatch("1")
    await settle()
    a.answer("1")
    await settle()
    await house.dispatcher.close()
    assert a.acknowledged == []
