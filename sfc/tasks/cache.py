"""Directories that all workers of a machine share: unpacked packages, installed requirements.

Each is made once, under the digest of what it is made from, and never changes. Whoever uses one holds a shared lock on
it, which ends with the process, however it ends. Of what nobody holds, only what was used last is kept.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sfc.limits import CACHED_CODE

_LOCK: Final = ".lock"


class Kept:
    """A directory of the cache that stays until `release`."""

    def __init__(self, directory: Path, descriptor: int) -> None:
        self.directory = directory
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def keep(kind: str, key: str, make: Callable[[Path], None]) -> Kept:
    """The directory for this key; `make` fills it when it is not there. Blocks while another worker makes the same.

    Raises OSError, and what `make` raises.
    """
    place = cache_directory() / kind
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory, lock = place / key, place / f"{key}{_LOCK}"
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if _is_same(descriptor, lock) and directory.is_dir():
                os.utime(lock)
                return Kept(directory, descriptor)
            fcntl.flock(
                descriptor, fcntl.LOCK_EX
            )  # gives the other lock up first: two makers do not wait for each other
            if _is_same(descriptor, lock) and not directory.is_dir():
                unfinished = place / f"{key}.unfinished"
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(directory)
                _prune(place)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_same(descriptor: int, lock: Path) -> bool:
    """False when the lock was deleted, with its directory, before we had it."""
    try:
        return os.fstat(descriptor).st_ino == lock.stat().st_ino
    except FileNotFoundError:
        return False


def cache_directory() -> Path:
    """Set by `SFC_CACHE`; else a directory of the user, or one in the system's for temporary files."""
    given = os.environ.get("SFC_CACHE")
    if given:
        return Path(given)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    wanted = Path(home) / "sfc"
    try:
        wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        wanted = Path(tempfile.gettempdir()) / f"sfc-{os.getuid()}"
        wanted.mkdir(exist_ok=True, mode=0o700)
    if wanted.stat().st_uid != os.getuid():
        raise PermissionError(f"{wanted} belongs to somebody else: say with SFC_CACHE where code may be kept")
    return wanted


def _prune(place: Path) -> None:
    """Delete what was used longest ago, beyond the limit and what somebody holds."""
    free = 0
    for lock in sorted(place.glob(f"*{_LOCK}"), key=_used_at, reverse=True):
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # somebody else prunes
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free += 1
            if free > CACHED_CODE:
                shutil.rmtree(place / lock.name.removesuffix(_LOCK), ignore_errors=True)
                lock.unlink()
        except BlockingIOError:
            pass  # it is in use
        finally:
            os.close(descriptor)


def _used_at(lock: Path) -> int:
    try:
        return lock.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
