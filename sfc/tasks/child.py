"""The process of a package with requirements: `python -m sfc.tasks.child FD DIRECTORY`.

Does the jobs that come by the socket, like any worker; ends when the other side does. The package's directory is in
front of `sys.path`, so its modules have their own names here.
"""

import asyncio
import importlib
import socket
import sys

from sfc.tasks.context import TaskError
from sfc.tasks.frames import receive, send
from sfc.tasks.job import Job, JobResult
from sfc.tasks.outcome import failure
from sfc.tasks.registry import TaskRegistry, default_registry
from sfc.tasks.runner import JobRunner, TaskSettings


class Child:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, threads: int) -> None:
        self._reader = reader
        self._writer = writer
        self._registry = TaskRegistry()
        self._runner = JobRunner(self._registry, TaskSettings(threads=threads))

    async def serve(self) -> None:
        """Returns when the worker is gone."""
        while (message := await receive(self._reader)) is not None:
            kind, value = message
            if kind == "load":
                send(self._writer, ["loaded", value, await asyncio.to_thread(self._load, value)])
            elif kind == "job":
                self._runner.begin(Job(**{**value, "input": value["input"].encode()}), self._done)
            else:
                self._runner.cancel(value)
        await self._runner.close()

    def _load(self, place: str) -> str | None:
        """Import `module:function`; what went wrong, if anything did. In a thread: jobs may be running."""
        module, _, name = place.partition(":")
        try:
            function = getattr(importlib.import_module(module), name, None)
            if not callable(function):
                raise LookupError(f"module {module} has no function {name!r}")
            registered = default_registry.handler_of(function)
            self._registry.add(place, function, timeout_s=None if registered is None else registered.timeout_s)
        except TaskError as error:
            return f"{error.error}: {error.cause}"
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing a package may raise anything
            told = failure(error)
            return f"{told.error}: {told.cause}"
        return None

    def _done(self, result: JobResult) -> None:
        output = None if result.output is None else result.output.decode()
        send(self._writer, ["done", result.key, output, result.error, result.cause])


async def main(descriptor: int, directory: str, threads: int) -> None:
    sys.path.insert(0, directory)
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
    await Child(reader, writer, threads).serve()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
