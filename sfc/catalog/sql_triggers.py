"""Triggers and how far they have come in a database, by SQLAlchemy Core."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import orjson
import sqlalchemy as sa

from sfc.catalog.sql_rows import SqlRows
from sfc.triggers.trigger import Progress, Trigger

_metadata = sa.MetaData()
_triggers = sa.Table(
    "triggers",
    _metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("blueprint", sa.Text),
    sa.Column("settings", sa.Text),
    sa.Column("paused", sa.Boolean),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("updated_at", sa.BigInteger),
)
_schedules = sa.Table(
    "schedules",
    _metadata,
    sa.Column("trigger", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.BigInteger),
    sa.Column("execution", sa.Text),
    sa.Column("error", sa.Text),
)


class SqlTriggers(SqlRows):
    """Implements `TriggerShelf`."""

    def triggers(self) -> list[Trigger]:
        rows = self._rows(sa.select(_triggers))
        return [Trigger(**{**row._mapping, "settings": orjson.loads(row.settings)}) for row in rows]

    def add_trigger(self, trigger: Trigger) -> Trigger:
        with self._reached(self._engine.begin) as connection:
            adding = sa.insert(_triggers).values(_values(trigger)).returning(_triggers.c.id)
            return replace(trigger, id=connection.execute(adding).scalar_one())

    def set_trigger(self, trigger: Trigger) -> None:
        with self._reached(self._engine.begin) as connection:
            connection.execute(sa.update(_triggers).where(_triggers.c.id == trigger.id).values(_values(trigger)))

    def delete_trigger(self, id: int) -> None:
        with self._reached(self._engine.begin) as connection:
            connection.execute(sa.delete(_triggers).where(_triggers.c.id == id))
            connection.execute(sa.delete(_schedules).where(_schedules.c.trigger == id))

    def progress(self) -> dict[int, Progress]:
        return {
            row.trigger: Progress(at=row.at, execution=row.execution, error=row.error)
            for row in self._rows(sa.select(_schedules))
        }

    def put_progress(self, progress: Mapping[int, Progress]) -> None:
        with self._reached(self._engine.begin) as connection:
            connection.execute(sa.delete(_schedules).where(_schedules.c.trigger.in_(progress)))
            there = set(connection.scalars(sa.select(_triggers.c.id).where(_triggers.c.id.in_(progress))))
            rows = [{"trigger": id, **asdict(each)} for id, each in progress.items() if id in there]
            if rows:
                connection.execute(sa.insert(_schedules), rows)


def _values(trigger: Trigger) -> dict[str, Any]:
    columns = [column for column in _triggers.columns.keys() if column != "id"]  # noqa: SIM118
    return {
        **{column: getattr(trigger, column) for column in columns},
        "settings": orjson.dumps(dict(trigger.settings)).decode(),
    }
