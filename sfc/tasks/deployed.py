"""Task metas as a worker knows them: fetched by digest when a job needs one, prepared once, let go when unused."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeAlias

import orjson

from sfc.errors import SfcError
from sfc.jsonvalue import Json
from sfc.limits import CAUSE_CHARS
from sfc.task_meta import TaskMeta, digest_of
from sfc.tasks.apart import PackageApart
from sfc.tasks.context import TaskError
from sfc.tasks.environments import INSTALL_S
from sfc.tasks.job import Job
from sfc.tasks.outcome import failure
from sfc.tasks.packages import Package
from sfc.tasks.rest import request_of
from sfc.tasks.routes import CallHandler, Elsewhere, Route, Routes
from sfc.tasks.schemas import checker

Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Gives the text of a meta, or a package, by its digest. Raises SfcError."""

_Key: TypeAlias = tuple[str, tuple[str, ...]]
"""Digest and requirements."""
_LOAD_S: Final = 60.0
"""For fetching and importing what a task needs; installing has its own time."""
_SWEEP_S: Final = 60.0
_UNUSED_S: Final = 600.0
"""So long a version stays that no job uses."""


class Deployed:
    """One version of a task, ready to do jobs."""

    def __init__(self, meta: TaskMeta, route: Route, package: Package | PackageApart | None) -> None:
        self.meta = meta
        self.route = route
        self.package = package
        self.jobs = 0
        self.used_at = time.monotonic()
        self._input = checker(meta.input_schema)
        self._output = checker(meta.output_schema)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        self.jobs += 1
        try:
            yield
        finally:
            self.jobs -= 1
            self.used_at = time.monotonic()

    def check_input(self, value: bytes) -> None:
        """Raises TaskError (SFC.InvalidInput)."""
        wrong = None if self._input is None else self._input(orjson.loads(value))
        if wrong is not None:
            raise TaskError("SFC.InvalidInput", f"The input of {self._name} does not fit its schema: {wrong}")

    def check_output(self, value: bytes) -> None:
        """Raises TaskError (SFC.InvalidResult)."""
        wrong = None if self._output is None else self._output(orjson.loads(value))
        if wrong is not None:
            raise TaskError("SFC.InvalidResult", f"The result of {self._name} does not fit its schema: {wrong}")

    @property
    def _name(self) -> str:
        return f"task {self.meta.name} version {self.meta.version}"


class Deployments:
    """Belongs to one event loop."""

    def __init__(self, routes: Routes, fetch: Fetch, threads: int = 1) -> None:
        """`threads`: for handlers that are plain functions, in each process that a package has for itself."""
        self._routes = routes
        self._fetch = fetch
        self._threads = threads
        self._ready: dict[str, Deployed] = {}
        self._packages: dict[_Key, Package | PackageApart] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._loading: dict[str, asyncio.Task[Deployed]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def ready(self, digest: str) -> Deployed | None:
        return self._ready.get(digest)

    async def get(self, digest: str) -> Deployed:
        """Raises TaskError (SFC.TaskNotLoaded) with what went wrong: a later try loads again."""
        found = self._ready.get(digest)
        if found is not None:
            return found
        loading = self._loading.get(digest)
        if loading is None:  # jobs that come meanwhile wait for the same
            loading = self._loading[digest] = asyncio.get_running_loop().create_task(self._load(digest))
            loading.add_done_callback(partial(self._loaded, digest))
        try:
            return await asyncio.shield(loading)
        except TaskError:
            raise
        except SfcError as error:
            raise TaskError("SFC.TaskNotLoaded", str(error)) from None
        except TimeoutError:
            raise TaskError("SFC.TaskNotLoaded", "it was not loaded in time") from None
        except Exception as error:  # noqa: BLE001 - importing a package may raise anything
            told = failure(error)
            cause = f"{told.error}: {told.cause}"
            raise TaskError("SFC.TaskNotLoaded", cause[:CAUSE_CHARS]) from None

    def _loaded(self, digest: str, loading: "asyncio.Task[Deployed]") -> None:
        self._loading.pop(digest, None)
        if not loading.cancelled():
            loading.exception()  # whoever waited for it may be gone

    def let_go(self, now: float) -> None:
        """Unload what no job has used for a while; `now` is of the monotonic clock."""
        for digest, each in list(self._ready.items()):
            if not each.jobs and now - each.used_at >= _UNUSED_S:
                del self._ready[digest]
        used = {each.package for each in self._ready.values()}
        for key, package in list(self._packages.items()):
            if package not in used and not self._loading:
                del self._packages[key]
                self._close(package)

    async def close(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
        for loading in list(self._loading.values()):
            loading.cancel()
        await asyncio.gather(*self._loading.values(), return_exceptions=True)
        self._ready.clear()
        for package in self._packages.values():
            self._close(package)
        self._packages.clear()
        await asyncio.gather(*self._closing)

    def _close(self, package: Package | PackageApart) -> None:
        if isinstance(package, Package):
            package.close()
            return
        closing = asyncio.get_running_loop().create_task(package.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _load(self, digest: str) -> Deployed:
        if self._sweep is None:
            self._sweep_later()  # also of what cannot be loaded
        async with asyncio.timeout(_LOAD_S) as limit:
            meta = TaskMeta.read(await self._fetched(digest))
            if meta.settings.get("requirements"):
                limit.reschedule(asyncio.get_running_loop().time() + INSTALL_S + _LOAD_S)
            package = await self._package(meta) if meta.settings.get("package") else None
            route = await self._route(meta, package)
        deployed = self._ready[digest] = Deployed(meta, route, package)
        return deployed

    async def _route(self, meta: TaskMeta, package: Package | PackageApart | None) -> Route:
        handler = str(meta.settings.get("handler") or meta.name)
        match meta.kind:
            case "kafka":  # of engines that were started with Kafka; others send no job at all
                raise TaskError("Kafka.NotConfigured", "Workers send no messages")
            case "rest":
                return _rest(self._routes, meta)
            case "grpc":
                descriptors = meta.settings.get("descriptors")
                data = None if descriptors is None else base64.b64decode(str(descriptors))
                return self._routes.grpc_tasks().find(str(meta.settings["url"]), data)
            case "python":
                if package is None:
                    return self._routes.task(handler)
                if isinstance(package, Package):
                    return await asyncio.to_thread(package.handler, handler)
                await package.load(handler)
                return Elsewhere(partial(package.run, handler))

    def _sweep_later(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(_SWEEP_S, self._swept)

    def _swept(self) -> None:
        self._sweep = None
        self.let_go(time.monotonic())
        if self._ready or self._packages or self._loading:
            self._sweep_later()

    async def _package(self, meta: TaskMeta) -> Package | PackageApart:
        digest = str(meta.settings["package"])
        requirements = [str(each) for each in meta.settings.get("requirements") or ()]
        key = (digest, tuple(sorted(requirements)))
        found = self._packages.get(key)
        if found is None:
            data = await self._fetched(digest)
            made: Package | PackageApart
            if requirements:
                made = PackageApart(digest, data, requirements, self._threads)
            else:
                made = await asyncio.to_thread(Package, digest, data)
            found = self._packages.setdefault(key, made)
            if found is not made:  # another task of the package was faster
                self._close(made)
        return found

    async def _fetched(self, digest: str) -> bytes:
        data = await self._fetch(digest)
        if digest_of(data) != digest:
            raise TaskError("SFC.TaskNotLoaded", f"what came for {digest} is something else")
        return data


async def nothing(digest: str) -> bytes:
    """The `Fetch` of a runner that belongs to no catalog."""
    raise SfcError(f"there is no catalog to fetch {digest} from")


def _rest(routes: Routes, meta: TaskMeta) -> Route:
    async def send(job: Job, _call: CallHandler) -> Json:
        request: dict[str, Any] = request_of(meta, orjson.loads(job.input), job.key)
        return await routes.http_tasks().request(request)

    return send
