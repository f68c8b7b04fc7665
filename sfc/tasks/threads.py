"""Threads for handlers that are plain functions.

A thread cannot be killed. One whose job timed out is *lost*: another takes its place, and it ends by itself should its
function ever return. Lost threads are counted, so that a worker with too many can be replaced; there are never more
than twice `size` threads.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class ThreadCall:
    """One function call, handed to a thread."""

    __slots__ = ("begun", "error", "function", "future", "lost", "on_begin", "result", "running")

    def __init__(
        self, function: Callable[[], Any], on_begin: Callable[[], None], future: "asyncio.Future[Any]"
    ) -> None:
        self.function = function
        self.on_begin = on_begin
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None
        self.begun = False
        self.running = False
        self.lost = False


class Threads:
    """Runs functions in at most `size` threads that are not lost; threads start as they are needed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._loop = asyncio.get_running_loop()
        self._calls: queue.SimpleQueue[ThreadCall | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._busy = 0
        self._finished: deque[ThreadCall] = deque()
        self._woken = False
        self.lost = 0

    def submit(self, function: Callable[[], Any], on_begin: Callable[[], None]) -> ThreadCall:
        """`on_begin` runs in the thread just before `function`; the outcome is that of `future`."""
        call = ThreadCall(function, on_begin, self._loop.create_future())
        with self._lock:
            self._busy += 1
            if self._threads < min(self._size, self._busy):
                self._start()
        self._calls.put(call)
        return call

    def withdraw(self, call: ThreadCall) -> bool:
        """Whether no thread has begun it; then none will."""
        with self._lock:
            call.lost = call.lost or not call.begun
            return call.lost

    def abandon(self, call: ThreadCall) -> None:
        """Nobody waits for this call: it is not begun, or its thread is lost."""
        with self._lock:
            if call.lost:
                return
            call.lost = True
            if call.running:
                self.lost += 1
                self._threads -= 1
                self._busy -= 1
                if self.lost <= self._size and self._busy > self._threads:
                    self._start()

    def close(self) -> None:
        """Idle threads end; busy ones are daemons and end with the process."""
        with self._lock:
            for _ in range(self._threads):
                self._calls.put(None)

    def _start(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name="sfc-task", daemon=True).start()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            if not self._run(call):
                return

    def _run(self, call: ThreadCall) -> bool:
        """False when this thread was given up meanwhile."""
        with self._lock:
            if call.lost:
                self._busy -= 1
                return True
            call.begun = call.running = True
        try:
            call.on_begin()
            call.result = call.function()
        except BaseException as error:  # noqa: BLE001 - SystemExit of a handler must not end the worker
            call.error = error
        return self._hand_back(call)

    def _hand_back(self, call: ThreadCall) -> bool:
        with self._lock:
            call.running = False
            if call.lost:
                self.lost -= 1
                return False
            self._busy -= 1
        self._finished.append(call)
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._answer)
            except RuntimeError:  # the loop is closed: nobody is left to tell
                return False
        return True

    def _answer(self) -> None:
        self._woken = False  # before the queue is emptied: a later call wakes us again
        while self._finished:
            call = self._finished.popleft()
            if call.future.done():
                continue
            if call.error is None:
                call.future.set_result(call.result)
            elif isinstance(call.error, (StopIteration, SystemExit, KeyboardInterrupt)):
                call.future.set_exception(Escaped(call.error))  # these may not travel through a future or a loop
            else:
                call.future.set_exception(call.error)


class Escaped(Exception):
    """Carries an exception that asyncio would not."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error
