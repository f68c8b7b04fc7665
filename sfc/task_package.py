"""A package: the code of handlers as a zip whose bytes depend on nothing but its files.

A module `charge.py` becomes a zip of that one file; a directory with an `__init__.py` a zip of that package under its
name; any other directory a zip of what is in it.
"""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from sfc.errors import InvalidRequest
from sfc.limits import PACKAGE_BYTES, PACKAGE_FILES, PACKAGE_UNPACKED_BYTES

_LEFT_OUT: Final = frozenset({"__pycache__", "node_modules", "venv"})
_STAMP: Final = (1980, 1, 1, 0, 0, 0)


class InvalidPackage(InvalidRequest):
    """The zip cannot be used; nothing of it is kept."""

    code = "InvalidPackage"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="package")


def pack(path: Path) -> bytes:
    """The package of a file or a directory. Hidden files, links and caches are left out. Raises InvalidPackage."""
    files = {name: file.read_bytes() for name, file in _files(path)}
    if not any(name.endswith(".py") for name in files):
        raise InvalidPackage(f"there is no Python file in {path}")
    return zipped(files)


def zipped(files: dict[str, bytes]) -> bytes:
    """Names with `/`, and their contents."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _STAMP)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(info, files[name])
    data = out.getvalue()
    check(data)
    return data


def check(data: bytes) -> None:
    """Raises InvalidPackage for what is no zip, leads out of its directory, or is too large when unpacked."""
    _entries(data)


def unpack(data: bytes, directory: Path) -> None:
    """Write its files below a directory. Raises InvalidPackage."""
    with _opened(data) as package:
        for entry in _entries(data):
            target = directory / entry.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(package.read(entry))


def sources(data: bytes) -> dict[str, str]:
    """The text of each Python file, by name. Raises InvalidPackage."""
    with _opened(data) as package:
        return {
            entry.filename: package.read(entry).decode("utf-8", "replace")
            for entry in _entries(data)
            if entry.filename.endswith(".py")
        }


def modules(names: Iterator[str] | list[str]) -> list[str]:
    """The modules that Python files are: `shop/__init__.py` is `shop`, `shop/tasks.py` is `shop.tasks`."""
    found = []
    for name in names:
        parts = list(PurePosixPath(name).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        if parts and all(part.isidentifier() for part in parts):
            found.append(".".join(parts))
    return sorted(found)


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield path.name, path
        return
    if not path.is_dir():
        raise InvalidPackage(f"there is no file and no directory {path}")
    path = path.resolve()
    top = path.parent if (path / "__init__.py").exists() else path
    count = 0
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path).parts
        if any(part in _LEFT_OUT or part.startswith(".") for part in inside) or file.is_symlink() or not file.is_file():
            continue
        count += 1
        if count > PACKAGE_FILES:
            raise InvalidPackage(f"a package has at most {PACKAGE_FILES} files; {path} has more")
        yield file.relative_to(top).as_posix(), file


def _opened(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise InvalidPackage(f"the package is no zip: {error}") from None


def _entries(data: bytes) -> list[zipfile.ZipInfo]:
    if len(data) > PACKAGE_BYTES:
        raise InvalidPackage(f"a package has at most {PACKAGE_BYTES} bytes, this one {len(data)}")
    with _opened(data) as package:
        entries = [entry for entry in package.infolist() if not entry.is_dir()]
    if len(entries) > PACKAGE_FILES:
        raise InvalidPackage(f"a package has at most {PACKAGE_FILES} files, this one {len(entries)}")
    if sum(entry.file_size for entry in entries) > PACKAGE_UNPACKED_BYTES:
        raise InvalidPackage(f"a package has at most {PACKAGE_UNPACKED_BYTES} bytes when it is unpacked")
    for entry in entries:
        parts = PurePosixPath(entry.filename).parts
        if entry.filename.startswith("/") or ".." in parts or "\\" in entry.filename or not parts:
            raise InvalidPackage(f"the file {entry.filename!r} lies outside of the package")
        if entry.flag_bits & 1:
            raise InvalidPackage(f"the file {entry.filename!r} is encrypted")
    return entries
