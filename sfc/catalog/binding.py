"""A state machine whose task references are bound to the versions that an execution has pinned.

The version's defaults fill in what a Task leaves open (Retry, TimeoutSeconds, HeartbeatSeconds): they are part of what
the interpreter runs, so a replay with the same pins makes the same of the same entries.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Literal, TypeAlias

from sfc.asl.model import Map, Parallel, Resource, State, StateMachine, SubMachine, Task
from sfc.catalog.task_checks import retriers_of
from sfc.catalog.tasks import TaskChange, Tasks
from sfc.catalog.version import Version, compiled
from sfc.store.journal import Kind
from sfc.task_meta import TaskMeta

Reference: TypeAlias = tuple[str, str]
"""Name and version; without a version the latest."""

_CACHED = 1_024


class Bindings:
    """Gives the machines that executions run. Blocks, except for what was asked for before."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._bound: dict[tuple[int, str, tuple[str, ...]], StateMachine] = {}

    def tasks(self, version: Version, change: int) -> list[TaskChange]:
        """The versions of the catalog's tasks that the blueprint refers to, as they were after this change."""
        references = _references(version.definition, version.kind)
        found = [self._tasks.at(task, wanted, change) for task, wanted in references]
        return [each for each in found if each is not None]

    def machine(self, version: Version, name: str, change: int) -> StateMachine:
        """What an execution of `name` (the blueprint, or `blueprint/label`) runs that pinned tasks at this change.

        Raises InvalidDefinition, NotFound when a pinned task is gone.
        """
        machine = version.machine_of(name)
        references = _references(version.definition, version.kind) if change else ()
        if not references:
            return machine
        found = [self._tasks.at(task, wanted, change) for task, wanted in references]
        digests = tuple("" if each is None else each.digest for each in found)
        if not any(digests):
            return machine
        key = (version.id, name, digests)
        bound = self._bound.get(key)
        if bound is None:
            metas = {
                reference: self._tasks.meta(digest)
                for reference, digest in zip(references, digests, strict=True)
                if digest
            }
            if len(self._bound) >= _CACHED:
                self._bound.clear()
            bound = self._bound[key] = replace(machine, states=bind(machine, metas.get).states)
        return bound


def bind(machine: SubMachine, meta_of: Callable[[Reference], TaskMeta | None]) -> SubMachine:
    """The machine with its references bound; those that `meta_of` does not know stay as they are."""
    return replace(machine, states={name: _bound(state, meta_of) for name, state in machine.states.items()})


def _bound(state: State, meta_of: Callable[[Reference], TaskMeta | None]) -> State:
    match state:
        case Parallel():
            return replace(state, branches=tuple(bind(branch, meta_of) for branch in state.branches))
        case Map():
            return replace(state, processor=bind(state.processor, meta_of))
        case Task() if state.resource.kind == "task":
            meta = meta_of((state.resource.action, state.resource.version))
            if meta is None:
                return state
            timeout_s = state.timeout_s if state.timeout_s is not None else meta.timeout_s
            heartbeat_s = state.heartbeat_s if state.heartbeat_s is not None else meta.heartbeat_s
            return replace(
                state,
                resource=_bound_resource(state.resource, meta),
                retry=state.retry or retriers_of(meta),
                timeout_s=timeout_s,
                heartbeat_s=heartbeat_s,
            )
        case _:
            return state


def _bound_resource(resource: Resource, meta: TaskMeta) -> Resource:
    if meta.kind != "kafka":
        return replace(resource, meta=meta.digest)
    pattern: Literal["", "waitForTaskToken"] = "waitForTaskToken" if meta.settings.get("reply") else ""
    return replace(resource, meta=meta.digest, service="kafka", pattern=pattern)


@lru_cache(maxsize=1_024)
def _references(definition: str, kind: Kind) -> tuple[Reference, ...]:
    found: dict[Reference, None] = {}
    todo: list[SubMachine] = [compiled(definition, kind)[0]]
    while todo:
        for state in todo.pop().states.values():
            match state:
                case Parallel():
                    todo += state.branches
                case Map():
                    todo.append(state.processor)
                case Task() if state.resource.kind == "task":
                    found[state.resource.action, state.resource.version] = None
    return tuple(found)
