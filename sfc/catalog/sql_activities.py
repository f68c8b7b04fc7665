"""Activities in a database, by SQLAlchemy Core."""

from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sfc.catalog.activity import Activity
from sfc.catalog.sql_rows import SqlRows

_activities = sa.Table(
    "activities",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("settings", sa.Text),
)


class SqlActivities(SqlRows):
    """Implements `ActivityShelf`."""

    def add_activity(self, activity: Activity) -> bool:
        settings = orjson.dumps(dict(activity.settings)).decode()
        with self._reached(self._engine.begin) as connection:
            try:
                values = {"name": activity.name, "created_at": activity.created_at, "settings": settings}
                connection.execute(sa.insert(_activities).values(values))
            except IntegrityError:
                connection.rollback()
                return False
        return True

    def activity(self, name: str) -> Activity | None:
        rows = self._rows(sa.select(_activities).where(_activities.c.name == name))
        return _activity(rows[0]) if rows else None

    def activities(self, after: str, limit: int) -> list[Activity]:
        wanted = sa.select(_activities).where(_activities.c.name > after).order_by(_activities.c.name).limit(limit)
        return [_activity(row) for row in self._rows(wanted)]

    def count_activities(self) -> int:
        return int(self._rows(sa.select(sa.func.count()).select_from(_activities))[0][0])

    def delete_activity(self, name: str) -> None:
        with self._reached(self._engine.begin) as connection:
            connection.execute(sa.delete(_activities).where(_activities.c.name == name))


def _activity(row: Any) -> Activity:
    return Activity(name=row.name, created_at=row.created_at, settings=orjson.loads(row.settings))
