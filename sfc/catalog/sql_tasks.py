"""Changes of tasks, their metas and packages in a database, by SQLAlchemy Core."""

from typing import Any, Final

import sqlalchemy as sa

from sfc.catalog.sql_rows import SqlRows
from sfc.catalog.tasks import TaskChange

_HOUR_MS: Final = 3_600_000
_metadata = sa.MetaData()
_changes = sa.Table(
    "task_changes",
    _metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("version", sa.Text),
    sa.Column("digest", sa.Text),
    sa.Column("package", sa.Text),
    sa.Column("created_at", sa.BigInteger),
)
_blobs = sa.Table(
    "task_blobs",
    _metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("data", sa.LargeBinary),
    sa.Column("created_at", sa.BigInteger),
)


class SqlTasks(SqlRows):
    """Implements `TaskShelf`."""

    def add_change(self, change: TaskChange, meta: bytes | None) -> TaskChange:
        values: dict[str, Any] = {
            column: getattr(change, column) for column in ("name", "version", "digest", "package", "created_at")
        }
        with self._reached(self._engine.begin) as connection:
            if meta is not None:
                _put(connection, change.digest, meta, change.created_at)
            id = connection.execute(sa.insert(_changes).values(values).returning(_changes.c.id)).scalar_one()
        return TaskChange(id=id, **values)

    def changes(self) -> list[TaskChange]:
        return [TaskChange(**row._mapping) for row in self._rows(sa.select(_changes).order_by(_changes.c.id))]

    def put_blob(self, digest: str, data: bytes, now: int) -> None:
        with self._reached(self._engine.begin) as connection:
            _put(connection, digest, data, now)

    def blob(self, digest: str) -> bytes | None:
        rows = self._rows(sa.select(_blobs.c.data).where(_blobs.c.digest == digest))
        return bytes(rows[0].data) if rows else None

    def drop_tasks(self, before: int, now: int) -> None:
        gone = sa.select(_changes.c.name, sa.func.max(_changes.c.id).label("id")).where(
            _changes.c.digest == "", _changes.c.id <= before
        )
        with self._reached(self._engine.begin) as connection:
            for name, last in connection.execute(gone.group_by(_changes.c.name)).all():
                connection.execute(sa.delete(_changes).where(_changes.c.name == name, _changes.c.id < last))
            used = sa.union(sa.select(_changes.c.digest), sa.select(_changes.c.package))
            connection.execute(
                sa.delete(_blobs).where(_blobs.c.digest.not_in(used), _blobs.c.created_at < now - _HOUR_MS)
            )


def _put(connection: sa.Connection, digest: str, data: bytes, now: int) -> None:
    known = connection.execute(sa.select(_blobs.c.digest).where(_blobs.c.digest == digest)).first()
    if known is None:
        connection.execute(sa.insert(_blobs).values(digest=digest, data=data, created_at=now))
