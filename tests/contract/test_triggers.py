"""What the catalog promises about triggers, wherever its rows are."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.catalog.sql import SqlShelf
from sfc.errors import Conflict, InvalidArn, InvalidRequest, NotFound
from sfc.store.sqlite import SqliteStore
from sfc.triggers.trigger import Progress

PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
EVERY = {"every_s": 60}


@pytest.fixture(params=["memory", "sqlite"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    times = iter(range(1_000, 2_000))
    if request.param == "memory":
        made = Catalog(MemoryShelf(), clock=lambda: next(times))
        made.create("orders", PASS)
        yield made
        return
    SqliteStore(tmp_path / "sfc.db").close()
    shelf = SqlShelf(f"sqlite:///{tmp_path / 'sfc.db'}")
    made = Catalog(shelf, clock=lambda: next(times))
    made.create("orders", PASS)
    yield made
    shelf.close()


def afresh(catalog: Catalog) -> Catalog:
    """As a process that starts now reads it."""
    return Catalog(catalog.triggers.shelf)  # type: ignore[arg-type]


def test_a_trigger_is_kept_with_all_it_says(catalog: Catalog) -> None:
    made = catalog.triggers.put("tick", "schedule", "orders", {"every_s": 60, "missed": None}, paused=True)
    assert (made.name, made.kind, made.blueprint, made.machine) == ("tick", "schedule", "orders", "orders")
    assert (made.settings, made.paused, made.created_at) == (EVERY, True, made.updated_at)
    assert catalog.triggers.get("tick") == made == afresh(catalog).triggers.get("tick")


def test_triggers_are_listed_by_name_in_pages(catalog: Catalog) -> None:
    for name in ("b", "c", "a"):
        catalog.triggers.put(name, "schedule", "orders", EVERY)
    assert [each.name for each in catalog.triggers.list(None, 2)] == ["a", "b"]
    assert [each.name for each in catalog.triggers.list("b", 2)] == ["c"]
    assert [each.name for each in afresh(catalog).triggers.all()] == ["a", "b", "c"]


def test_a_change_keeps_the_id_and_what_is_not_said(catalog: Catalog) -> None:
    made = catalog.triggers.put("tick", "schedule", "orders", EVERY, paused=True)
    changed = catalog.triggers.put("tick", "schedule", "orders", {"every_s": 30})
    assert (changed.id, changed.created_at, changed.paused) == (made.id, made.created_at, True)
    assert changed.updated_at > made.updated_at
    assert afresh(catalog).triggers.get("tick") == changed


def test_what_changes_nothing_is_no_change(catalog: Catalog) -> None:
    made = catalog.triggers.put("tick", "schedule", "orders", EVERY)
    seen = catalog.triggers.version
    assert catalog.triggers.put("tick", "schedule", "orders", EVERY) == made
    assert catalog.triggers.pause("tick", False) == made
    assert catalog.triggers.version == seen


def test_pausing_does_not_count_as_a_change_of_settings(catalog: Catalog) -> None:
    made = catalog.triggers.put("tick", "schedule", "orders", EVERY)
    paused = catalog.triggers.pause("tick", True)
    assert (paused.paused, paused.updated_at) == (True, made.updated_at)
    assert afresh(catalog).triggers.get("tick").paused
    assert catalog.triggers.pause("tick", False) == made


def test_every_change_is_told_after_it_was_made(catalog: Catalog) -> None:
    told: list[tuple[str, ...]] = []
    versions: list[int] = []

    def listener() -> None:
        told.append(tuple(each.name for each in catalog.triggers.all()))
        versions.append(catalog.triggers.version)

    catalog.triggers.subscribe(listener)
    catalog.triggers.put("tick", "schedule", "orders", EVERY)
    catalog.triggers.pause("tick", True)
    catalog.triggers.delete("tick")
    assert told == [("tick",), ("tick",), ()]
    assert len(set(versions)) == 3


def test_a_deleted_trigger_is_gone_and_its_id_never_comes_back(catalog: Catalog) -> None:
    made = catalog.triggers.put("tick", "schedule", "orders", EVERY)
    assert catalog.triggers.delete("tick") == made
    for asked in (catalog, afresh(catalog)):
        with pytest.raises(NotFound) as unknown:
            asked.triggers.get("tick")
        assert unknown.value.code == "TriggerDoesNotExist"
    with pytest.raises(NotFound):
        catalog.triggers.delete("tick")
    assert catalog.triggers.put("tick", "schedule", "orders", EVERY).id > made.id


def test_a_trigger_of_an_unknown_blueprint_is_refused(catalog: Catalog) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
    for unknown in ("nothing", f"{arn}:7", f"{arn}:prod"):
        with pytest.raises(NotFound) as refused:
            catalog.triggers.put("tick", "schedule", unknown, EVERY)
        assert refused.value.code in ("StateMachineDoesNotExist", "ResourceNotFound")
    with pytest.raises(InvalidArn):
        catalog.triggers.put("tick", "schedule", "arn:aws:lambda:x", EVERY)


def test_a_trigger_may_start_a_release_or_what_an_alias_leads_to(catalog: Catalog) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
    catalog.releases.publish("orders")
    made = catalog.triggers.put("tick", "schedule", f"{arn}:1", EVERY)
    assert (made.machine, catalog.triggers.of("orders")) == ("orders", ["tick"])


def test_a_trigger_cannot_become_another_kind(catalog: Catalog) -> None:
    catalog.triggers.put("tick", "schedule", "orders", EVERY)
    with pytest.raises(Conflict) as refused:
        catalog.triggers.put("tick", "kafka", "orders", {"topic": "a"})
    assert refused.value.code == "TriggerKindDiffers"


def test_wrong_settings_are_refused_and_nothing_is_kept(catalog: Catalog) -> None:
    with pytest.raises(InvalidRequest):
        catalog.triggers.put("tick", "schedule", "orders", {"every_s": -1})
    assert catalog.triggers.all() == ()


def test_a_blueprint_with_triggers_is_not_deleted(catalog: Catalog) -> None:
    catalog.triggers.put("tick", "schedule", "orders", EVERY)
    with pytest.raises(Conflict) as refused:
        catalog.delete("orders")
    assert (refused.value.code, "tick" in refused.value.message) == ("StateMachineHasTriggers", True)
    catalog.triggers.delete("tick")
    catalog.delete("orders")


def test_progress_is_kept_replaced_and_goes_with_its_trigger(catalog: Catalog) -> None:
    shelf = catalog.triggers.shelf
    one = catalog.triggers.put("one", "schedule", "orders", EVERY).id
    two = catalog.triggers.put("two", "schedule", "orders", EVERY).id
    shelf.put_progress({one: Progress(at=1), two: Progress(at=2, execution="arn", error="no")})
    shelf.put_progress({one: Progress(at=3), 4711: Progress(at=4)})
    assert shelf.progress() == {one: Progress(at=3), two: Progress(at=2, execution="arn", error="no")}
    catalog.triggers.delete("two")
    shelf.put_progress({two: Progress(at=9)})
    assert shelf.progress() == {one: Progress(at=3)}
