"""Import the modules in which users register their handlers."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

from sfc.errors import InvalidRequest, SfcError


class HandlersNotLoaded(InvalidRequest):
    """A handler module cannot be found, or fails while it is imported."""

    code = "HandlersNotLoaded"


def load_handlers(modules: Iterable[str], *, paths: Iterable[str] = ()) -> None:
    """Import each module ("shop.tasks") or file ("tasks/charge.py"); one that is loaded already is left alone. `paths`
    are put in front of sys.path first. Raises HandlersNotLoaded, or TaskAlreadyRegistered.
    """
    for path in paths:
        if path not in sys.path:
            sys.path.insert(0, path)
    for module in modules:
        try:
            if module.endswith(".py"):
                _load_file(Path(module))
            else:
                importlib.import_module(module)
        except SfcError:
            raise
        except (Exception, SystemExit) as error:
            raise HandlersNotLoaded(
                f"cannot load handlers from {module}: {type(error).__name__}: {error}", field="handlers"
            ) from error


def _load_file(file: Path) -> None:
    file = file.resolve()
    name = f"sfc_handlers_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(file)
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))  # its neighbours, as if it were run as a script
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
