"""Tasks in memory: nothing outlives the process."""

from dataclasses import replace
from threading import RLock

from sfc.catalog.tasks import TaskChange


class MemoryTasks:
    """Implements `TaskShelf`."""

    def __init__(self) -> None:
        self._tasks_lock = RLock()
        self._changes: list[TaskChange] = []
        self._blobs: dict[str, bytes] = {}
        self._last_change = 0

    def add_change(self, change: TaskChange, meta: bytes | None) -> TaskChange:
        with self._tasks_lock:
            if meta is not None:
                self._blobs.setdefault(change.digest, meta)
            self._last_change += 1
            kept = replace(change, id=self._last_change)
            self._changes.append(kept)
            return kept

    def changes(self) -> list[TaskChange]:
        with self._tasks_lock:
            return list(self._changes)

    def put_blob(self, digest: str, data: bytes, now: int) -> None:
        with self._tasks_lock:
            self._blobs.setdefault(digest, data)

    def blob(self, digest: str) -> bytes | None:
        return self._blobs.get(digest)

    def drop_tasks(self, before: int, now: int) -> None:
        """Packages stay: they go with the process."""
        with self._tasks_lock:
            gone = {each.name: each.id for each in self._changes if not each.digest and each.id <= before}
            self._changes = [each for each in self._changes if each.id >= gone.get(each.name, 0)]
