"""Tasks of the whole installation: named, with immutable versions, referred to as `task:NAME[:VERSION]`.

Every change has a number that only grows. An execution notes the number of the last change when it begins, so that
"the latest version" means the same to it for all its life: see `Tasks.at`.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import RLock
from typing import Final, Protocol

from sfc import task_package
from sfc.arn import check_name
from sfc.catalog.task_checks import check_meta
from sfc.errors import Conflict, InvalidRequest, NotFound, QuotaExceeded
from sfc.limits import TASK_META_BYTES, TASK_VERSIONS
from sfc.task_meta import TaskMeta, digest_of

_VERSION: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
_CACHED: Final = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """A version of a task came, or the task went."""

    id: int
    """Above that of every change before, over all tasks."""
    name: str
    version: str
    digest: str
    """Of the meta; empty: the task was deleted."""
    package: str
    """Digest of its code; empty: it has none in the catalog."""
    created_at: int
    """UTC ms."""


class TaskShelf(Protocol):
    """Rows of changes, and the texts and packages they are about. Raises Unavailable."""

    def add_change(self, change: TaskChange, meta: bytes | None) -> TaskChange:
        """Keep it (its id is given here) together with the text of its meta."""
        ...

    def changes(self) -> list[TaskChange]:
        """All, oldest first."""
        ...

    def put_blob(self, digest: str, data: bytes, now: int) -> None:
        """Keep it; nothing happens when it is there."""
        ...

    def blob(self, digest: str) -> bytes | None: ...

    def drop_tasks(self, before: int, now: int) -> None:
        """Forget the changes of tasks that were deleted by a change up to `before`, and what no other change is about
        any more; packages younger than an hour stay, their metas may be on the way."""
        ...


class Tasks:
    """Methods block, except `last`, `at` and `meta` of what was asked for before."""

    def __init__(self, shelf: TaskShelf, clock: Callable[[], int]) -> None:
        self._shelf = shelf
        self._clock = clock
        self._lock = RLock()
        self._by_name: dict[str, list[TaskChange]] | None = None
        self._last = 0
        self._metas: dict[str, TaskMeta] = {}

    # What executions ask

    def last(self) -> int:
        """The number of the last change; 0: there was none."""
        self._index()
        return self._last

    def at(self, name: str, version: str, change: int) -> TaskChange | None:
        """The version of a task as it was after this change: this one, or with "" the latest. None: there was none."""
        for each in reversed(self._index().get(name, ())):
            if each.id <= change:
                if not each.digest:
                    return None
                if version in ("", each.version):
                    return each
        return None

    def meta(self, digest: str) -> TaskMeta:
        """Raises NotFound."""
        found = self._metas.get(digest)
        if found is None:
            found = TaskMeta.read(self.blob(digest))
            with self._lock:
                if len(self._metas) >= _CACHED:
                    self._metas.clear()
                self._metas[digest] = found
        return found

    def blob(self, digest: str) -> bytes:
        """The text of a meta, or a package. Raises NotFound."""
        found = self._shelf.blob(digest)
        if found is None:
            raise NotFound(f"There is no package and no task with the digest {digest}", code="PackageDoesNotExist")
        return found

    async def fetch(self, digest: str) -> bytes:
        """`blob`, beside the event loop: what workers ask."""
        return await asyncio.to_thread(self.blob, digest)

    # What people ask

    def put(self, meta: TaskMeta) -> TaskChange:
        """A new version; with `version` "" the next number. The one that is there when it says the same.

        Raises InvalidName, InvalidRequest that names the field, Conflict (TaskVersionAlreadyExists), QuotaExceeded.
        """
        check_name(meta.name)
        if not isinstance(meta.version, str) or (meta.version and not _VERSION.fullmatch(meta.version)):
            raise InvalidRequest("a version has 1 to 32 of the characters A-Z a-z 0-9 . _ -", field="version")
        check_meta(meta)
        package = str(meta.settings.get("package") or "")
        if package and self._shelf.blob(package) is None:
            raise InvalidRequest(f"there is no package {package}: upload it first", field="package")
        with self._lock:
            there = self._living(meta.name)
            same = self._same(meta, there)
            if same is not None:
                return same
            if len(there) >= TASK_VERSIONS:
                raise QuotaExceeded(f"A task has at most {TASK_VERSIONS} versions: '{meta.name}'")
            numbers = [int(each.version) for each in there if each.version.isdecimal()]
            made = replace(meta, version=meta.version or str(max(numbers, default=0) + 1))
            if len(made.text) > TASK_META_BYTES:
                raise InvalidRequest(f"a task meta has at most {TASK_META_BYTES} bytes, this one {len(made.text)}")
            change = TaskChange(
                id=0, name=made.name, version=made.version, digest=made.digest, package=package,
                created_at=self._clock(),
            )  # fmt: skip
            return self._keep(change, made.text)

    def get(self, name: str, version: str = "") -> tuple[TaskChange, TaskMeta]:
        """The latest version, or this one. Raises NotFound."""
        found = self.at(name, version, self.last())
        if found is None:
            what = f"Task Does Not Exist: '{name}'" + (f" version {version}" if version else "")
            raise NotFound(what, code="TaskDoesNotExist")
        return found, self.meta(found.digest)

    def versions(self, name: str) -> list[TaskChange]:
        """Newest first. Raises NotFound."""
        self.get(name)
        return self._living(name)[::-1]

    def latest(self, after: str = "", limit: int = 100) -> list[TaskChange]:
        """The latest version of each task, by name, above `after`."""
        index = self._index()
        names = sorted(name for name, changes in list(index.items()) if name > after and changes[-1].digest)
        return [index[name][-1] for name in names[:limit]]

    def metas(self) -> list[TaskMeta]:
        """All versions that are kept, oldest first: those of deleted tasks too, as long as executions may need them."""
        changes = sorted((each for of_task in self._index().values() for each in of_task), key=lambda each: each.id)
        return [self.meta(each.digest) for each in changes if each.digest]

    def delete(self, name: str) -> None:
        """Executions that begin from now on do not find it; those that run keep it. Raises NotFound."""
        with self._lock:
            self.get(name)
            gone = TaskChange(id=0, name=name, version="", digest="", package="", created_at=self._clock())
            self._keep(gone, None)

    def put_package(self, data: bytes) -> str:
        """Keep a package; gives its digest. Raises InvalidPackage."""
        task_package.check(data)
        digest = digest_of(data)
        self._shelf.put_blob(digest, data, self._clock())
        return digest

    def has_deleted(self) -> bool:
        """Whether there is something that `drop` could forget."""
        return any(not each.digest and at for changes in self._index().values() for at, each in enumerate(changes))

    def drop(self, before: int) -> None:
        """Forget deleted tasks and packages that no execution needs: all that run pinned the change `before` or a later
        one."""
        with self._lock:
            self._shelf.drop_tasks(before, self._clock())
            self._by_name = None

    def _keep(self, change: TaskChange, meta: bytes | None) -> TaskChange:
        kept = self._shelf.add_change(change, meta)
        self._index().setdefault(kept.name, []).append(kept)
        self._last = kept.id
        return kept

    def _living(self, name: str) -> list[TaskChange]:
        """Versions since the task was deleted last, oldest first."""
        changes = self._index().get(name, [])
        gone = max((at for at, each in enumerate(changes) if not each.digest), default=-1)
        return changes[gone + 1 :]

    def _same(self, meta: TaskMeta, there: list[TaskChange]) -> TaskChange | None:
        for each in reversed(there):
            if meta.version in ("", each.version):
                if replace(meta, version=each.version).digest == each.digest:
                    return each
                if meta.version:
                    raise Conflict(
                        f"Task '{meta.name}' has a version {meta.version} that says something else: versions never"
                        " change",
                        code="TaskVersionAlreadyExists",
                    )
                return None
        return None

    def _index(self) -> dict[str, list[TaskChange]]:
        index = self._by_name
        if index is None:
            with self._lock:
                index = {}
                for each in self._shelf.changes():
                    index.setdefault(each.name, []).append(each)
                    self._last = max(self._last, each.id)
                self._by_name = index
        return index
