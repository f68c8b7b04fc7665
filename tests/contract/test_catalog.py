"""What the catalog promises, wherever its rows are."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.catalog.sql import SqlShelf
from sfc.errors import Conflict, InvalidDefinition, InvalidName, NotFound, QuotaExceeded
from sfc.store.sqlite import SqliteStore

PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
OTHER = json.dumps({"StartAt": "B", "States": {"B": {"Type": "Succeed"}}})


@pytest.fixture(params=["memory", "sqlite"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    times = iter(range(1_000, 2_000))
    if request.param == "memory":
        yield Catalog(MemoryShelf(), clock=lambda: next(times))
        return
    SqliteStore(tmp_path / "sfc.db").close()
    shelf = SqlShelf(f"sqlite:///{tmp_path / 'sfc.db'}")
    yield Catalog(shelf, clock=lambda: next(times))
    shelf.close()


def test_a_new_blueprint_is_found_by_name_and_by_version(catalog: Catalog) -> None:
    made = catalog.create("orders", PASS, kind="EXPRESS", role_arn="arn:role", settings={"a": 1})
    assert (made.name, made.number, made.kind, made.definition) == ("orders", 1, "EXPRESS", PASS)
    assert (made.role_arn, made.settings, made.revision_id) == ("arn:role", {"a": 1}, "")
    assert made.created_at == made.updated_at
    assert catalog.get("orders") == catalog.version(made.id) == made
    assert made.machine.start_at == "A"


def test_what_is_read_afresh_equals_what_was_written(catalog: Catalog) -> None:
    made = catalog.create("orders", PASS, settings={"loggingConfiguration": {"level": "ALL"}})
    assert Catalog(catalog._shelf).get("orders") == made
    assert Catalog(catalog._shelf).version(made.id) == made


def test_creating_the_same_again_gives_the_one_that_is_there(catalog: Catalog) -> None:
    made = catalog.create("orders", PASS, role_arn="arn:role", tags={"a": "1"})
    assert catalog.create("orders", PASS, role_arn="arn:other", tags={"b": "2"}) == made
    assert catalog.tags.of("stateMachine:orders") == {"a": "1"}


@pytest.mark.parametrize("change", [{"definition": OTHER}, {"kind": "EXPRESS"}, {"settings": {"a": 1}}])
def test_creating_another_of_that_name_is_a_conflict(catalog: Catalog, change: dict[str, object]) -> None:
    catalog.create("orders", PASS)
    with pytest.raises(Conflict) as refused:
        catalog.create("orders", **{"definition": PASS, **change})  # type: ignore[arg-type]
    assert refused.value.code == "StateMachineAlreadyExists"
    assert refused.value.message == (
        "State Machine Already Exists: 'arn:aws:states:us-east-1:123456789012:stateMachine:orders'"
    )


def test_an_update_is_a_new_version_and_the_old_one_stays(catalog: Catalog) -> None:
    first = catalog.create("orders", PASS, role_arn="arn:role", settings={"a": 1})
    second = catalog.update("orders", definition=OTHER)
    assert (second.number, second.definition, second.role_arn, second.settings) == (2, OTHER, "arn:role", {"a": 1})
    assert second.created_at == first.created_at < second.updated_at
    assert second.revision_id
    assert catalog.get("orders") == second
    assert catalog.version(first.id) == first
    assert catalog.update("orders", role_arn="arn:new", settings={}).settings == {}


@pytest.mark.parametrize("definition", ["", "{", "[]", '{"StartAt": "A", "States": {}}'])
def test_a_definition_with_errors_is_refused_with_its_findings(catalog: Catalog, definition: str) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        catalog.create("orders", definition)
    assert refused.value.diagnostics
    assert catalog.list() == []


def test_a_name_that_aws_would_not_take_is_refused(catalog: Catalog) -> None:
    with pytest.raises(InvalidName):
        catalog.create("a b", PASS)


def test_an_unknown_blueprint_is_not_found(catalog: Catalog) -> None:
    for ask in (catalog.get, catalog.update, catalog.delete):
        with pytest.raises(NotFound) as refused:
            ask("orders")
        assert refused.value.code == "StateMachineDoesNotExist"
        assert refused.value.message == (
            "State Machine Does Not Exist: 'arn:aws:states:us-east-1:123456789012:stateMachine:orders'"
        )
    with pytest.raises(NotFound):
        catalog.version(77)


class TestDeleting:
    def test_a_deleted_blueprint_is_gone_but_its_versions_still_run(self, catalog: Catalog) -> None:
        made = catalog.create("orders", PASS)
        catalog.delete("orders")
        with pytest.raises(NotFound) as refused:
            catalog.get("orders")
        assert refused.value.code == "StateMachineDeleting"
        assert catalog.get("orders", even_deleting=True) == made
        assert catalog.list() == []
        assert catalog.deleting() == ["orders"]
        assert catalog.version(made.id) == made

    def test_its_name_is_free_only_when_it_is_purged(self, catalog: Catalog) -> None:
        made = catalog.create("orders", PASS)
        catalog.delete("orders")
        with pytest.raises(Conflict) as refused:
            catalog.create("orders", PASS)
        assert refused.value.code == "StateMachineDeleting"
        assert catalog.is_deleting("orders")
        catalog.purge("orders")
        assert catalog.deleting() == []
        assert not catalog.is_deleting("orders")
        with pytest.raises(NotFound):
            catalog.version(made.id)
        assert catalog.create("orders", OTHER).id > made.id


def test_blueprints_are_listed_by_name_page_by_page(catalog: Catalog) -> None:
    for name in ("c", "a", "b"):
        catalog.create(name, PASS)
    catalog.update("b", definition=OTHER)
    first = catalog.list(limit=2)
    assert [(version.name, version.number) for version in first] == [("a", 1), ("b", 2)]
    assert [version.name for version in catalog.list("b", 2)] == ["c"]


def test_an_activity_is_there_until_it_is_deleted(catalog: Catalog) -> None:
    activities = catalog.activities
    made = activities.create("pack", settings={"a": 1}, tags={"k": "v"})
    assert activities.create("pack", settings={"a": 1}) == activities.get("pack") == made
    with pytest.raises(Conflict, match=r"Activity Already Exists: '.*:activity:pack'"):
        activities.create("pack")
    activities.create("ship")
    assert [each.name for each in activities.list(None, 1)] == ["pack"]
    assert [each.name for each in activities.list("pack", 5)] == ["ship"]
    assert catalog.tags.of("activity:pack") == {"k": "v"}
    activities.delete("pack")
    activities.delete("pack")
    assert catalog.tags.of("activity:pack") == {}
    with pytest.raises(NotFound, match="Activity Does Not Exist"):
        activities.get("pack")


def test_there_is_a_limit_to_activities(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfc.catalog.activities.ACTIVITIES", 1)
    catalog.activities.create("pack")
    catalog.activities.create("pack")
    with pytest.raises(QuotaExceeded) as refused:
        catalog.activities.create("ship")
    assert refused.value.code == "ActivityLimitExceeded"
    with pytest.raises(InvalidName):
        catalog.activities.create("a b")
