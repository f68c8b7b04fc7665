"""A package with requirements: its code runs in a process of its own, which lives as long as jobs use it.

A process that dies is started again, and its jobs are begun again in it, under the same idempotency keys. A job that
was on board twice gets a process for itself, and fails with SFC.WorkerLost when that dies too.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson

from sfc.jsonvalue import Json
from sfc.limits import CAUSE_CHARS, WORKER_LOST_DEATHS
from sfc.tasks.cache import Kept
from sfc.tasks.context import TaskError
from sfc.tasks.environments import environment
from sfc.tasks.frames import receive, send
from sfc.tasks.job import Job
from sfc.tasks.packages import unpacked

_ENDS_S: Final = 5.0
_TOLD: Final = ("key", "execution", "machine", "state", "retry_count", "timeout_s", "heartbeat_s", "queue_s")


class Died(Exception):
    """The process ended while something was expected of it."""


class _Process:
    """One life of the process."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._writer = writer
        self._expected: dict[tuple[str, str], asyncio.Future[list[Json]]] = {}
        self.dead = False
        self.loaded: set[str] = set()
        self._listening = asyncio.get_running_loop().create_task(self._listen(reader))

    async def ask(self, kind: str, answer: str, key: str, value: Json) -> list[Json]:
        """What came back beside the key. Raises Died."""
        if self.dead:
            raise Died
        coming = self._expected[answer, key] = asyncio.get_running_loop().create_future()
        try:
            send(self._writer, [kind, value])
            answered: list[Json] = await coming
        except asyncio.CancelledError:
            if not self.dead:
                send(self._writer, ["cancel", [key]])
            raise
        finally:
            self._expected.pop((answer, key), None)
        return answered

    async def load(self, place: str) -> None:
        """Have it import a function. Raises TaskError (SFC.TaskNotLoaded), Died."""
        (wrong,) = await self.ask("load", "loaded", place, place)
        if wrong is not None:
            raise TaskError("SFC.TaskNotLoaded", str(wrong)[:CAUSE_CHARS])
        self.loaded.add(place)

    async def end(self) -> None:
        """Returns when it is gone."""
        self._writer.close()
        await self._listening

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while (message := await receive(reader)) is not None:
            answer, key, *others = message
            coming = self._expected.get((answer, key))
            if coming is not None and not coming.done():
                coming.set_result(others)
        self.dead = True
        for coming in self._expected.values():
            if not coming.done():
                coming.set_exception(Died())
        self._writer.close()
        await asyncio.to_thread(_reap, self._process)


class PackageApart:
    """Does jobs of one package. Belongs to one event loop."""

    def __init__(self, digest: str, data: bytes, requirements: Sequence[str], threads: int) -> None:
        self._digest = digest
        self._data = data
        self._requirements = requirements
        self._threads = threads
        self._unpacked: Kept | None = None
        self._installed: Kept | None = None
        self._process: _Process | None = None
        self._lock = asyncio.Lock()

    async def load(self, place: str) -> None:
        """Install what it needs, and import the function. Raises TaskError (SFC.TaskNotLoaded)."""
        try:
            await self._ready(place)
        except Died:
            raise TaskError("SFC.TaskNotLoaded", f"the process died while it imported {place}") from None

    async def run(self, place: str, job: Job) -> Json:
        """The result; the process keeps the job's time. Raises TaskError."""
        told = {name: getattr(job, name) for name in _TOLD}
        message = {**told, "resource": place, "input": job.input.decode()}
        for deaths in range(WORKER_LOST_DEATHS):
            try:
                if deaths < WORKER_LOST_DEATHS - 1:
                    return await _answer(await self._ready(place), job.key, message)
                alone = await self._start([place])
                try:
                    return await _answer(alone, job.key, message)
                finally:
                    await alone.end()
            except Died:
                continue
        raise TaskError(
            "SFC.WorkerLost", f"The process of the package died {WORKER_LOST_DEATHS} times while it had this job."
        )

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.end()
        for kept in (self._unpacked, self._installed):
            if kept is not None:
                kept.release()
        self._unpacked = self._installed = None

    async def _ready(self, place: str) -> _Process:
        async with self._lock:
            if self._process is None or self._process.dead:
                self._process = await self._start([])
            if place not in self._process.loaded:
                await self._process.load(place)
            return self._process

    async def _start(self, places: Sequence[str]) -> _Process:
        """A new process with these functions. Raises TaskError, Died."""
        if self._installed is None:
            self._installed = await asyncio.to_thread(environment, self._requirements)
        if self._unpacked is None:
            self._unpacked = await asyncio.to_thread(unpacked, self._digest, self._data)
        package, installed = self._unpacked.directory, self._installed.directory
        ours, theirs = socket.socketpair()
        with theirs:
            spawned = await asyncio.to_thread(_spawn, theirs.fileno(), package, installed, self._threads)
        process = _Process(spawned, *await asyncio.open_connection(sock=ours))
        for place in places:
            await process.load(place)
        return process


async def _answer(process: _Process, key: str, message: Json) -> Json:
    output, error, cause = await process.ask("job", "done", key, message)
    if output is None:
        raise TaskError(str(error), cause)
    return orjson.loads(output)


def _spawn(descriptor: int, package: Path, installed: Path, threads: int) -> "subprocess.Popen[bytes]":
    paths = [str(installed), *(path for path in sys.path if path)]
    return subprocess.Popen(
        [sys.executable, "-m", "sfc.tasks.child", str(descriptor), str(package), str(threads)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def _reap(process: "subprocess.Popen[bytes]") -> None:
    """The socket is closed, so it ends by itself; one that does not is killed."""
    try:
        process.wait(_ENDS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
