"""Packages of handlers, side by side in one process: two versions of a module live beside each other.

Each package has a name of its own in `sys.modules`, `sfc_package_<digest>`, below which its modules are. In its modules
`import shop.prices` means the package's own `shop.prices` if it has one, else what is installed: their `__import__`
looks there first. Only `importlib.import_module` with an absolute name does not.
"""

import builtins
import importlib
import importlib.abc
import importlib.machinery
import sys
import threading
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, Final

from sfc import task_package
from sfc.tasks.cache import Kept, keep
from sfc.tasks.registry import Handler, TaskRegistry, handler_for, registering

_PREFIX: Final = "sfc_package_"
_loaded: "dict[str, Package]" = {}
"""By name of the root module."""


def unpacked(digest: str, data: bytes) -> Kept:
    """The directory with a package's files. Raises InvalidPackage, OSError."""
    return keep("packages", digest, lambda target: task_package.unpack(data, target))


class Package:
    """One package, loaded. `close` takes it out again; functions of it that still run go on."""

    def __init__(self, digest: str, data: bytes) -> None:
        """Raises InvalidPackage, OSError."""
        self.root = f"{_PREFIX}{digest}_{id(self):x}"
        self._kept = unpacked(digest, data)
        directory = self._kept.directory
        self.tops = {path.name.removesuffix(".py") for path in directory.iterdir()}
        self.builtins: dict[str, Any] = {**vars(builtins), "__import__": self._import}
        self._registry = TaskRegistry()
        self._lock = threading.Lock()
        root = ModuleType(self.root)
        root.__path__ = [str(directory)]
        sys.modules[self.root] = root
        _loaded[self.root] = self
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)

    def handler(self, place: str) -> Handler:
        """The function at `module:function`, as it was registered or as it is. Imports the module, so it blocks.

        Raises whatever the module raises, LookupError when it has no such function.
        """
        module, _, name = place.partition(":")
        with self._lock, registering(self._registry):
            try:
                found = importlib.import_module(f"{self.root}.{module}")
            except (SystemExit, KeyboardInterrupt, StopIteration) as error:  # an event loop would not survive these
                raise ImportError(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
        function = getattr(found, name, None)
        if not callable(function):
            raise LookupError(f"module {module} has no function {name!r}")
        return self._registry.handler_of(function) or handler_for(name, function)

    def close(self) -> None:
        _loaded.pop(self.root, None)
        for name in [each for each in sys.modules if each == self.root or each.startswith(f"{self.root}.")]:
            del sys.modules[name]
        self._kept.release()

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        top = name.partition(".")[0]
        if level or top not in self.tops:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        if fromlist:
            return builtins.__import__(f"{self.root}.{name}", globals, locals, fromlist, 0)
        importlib.import_module(f"{self.root}.{name}")
        return sys.modules[f"{self.root}.{top}"]


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, package: Package, name: str, path: str) -> None:
        super().__init__(name, path)
        self._package = package

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self._package.builtins
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of packages where they were unpacked."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package = _loaded.get(fullname.partition(".")[0])
        if package is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(package, spec.loader.name, spec.loader.path)
        return spec


_finder: Final = _Finder()
