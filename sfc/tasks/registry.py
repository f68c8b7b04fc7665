"""Which function does which task.

    @task("charge-card", version=2, timeout_s=30)
    def charge_card(order: Order, ctx: TaskContext) -> Receipt: ...

A handler takes the state's input, and a `TaskContext` if it wants one. Parameters annotated with pydantic models get
models; pydantic is imported only then.
"""

import inspect
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from sfc.errors import Conflict
from sfc.jsonvalue import Json

P = ParamSpec("P")
R = TypeVar("R")


class TaskAlreadyRegistered(Conflict):
    """A second task of the same name."""

    code = "TaskAlreadyRegistered"


@dataclass(frozen=True, slots=True)
class Handler:
    name: str
    function: Callable[..., Any]
    is_async: bool
    wants_context: bool
    version: str = ""
    timeout_s: float | None = None
    convert: Callable[[Json], Any] | None = None
    """Input to what the parameter is annotated with; None: as it is."""


class TaskRegistry:
    """Handlers by name. A name may also be a Resource text (`arn:aws:states:::dynamodb:putItem`), which then wins over
    all other ways to do it, and may end in `*`.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._patterns: list[str] = []
        self.changes = 0
        """Counts registrations, so that what was looked up can be kept until the next one."""

    def add(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        version: str | int | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Raises TaskAlreadyRegistered when another function has that name."""
        known = self._handlers.get(name)
        if known is not None:
            if known.function is function:
                return
            raise TaskAlreadyRegistered(
                f"task {name!r} is {_place(known.function)}; {_place(function)} cannot be it too", field="name"
            )
        self._handlers[name] = handler_for(name, function, "" if version is None else str(version), timeout_s)
        if name.endswith("*"):
            self._patterns = sorted([*self._patterns, name[:-1]], key=len, reverse=True)
        self.changes += 1

    def named(self, name: str) -> Handler | None:
        return self._handlers.get(name)

    def matching(self, resource: str) -> Handler | None:
        """The handler registered for this very text, else the one with the longest pattern that it fits."""
        found = self._handlers.get(resource)
        if found is None:
            pattern = next((prefix for prefix in self._patterns if resource.startswith(prefix)), None)
            found = None if pattern is None else self._handlers[f"{pattern}*"]
        return found

    def handler_of(self, function: Callable[..., Any]) -> Handler | None:
        """The handler that this function is registered as."""
        return next((each for each in self._handlers.values() if each.function is function), None)

    def names(self) -> list[str]:
        return sorted(self._handlers)


default_registry = TaskRegistry()
_current: ContextVar[TaskRegistry] = ContextVar("_current", default=default_registry)


@contextmanager
def registering(registry: TaskRegistry) -> Iterator[None]:
    """What `@task` registers in here goes to this registry: two versions of a module have the same names."""
    token = _current.set(registry)
    try:
        yield
    finally:
        _current.reset(token)


def task(
    name: str,
    *,
    version: str | int | None = None,
    timeout_s: float | None = None,
    registry: TaskRegistry | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Registers the function and gives it back unchanged. Raises TaskAlreadyRegistered."""

    def register(function: Callable[P, R]) -> Callable[P, R]:
        target = _current.get() if registry is None else registry
        target.add(name, function, version=version, timeout_s=timeout_s)
        return function

    return register


def handler_for(name: str, function: Callable[..., Any], version: str = "", timeout_s: float | None = None) -> Handler:
    """What a function is as a handler."""
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    annotation = _annotations(function).get(parameters[0].name) if parameters else None
    return Handler(
        name,
        function,
        is_async=inspect.iscoroutinefunction(inspect.unwrap(function))
        or inspect.iscoroutinefunction(getattr(function, "__call__", None)),  # noqa: B004
        wants_context=len(parameters) > 1 and parameters[1].kind is not parameters[1].VAR_KEYWORD,
        version=version,
        timeout_s=timeout_s,
        convert=_converter(annotation) if _has_model(annotation) else None,
    )


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError):  # names that exist only for type checkers, callables without annotations
        return {}


def _has_model(annotation: Any) -> bool:
    if hasattr(annotation, "__pydantic_validator__"):
        return True
    return any(map(_has_model, typing.get_args(annotation)))


def _converter(annotation: Any) -> Callable[[Json], Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(annotation).validate_python


def _place(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"
