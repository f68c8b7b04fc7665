"""What only the SQLite store does: files, locks and failures of a disk."""

import sqlite3
from pathlib import Path

import pytest

from sfc.errors import OutcomeUnknown, Unavailable
from sfc.store import schema
from sfc.store.sqlite import SqliteStore
from tests.contract.stores import Writer


def test_a_second_process_gets_the_shard_only_when_the_first_has_gone(tmp_path: Path) -> None:
    first, second = SqliteStore(tmp_path / "sfc.db"), SqliteStore(tmp_path / "sfc.db")
    assert first.acquire(0, "a") is not None
    assert second.acquire(0, "b") is None
    first.close()
    assert second.acquire(0, "b") is not None
    second.close()


def test_everything_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "sfc.db")
    lease = store.acquire(0, "a")
    assert lease is not None
    writer = Writer(lease)
    new = writer.new("n")
    assert store.commit(writer.batch([new])).written
    store.close()
    again = SqliteStore(tmp_path / "sfc.db")
    assert again.find("orders", "n") == again.get(new.id) is not None
    again.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sfc.db").write_text("not a database " * 100)
    with pytest.raises(Unavailable, match="cannot open the database"):
        SqliteStore(tmp_path / "sfc.db")


def test_a_full_disk_is_unavailable_and_the_store_goes_on_when_there_is_room(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "sfc.db")
    lease = store.acquire(0, "a")
    assert lease is not None
    writer = Writer(lease)
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    new = writer.new("n")
    big = writer.batch([new], [(new.id, b"x" * 100_000)])
    with pytest.raises(Unavailable, match="full"):
        store.commit(big)
    store._writer.execute("PRAGMA max_page_count = 1000000")
    assert not store.settle(big)
    assert store.commit(big).written
    store.close()


def test_a_locked_database_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfc.store.sqlite.BUSY_MS", 1)
    store = SqliteStore(tmp_path / "sfc.db")
    lease = store.acquire(0, "a")
    assert lease is not None
    other = sqlite3.connect(tmp_path / "sfc.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        store.commit(Writer(lease).batch([Writer(lease).new("n")]))
    other.close()
    store.close()


def test_a_closed_store_is_unavailable(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "sfc.db")
    store.close()
    with pytest.raises(Unavailable):
        store.get(1)


def test_the_newest_migration_is_the_one_the_code_knows() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "sfc.store:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_a_current_database_opens_without_the_migration_tool(tmp_path: Path) -> None:
    import subprocess
    import sys

    SqliteStore(tmp_path / "sfc.db").close()
    code = (
        f"import sys; from sfc.store.sqlite import SqliteStore; SqliteStore({str(tmp_path / 'sfc.db')!r}).close(); "
        "sys.exit('alembic' in sys.modules or 'sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Failing:
    """A connection whose COMMIT fails as a disk does: before or after the data were safe."""

    def __init__(self, connection: sqlite3.Connection, *, safe: bool) -> None:
        self._connection = connection
        self._safe = safe

    def execute(self, text: str, *values: object) -> sqlite3.Cursor:
        if text == "COMMIT":
            self._connection.execute("COMMIT" if self._safe else "ROLLBACK")
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(text, *values)

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


@pytest.mark.parametrize("safe", [True, False])
def test_a_commit_that_the_disk_did_not_confirm_is_settled_by_what_is_there(tmp_path: Path, safe: bool) -> None:
    store = SqliteStore(tmp_path / "sfc.db")
    lease = store.acquire(0, "a")
    assert lease is not None
    writer = Writer(lease)
    new = writer.new("n")
    batch = writer.batch([new])
    connection = store._writer
    store._writer = Failing(connection, safe=safe)
    with pytest.raises(OutcomeUnknown, match="disk I/O error"):
        store.commit(batch)
    store._writer = connection
    assert store.settle(batch) is safe
    assert (store.get(new.id) is not None) is safe
    if not safe:
        assert store.commit(batch).written
    store.close()
