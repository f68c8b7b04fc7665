"""Versions and tags in a database, by SQLAlchemy Core: off the hot path, the same for every database."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sfc.catalog.sql_activities import SqlActivities
from sfc.catalog.sql_releases import SqlReleases, forget_releases
from sfc.catalog.sql_tasks import SqlTasks
from sfc.catalog.sql_triggers import SqlTriggers
from sfc.catalog.version import Version

_metadata = sa.MetaData()
_blueprints = sa.Table(
    "blueprints",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger),
    sa.Column("deleting", sa.Boolean),
    sa.Column("released", sa.Integer),
)
_versions = sa.Table(
    "versions",
    _metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("number", sa.Integer),
    sa.Column("kind", sa.Text),
    sa.Column("definition", sa.Text),
    sa.Column("role_arn", sa.Text),
    sa.Column("settings", sa.Text),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("updated_at", sa.BigInteger),
    sa.Column("revision_id", sa.Text),
)
_tags = sa.Table("tags", _metadata, sa.Column("resource", sa.Text, primary_key=True), sa.Column("tags", sa.Text))
_current = sa.select(_versions, _blueprints.c.deleting).join(_blueprints, _blueprints.c.version == _versions.c.id)


class SqlShelf(SqlReleases, SqlActivities, SqlTasks, SqlTriggers):
    """The catalog in the database at `url`, whose schema is current (the store sees to that)."""

    def add(self, version: Version, first: bool) -> Version | None:
        values = {field: getattr(version, field) for field in _versions.columns.keys() if field != "id"}  # noqa: SIM118
        values["settings"] = orjson.dumps(dict(version.settings)).decode()
        with self._reached(self._engine.begin) as connection:
            try:
                id = connection.execute(sa.insert(_versions).values(values).returning(_versions.c.id)).scalar_one()
                if first:
                    connection.execute(
                        sa.insert(_blueprints).values(name=version.name, version=id, deleting=False, released=0)
                    )
                else:
                    before = sa.select(_versions.c.id).where(
                        _versions.c.name == version.name, _versions.c.number == version.number - 1
                    )
                    changed = connection.execute(
                        sa.update(_blueprints)
                        .where(_blueprints.c.name == version.name, _blueprints.c.version == before.scalar_subquery())
                        .values(version=id)
                    )
                    if not changed.rowcount:
                        connection.rollback()
                        return None
            except IntegrityError:
                connection.rollback()
                return None
        return replace(version, id=id)

    def current(self, name: str) -> tuple[Version, bool] | None:
        rows = self._rows(_current.where(_blueprints.c.name == name))
        return (_version(rows[0]), rows[0].deleting) if rows else None

    def version(self, id: int) -> Version | None:
        rows = self._rows(sa.select(_versions).where(_versions.c.id == id))
        return _version(rows[0]) if rows else None

    def mark_deleting(self, name: str) -> None:
        with self._reached(self._engine.begin) as connection:
            connection.execute(sa.update(_blueprints).where(_blueprints.c.name == name).values(deleting=True))

    def purge(self, name: str) -> None:
        with self._reached(self._engine.begin) as connection:
            connection.execute(sa.delete(_blueprints).where(_blueprints.c.name == name))
            connection.execute(sa.delete(_versions).where(_versions.c.name == name))
            connection.execute(sa.delete(_tags).where(_tags.c.resource == f"stateMachine:{name}"))
            forget_releases(connection, name)

    def deleting(self) -> list[str]:
        rows = self._rows(sa.select(_blueprints.c.name).where(_blueprints.c.deleting).order_by(_blueprints.c.name))
        return [row.name for row in rows]

    def names(self, after: str, limit: int) -> list[Version]:
        wanted = _current.where(_blueprints.c.name > after, sa.not_(_blueprints.c.deleting))
        return [_version(row) for row in self._rows(wanted.order_by(_blueprints.c.name).limit(limit))]

    def tags(self, resource: str) -> dict[str, str]:
        rows = self._rows(sa.select(_tags.c.tags).where(_tags.c.resource == resource))
        return dict(orjson.loads(rows[0].tags)) if rows else {}

    def put_tags(self, resource: str, tags: Mapping[str, str]) -> None:
        with self._reached(self._engine.begin) as connection:
            connection.execute(sa.delete(_tags).where(_tags.c.resource == resource))
            if tags:
                connection.execute(sa.insert(_tags).values(resource=resource, tags=orjson.dumps(dict(tags)).decode()))


def _version(row: Any) -> Version:
    return Version(
        id=row.id,
        name=row.name,
        number=row.number,
        kind=row.kind,
        definition=row.definition,
        role_arn=row.role_arn,
        settings=orjson.loads(row.settings),
        created_at=row.created_at,
        updated_at=row.updated_at,
        revision_id=row.revision_id,
    )
