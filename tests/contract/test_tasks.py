"""What the catalog promises of tasks, wherever its rows are."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfc import task_package
from sfc.catalog.memory import MemoryShelf
from sfc.catalog.shelf import Shelf
from sfc.catalog.sql import SqlShelf
from sfc.catalog.tasks import Tasks
from sfc.errors import Conflict, InvalidName, InvalidRequest, NotFound, QuotaExceeded
from sfc.store.sqlite import SqliteStore
from sfc.task_meta import TaskMeta

META = TaskMeta(name="charge", version="", kind="rest", settings={"url": "https://pay.example/charge"})
HOUR = 3_600_000


@pytest.fixture(params=["memory", "sqlite"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    if request.param == "memory":
        yield MemoryShelf()
        return
    SqliteStore(tmp_path / "sfc.db").close()
    shelf = SqlShelf(f"sqlite:///{tmp_path / 'sfc.db'}")
    yield shelf
    shelf.close()


@pytest.fixture
def tasks(shelf: Shelf) -> Tasks:
    return Tasks(shelf, lambda: 1_000)


def described(text: str, **fields: Any) -> TaskMeta:
    return replace(META, description=text, **fields)


def test_versions_are_counted_and_the_latest_is_the_task(tasks: Tasks) -> None:
    first, second = tasks.put(described("one")), tasks.put(described("two"))
    assert [each.version for each in (first, second)] == ["1", "2"]
    assert tasks.get("charge")[1].description == "two"
    assert tasks.get("charge", "1")[1].description == "one"
    assert [each.version for each in tasks.versions("charge")] == ["2", "1"]
    assert [each.version for each in tasks.latest()] == ["2"]


def test_a_version_never_changes_and_the_same_again_is_no_new_one(tasks: Tasks) -> None:
    first = tasks.put(described("one", version="2026.1"))
    assert tasks.put(described("one", version="2026.1")) == first
    assert tasks.put(described("one")) == first
    with pytest.raises(Conflict) as refused:
        tasks.put(described("two", version="2026.1"))
    assert refused.value.code == "TaskVersionAlreadyExists"


def test_what_was_latest_at_a_change_stays_so(tasks: Tasks) -> None:
    before = tasks.last()
    first = tasks.put(described("one"))
    tasks.put(replace(META, name="other"))
    second = tasks.put(described("two"))
    tasks.delete("charge")
    third = tasks.put(described("three"))
    assert third.version == "1"
    assert tasks.at("charge", "", before) is None
    assert [tasks.at("charge", "", change) for change in range(first.id, third.id + 1)] == [
        first, first, second, None, third,
    ]  # fmt: skip
    assert tasks.at("charge", "2", second.id) == second
    assert tasks.at("charge", "2", first.id) is None
    assert tasks.at("charge", "2", third.id) is None


def test_what_is_read_afresh_equals_what_was_written(tasks: Tasks, shelf: Shelf) -> None:
    made = tasks.put(described("one", input_schema={"type": "object"}, retry=[{"ErrorEquals": ["A"]}], timeout_s=3))
    again = Tasks(shelf, lambda: 1_000)
    assert (again.last(), again.get("charge")) == (made.id, tasks.get("charge"))


def test_a_deleted_task_is_forgotten_once_nothing_needs_it(tasks: Tasks, shelf: Shelf) -> None:
    package = tasks.put_package(task_package.zipped({"a.py": b""}))
    settings = {"package": package, "handler": "a:f"}
    first = tasks.put(replace(META, kind="python", settings=settings))
    tasks.delete("charge")
    gone = tasks.last()
    tasks.drop(gone - 1)
    assert tasks.at("charge", "", first.id) == first
    later = Tasks(shelf, lambda: 1_000 + 2 * HOUR)
    later.drop(gone)
    assert later.at("charge", "", first.id) is None
    if isinstance(shelf, SqlShelf):
        with pytest.raises(NotFound):
            later.blob(package)


def test_a_package_that_is_referred_to_must_be_there(tasks: Tasks) -> None:
    python = replace(META, kind="python", settings={"package": "0" * 64, "handler": "a:f"})
    with pytest.raises(InvalidRequest, match="upload it first"):
        tasks.put(python)
    digest = tasks.put_package(task_package.zipped({"a.py": b""}))
    assert tasks.put(replace(python, settings={"package": digest, "handler": "a:f"})).package == digest
    assert tasks.blob(digest) == task_package.zipped({"a.py": b""})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"version": "a b"}, "version"),
        ({"kind": "soap"}, "type"),
        ({"kind": "kafka", "settings": {"topic": "a b"}}, "topic"),
        ({"kind": "kafka", "settings": {}, "output_schema": {}}, "output_schema"),
        ({"kind": "kafka", "settings": {}, "heartbeat_s": 5}, "heartbeat_seconds"),
        ({"settings": {"url": "ftp://x"}}, "url"),
        ({"settings": {"url": "https://x", "method": "BREW"}}, "method"),
        ({"settings": {"url": "https://x", "headers": {"a": 1}}}, "headers"),
        ({"settings": {"url": "https://x", "package": "p"}}, "package"),
        ({"kind": "grpc", "settings": {"url": "https://x"}}, "url"),
        ({"kind": "grpc", "settings": {"url": "grpc://x:1/S/M", "descriptors": "?"}}, "descriptors"),
        (
            {"kind": "python", "settings": {"requirements": ["--index-url x"], "package": "p", "handler": "a:f"}},
            "requirements",
        ),
        ({"kind": "python", "settings": {"requirements": ["httpx"]}}, "requirements"),
        ({"kind": "python", "settings": {"package": "p", "handler": "f"}}, "handler"),
        ({"input_schema": {"type": "nothing"}}, "input_schema"),
        ({"output_schema": {"$ref": "https://elsewhere.example"}}, "output_schema"),
        ({"retry": [{"ErrorEquals": ["A"], "BackoffRate": 0.5}]}, "retry"),
        ({"timeout_s": 0}, "timeout_seconds"),
        ({"timeout_s": 5, "heartbeat_s": 5}, "heartbeat_seconds"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_with_its_field(tasks: Tasks, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        tasks.put(replace(META, **fields))
    assert refused.value.field == field


def test_names_and_numbers_have_limits(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidName):
        tasks.put(replace(META, name="a:b"))
    monkeypatch.setattr("sfc.catalog.tasks.TASK_VERSIONS", 1)
    tasks.put(described("one"))
    with pytest.raises(QuotaExceeded):
        tasks.put(described("two"))
    monkeypatch.setattr("sfc.catalog.tasks.TASK_META_BYTES", 100)
    with pytest.raises(InvalidRequest, match="at most 100 bytes"):
        tasks.put(replace(META, name="other", description="x" * 100))
