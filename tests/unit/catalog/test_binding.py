"""Machines whose task references are bound to versions of the catalog."""

import json
from dataclasses import replace
from typing import Any

from sfc.asl.model import Map, Parallel, Task
from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.task_meta import TaskMeta

META = TaskMeta(
    name="charge", version="", kind="rest", settings={"url": "https://pay.example"},
    retry=[{"ErrorEquals": ["Busy"], "MaxAttempts": 7}], timeout_s=30,
)  # fmt: skip


def task(resource: str, **fields: Any) -> dict[str, Any]:
    return {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": resource, "End": True, **fields}}}


def bound(definition: dict[str, Any], *metas: TaskMeta) -> Any:
    catalog = Catalog(MemoryShelf())
    version = catalog.create("flow", json.dumps(definition))
    for meta in metas:
        catalog.tasks.put(meta)
    return catalog.bindings.machine(version, "flow", catalog.tasks.last())


def test_a_reference_is_bound_and_gets_the_defaults_of_its_version() -> None:
    state = bound(task("task:charge"), META).states["T"]
    assert (len(state.resource.meta), state.retry[0].max_attempts, state.timeout_s) == (64, 7, 30)
    assert state.resource.text == "task:charge"


def test_what_the_task_says_itself_wins() -> None:
    own = task("task:charge", TimeoutSeconds=5, Retry=[{"ErrorEquals": ["Slow"]}])
    state = bound(own, META).states["T"]
    assert (state.timeout_s, state.retry[0].error_equals) == (5, ("Slow",))


def test_references_inside_of_parallel_and_map_are_bound_too() -> None:
    definition = {
        "StartAt": "P",
        "States": {
            "P": {"Type": "Parallel", "Branches": [task("task:charge")], "Next": "M"},
            "M": {"Type": "Map", "ItemProcessor": {
                "StartAt": "U", "States": {"U": {"Type": "Task", "Resource": "task:charge:1", "End": True}},
            }, "End": True},
        },
    }  # fmt: skip
    machine = bound(definition, META)
    parallel, mapped = machine.states["P"], machine.states["M"]
    assert isinstance(parallel, Parallel)
    assert isinstance(mapped, Map)
    inner = [parallel.branches[0].states["T"], mapped.processor.states["U"]]
    assert all(isinstance(each, Task) and each.resource.meta for each in inner)


def test_what_the_catalog_does_not_know_stays_as_it_is() -> None:
    catalog = Catalog(MemoryShelf())
    version = catalog.create("flow", json.dumps(task("task:other")))
    catalog.tasks.put(META)
    assert catalog.bindings.machine(version, "flow", catalog.tasks.last()) is version.machine
    assert catalog.bindings.machine(version, "flow", 0) is version.machine


def test_the_same_pins_give_the_same_machine_and_others_another() -> None:
    catalog = Catalog(MemoryShelf())
    version = catalog.create("flow", json.dumps(task("task:charge")))
    first = catalog.tasks.put(META)
    one = catalog.bindings.machine(version, "flow", first.id)
    second = catalog.tasks.put(replace(META, description="two"))
    assert catalog.bindings.machine(version, "flow", first.id) is one
    assert catalog.bindings.machine(version, "flow", second.id) != one
