"""Releases and aliases in a database, by SQLAlchemy Core."""

from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sfc.catalog.release import Alias, Release, Route
from sfc.catalog.sql_rows import SqlRows
from sfc.errors import Conflict

_metadata = sa.MetaData()
_blueprints = sa.Table(
    "blueprints", _metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("released", sa.Integer)
)
_releases = sa.Table(
    "releases",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("version", sa.BigInteger),
    sa.Column("description", sa.Text),
    sa.Column("created_at", sa.BigInteger),
)
_aliases = sa.Table(
    "aliases",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("alias", sa.Text, primary_key=True),
    sa.Column("description", sa.Text),
    sa.Column("routing", sa.Text),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("updated_at", sa.BigInteger),
)


class SqlReleases(SqlRows):
    """Implements `ReleaseShelf`."""

    def publish(self, name: str, version: int, description: str, now: int) -> Release:
        with self._reached(self._engine.begin) as connection:
            number = connection.execute(
                sa.update(_blueprints)
                .where(_blueprints.c.name == name)
                .values(released=_blueprints.c.released + 1)
                .returning(_blueprints.c.released)
            ).scalar_one()
            made = Release(name=name, number=number, version=version, description=description, created_at=now)
            values = {column: getattr(made, column) for column in ("name", "number", "version", "description")}
            connection.execute(sa.insert(_releases).values(**values, created_at=now))
        return made

    def release(self, name: str, number: int) -> Release | None:
        rows = self._rows(sa.select(_releases).where(_releases.c.name == name, _releases.c.number == number))
        return _release(rows[0]) if rows else None

    def releases(self, name: str, below: int | None, limit: int) -> list[Release]:
        wanted = sa.select(_releases).where(_releases.c.name == name)
        if below is not None:
            wanted = wanted.where(_releases.c.number < below)
        return [_release(row) for row in self._rows(wanted.order_by(_releases.c.number.desc()).limit(limit))]

    def count_releases(self, name: str) -> int:
        rows = self._rows(sa.select(sa.func.count().label("count")).where(_releases.c.name == name))
        return int(rows[0][0])

    def withdraw(self, name: str, number: int) -> None:
        with self._reached(self._engine.begin) as connection:
            connection.execute(sa.delete(_releases).where(_releases.c.name == name, _releases.c.number == number))

    def put_alias(self, alias: Alias) -> None:
        routing = orjson.dumps([[route.number, route.weight] for route in alias.routing]).decode()
        with self._reached(self._engine.begin) as connection:
            connection.execute(_delete_alias(alias.name, alias.alias))
            try:
                connection.execute(
                    sa.insert(_aliases).values(
                        name=alias.name,
                        alias=alias.alias,
                        description=alias.description,
                        routing=routing,
                        created_at=alias.created_at,
                        updated_at=alias.updated_at,
                    )
                )
            except IntegrityError:
                connection.rollback()
                raise Conflict(f"The alias {alias.alias} is being changed by somebody else") from None

    def alias(self, name: str, alias: str) -> Alias | None:
        rows = self._rows(sa.select(_aliases).where(_aliases.c.name == name, _aliases.c.alias == alias))
        return _alias(rows[0]) if rows else None

    def aliases(self, name: str, after: str, limit: int) -> list[Alias]:
        wanted = sa.select(_aliases).where(_aliases.c.name == name, _aliases.c.alias > after)
        return [_alias(row) for row in self._rows(wanted.order_by(_aliases.c.alias).limit(limit))]

    def delete_alias(self, name: str, alias: str) -> None:
        with self._reached(self._engine.begin) as connection:
            connection.execute(_delete_alias(name, alias))


def forget_releases(connection: sa.Connection, name: str) -> None:
    """Delete the releases and aliases of a blueprint."""
    connection.execute(sa.delete(_releases).where(_releases.c.name == name))
    connection.execute(sa.delete(_aliases).where(_aliases.c.name == name))


def _delete_alias(name: str, alias: str) -> sa.Delete:
    return sa.delete(_aliases).where(_aliases.c.name == name, _aliases.c.alias == alias)


def _release(row: Any) -> Release:
    return Release(
        name=row.name,
        number=row.number,
        version=row.version,
        description=row.description,
        created_at=row.created_at,
    )


def _alias(row: Any) -> Alias:
    return Alias(
        name=row.name,
        alias=row.alias,
        description=row.description,
        routing=tuple(Route(*route) for route in orjson.loads(row.routing)),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
