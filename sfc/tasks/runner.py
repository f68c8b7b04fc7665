"""Runs jobs in this process: handlers, HTTP calls, Lambda calls.

Jobs run inside asyncio tasks called drivers. A driver begins one job after the other for as long as each finishes
without waiting; the first that waits keeps the driver to itself, and another driver takes over the queue in the same
turn of the loop. So a thousand handlers that never wait cost one asyncio task, and `asyncio.current_task()` is right
for every handler.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import orjson

from sfc.jsonvalue import Json, NotJson
from sfc.limits import PAYLOAD_BYTES
from sfc.tasks.aws.settings import AwsSettings
from sfc.tasks.context import TaskContext
from sfc.tasks.deployed import Deployments, Fetch, nothing
from sfc.tasks.job import QUEUE_TIMEOUT, Job, JobResult
from sfc.tasks.outcome import Begun, Failed, Submitted, encode, failure, invalid_result
from sfc.tasks.registry import Handler, TaskRegistry, default_registry
from sfc.tasks.routes import Elsewhere, Route, Routes
from sfc.tasks.threads import Escaped, ThreadCall, Threads

_CLOSE_S: Final = 5.0
"""For handlers that are being cancelled to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    threads: int = 32
    """For handlers that are plain functions: so many run at once."""
    lambda_endpoint: str | None = None
    """Base URL of a service that speaks Lambda's Invoke API; None: functions are registered handlers only."""
    aws: AwsSettings = field(default_factory=AwsSettings)


class _Running:
    """One job from `begin` to its result."""

    __slots__ = ("began", "call", "context", "done", "driver", "job", "timers", "waiting")

    def __init__(self, job: Job, done: Callable[[JobResult], None]) -> None:
        self.job = job
        self.done: Callable[[JobResult], None] | None = done  # None: the result was given
        self.began = 0
        self.context: TaskContext | None = None
        self.driver: asyncio.Task[None] | None = None
        self.call: ThreadCall | None = None
        self.timers: list[asyncio.TimerHandle] = []
        self.waiting: asyncio.TimerHandle | None = None
        """When it has waited for a thread for too long."""


class JobRunner:
    """Belongs to one event loop, on which all its methods are called."""

    def __init__(
        self,
        registry: TaskRegistry = default_registry,
        settings: TaskSettings | None = None,
        fetch: Fetch = nothing,
    ) -> None:
        """`fetch` gives task metas and their packages to the jobs that name one."""
        self._settings = settings or TaskSettings()
        self._routes = Routes(registry, self._settings.lambda_endpoint, self._settings.aws, self._settings.threads)
        self._deployments = Deployments(self._routes, fetch, self._settings.threads)
        self._threads: Threads | None = None
        self._jobs: dict[str, _Running] = {}
        self._queue: deque[_Running] = deque()
        self._scheduled = False
        self._driver: asyncio.Task[None] | None = None
        self._drivers: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        return len(self._jobs)

    @property
    def lost_threads(self) -> int:
        """Threads whose job timed out and that did not return since."""
        return 0 if self._threads is None else self._threads.lost

    def begin(self, job: Job, done: Callable[[JobResult], None]) -> None:
        """Begin the job in the loop's next turn; `done` gets its result, once, on the loop. Never blocks."""
        self._jobs[job.key] = running = _Running(job, done)
        self._queue.append(running)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._take_over)

    async def run(self, job: Job) -> JobResult:
        """Its result; what goes wrong with the job is in there, never raised."""
        result: asyncio.Future[JobResult] = asyncio.get_running_loop().create_future()
        self.begin(job, lambda found: None if result.done() else result.set_result(found))
        try:
            return await result
        except asyncio.CancelledError:
            self.cancel([job.key])
            raise

    def cancel(self, keys: Sequence[str]) -> None:
        """Stop these jobs. They get no result; a thread cannot be stopped, but is told by its context."""
        for key in keys:
            running = self._jobs.get(key)
            if running is not None:
                running.done = None
                self._stop(running)

    async def close(self) -> None:
        self.cancel(list(self._jobs))
        if self._drivers:
            await asyncio.wait(self._drivers, timeout=_CLOSE_S)
        if self._threads is not None:
            self._threads.close()
        await self._deployments.close()
        await self._routes.close()

    def _take_over(self) -> None:
        """Runs after the last driver's turn: what is still queued now, it left because it waits for its job."""
        if not self._queue:
            self._scheduled = False
            self._driver = None
            return
        loop = asyncio.get_running_loop()
        self._driver = loop.create_task(self._drive())
        self._drivers.add(self._driver)
        self._driver.add_done_callback(self._drivers.discard)
        loop.call_soon(self._take_over)

    async def _drive(self) -> None:
        me = asyncio.current_task()
        while self._driver is me and self._queue:
            running = self._queue.popleft()
            if running.done is None:
                continue
            running.driver = me
            try:
                output = await self._do(running)
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - whatever a handler raises fails its job, not the worker
                self._finish(running, failure(error.error if isinstance(error, Escaped) else error))
            else:
                self._finish(running, output)
            del running  # a driver that waits for nothing must not keep the last job's values

    async def _do(self, running: _Running) -> bytes | Failed | Submitted:
        job = running.job
        running.began = time.time_ns() // 1_000_000
        if not job.meta:
            return await self._perform(running, self._routes.find(job.resource))
        deployed = self._deployments.ready(job.meta) or await self._deployments.get(job.meta)
        with deployed.in_use():
            deployed.check_input(job.input)
            running.began = time.time_ns() // 1_000_000  # what loading took is not the handler's time
            output = await self._perform(running, deployed.route)
            if isinstance(output, bytes):
                deployed.check_output(output)
            return output

    async def _perform(self, running: _Running, route: Route) -> bytes | Failed | Submitted:
        job = running.job
        if type(route) is Handler:
            value = await self._call(running, route, orjson.loads(job.input))
        elif type(route) is Elsewhere:
            value = await route.perform(job)
        else:
            self._arm(running, job.timeout_s)
            value = await route(job, partial(self._call, running))  # type: ignore[operator]
        submitted = isinstance(value, Begun)
        try:
            output = encode(value.answer if submitted else value)
        except NotJson as error:
            return invalid_result(job.resource, error)
        if len(output) > PAYLOAD_BYTES:
            return Failed(
                "States.DataLimitExceeded",
                f"The state/task '{_short(job.resource)}' returned a result with a size exceeding the maximum number "
                "of bytes service limit.",
            )
        return Submitted(output) if submitted else output

    async def _call(self, running: _Running, handler: Handler, value: Json) -> Any:
        timeout_s = _earliest(running.job.timeout_s, handler.timeout_s)
        if handler.is_async:
            self._arm(running, timeout_s)
            return await handler.function(*self._arguments(running, handler, value))
        if self._threads is None:
            self._threads = Threads(self._settings.threads)
        if handler.wants_context:
            running.context = running.context or TaskContext(running.job)
        loop = asyncio.get_running_loop()

        def on_begin() -> None:  # in the thread: time in the queue is not the handler's time
            running.began = time.time_ns() // 1_000_000
            if timeout_s is not None or running.job.heartbeat_s is not None:
                loop.call_soon_threadsafe(self._arm, running, timeout_s)

        call = self._threads.submit(lambda: handler.function(*self._arguments(running, handler, value)), on_begin)
        first, running.call = running.call is None, call
        if first and running.job.queue_s is not None:
            running.waiting = loop.call_later(running.job.queue_s, self._overdue, running)
        return await call.future

    @staticmethod
    def _arguments(running: _Running, handler: Handler, value: Json) -> tuple[Any, ...]:
        if handler.convert is not None:
            value = handler.convert(value)
        if not handler.wants_context:
            return (value,)
        if running.context is None:
            running.context = TaskContext(running.job)
        return (value, running.context)

    def _arm(self, running: _Running, timeout_s: float | None) -> None:
        """Start the clocks of the job; on the loop, when the job really begins."""
        heartbeat_s = running.job.heartbeat_s
        if running.done is None or running.timers or (timeout_s is None and heartbeat_s is None):
            return
        if running.context is None:
            running.context = TaskContext(running.job)
        loop = asyncio.get_running_loop()
        if timeout_s is not None:
            running.context.deadline = running.began + int(timeout_s * 1000)
            running.timers.append(loop.call_later(timeout_s, self._expire, running, "States.Timeout"))
        if heartbeat_s is not None:
            running.context.beat = time.monotonic()
            running.timers.append(loop.call_later(heartbeat_s, self._listen, running, heartbeat_s))

    def _listen(self, running: _Running, heartbeat_s: float) -> None:
        assert running.context is not None
        silent_s = time.monotonic() - running.context.beat
        if silent_s >= heartbeat_s:
            self._expire(running, "States.HeartbeatTimeout")
        else:
            loop = asyncio.get_running_loop()
            running.timers.append(loop.call_later(heartbeat_s - silent_s, self._listen, running, heartbeat_s))
            del running.timers[:-2]

    def _overdue(self, running: _Running) -> None:
        """It waited for a thread as long as it may; one that has just begun it has won."""
        assert running.call is not None
        assert self._threads is not None
        if self._threads.withdraw(running.call):
            running.began = 0
            self._expire(running, QUEUE_TIMEOUT, "The job waited too long for a thread of its worker")

    def _expire(self, running: _Running, error: str, cause: str | None = None) -> None:
        done, running.done = running.done, None
        self._stop(running)
        if done is not None:
            done(JobResult(running.job.key, None, error, cause, running.began))

    def _stop(self, running: _Running) -> None:
        self._forget(running)
        if running.context is not None:
            running.context.cancelled = True
        if running.call is not None and self._threads is not None:
            self._threads.abandon(running.call)
        if running.driver is not None:
            running.driver.cancel()

    def _finish(self, running: _Running, outcome: bytes | Failed | Submitted) -> None:
        running.driver = None
        self._forget(running)
        done, running.done = running.done, None
        if done is None:
            return
        if isinstance(outcome, Submitted):
            done(JobResult(running.job.key, outcome.answer, None, None, running.began, submitted=True))
        elif isinstance(outcome, Failed):
            done(JobResult(running.job.key, None, outcome.error, outcome.cause, running.began))
        else:
            done(JobResult(running.job.key, outcome, None, None, running.began))

    def _forget(self, running: _Running) -> None:
        for timer in running.timers:
            timer.cancel()
        running.timers.clear()
        if running.waiting is not None:
            running.waiting.cancel()
        if self._jobs.get(running.job.key) is running:
            del self._jobs[running.job.key]


def _earliest(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)


def _short(resource: str) -> str:
    """As AWS names it in causes: a service integration by its service, anything else by its whole text."""
    return resource.removeprefix("arn:aws:states:::").partition(":")[0] if ":states:::" in resource else resource
