"""Where what was set about pools is kept, over what their blueprints say, and how blueprints stand."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from sfc.errors import Unavailable
from sfc.jsonvalue import Json

_metadata = sa.MetaData()
_pools = sa.Table("pools", _metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("settings", sa.Text))
_standings = sa.Table(
    "pool_standings", _metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("standing", sa.Text)
)


class PoolShelf(Protocol):
    """Settings by the name of the pool. Calls block. Raises Unavailable."""

    def pools(self) -> dict[str, dict[str, Json]]: ...

    def put_pool(self, name: str, settings: Mapping[str, Json]) -> None:
        """Keep these in the place of what was kept; none: forget it."""
        ...

    def standings(self) -> dict[str, dict[str, Json]]:
        """What the scheduler knew of blueprints, by name."""
        ...

    def put_standings(self, changed: Mapping[str, Mapping[str, Json] | None]) -> None:
        """Keep these in the place of what was kept of the same blueprints, all or none; None: forget it."""
        ...


class MemoryPools:
    def __init__(self) -> None:
        self._pools: dict[str, dict[str, Json]] = {}
        self._standings: dict[str, dict[str, Json]] = {}

    def pools(self) -> dict[str, dict[str, Json]]:
        return {name: dict(settings) for name, settings in self._pools.items()}

    def put_pool(self, name: str, settings: Mapping[str, Json]) -> None:
        if settings:
            self._pools[name] = dict(settings)
        else:
            self._pools.pop(name, None)

    def standings(self) -> dict[str, dict[str, Json]]:
        return {name: dict(standing) for name, standing in self._standings.items()}

    def put_standings(self, changed: Mapping[str, Mapping[str, Json] | None]) -> None:
        kept = {**self._standings, **changed}
        self._standings = {name: dict(standing) for name, standing in kept.items() if standing is not None}


class SqlPools:
    """In the database at `url`, whose schema is current."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)

    def pools(self) -> dict[str, dict[str, Json]]:
        with self._reached() as connection:
            return {row.name: orjson.loads(row.settings) for row in connection.execute(sa.select(_pools))}

    def put_pool(self, name: str, settings: Mapping[str, Json]) -> None:
        with self._reached() as connection:
            connection.execute(sa.delete(_pools).where(_pools.c.name == name))
            if settings:
                text = orjson.dumps(dict(settings)).decode()
                connection.execute(sa.insert(_pools).values(name=name, settings=text))

    def standings(self) -> dict[str, dict[str, Json]]:
        with self._reached() as connection:
            return {row.name: orjson.loads(row.standing) for row in connection.execute(sa.select(_standings))}

    def put_standings(self, changed: Mapping[str, Mapping[str, Json] | None]) -> None:
        rows = [
            {"name": name, "standing": orjson.dumps(dict(standing)).decode()}
            for name, standing in changed.items()
            if standing is not None
        ]
        with self._reached() as connection:
            connection.execute(
                sa.delete(_standings).where(_standings.c.name == sa.bindparam("gone")),
                [{"gone": name} for name in changed],
            )
            if rows:
                connection.execute(sa.insert(_standings), rows)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reached(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise Unavailable(f"the settings of pools cannot be reached: {error}") from error
