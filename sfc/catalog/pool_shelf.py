"""Where what was set about pools is kept: one row for each, over what its blueprint says."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from sfc.errors import Unavailable
from sfc.jsonvalue import Json

_pools = sa.Table("pools", sa.MetaData(), sa.Column("name", sa.Text, primary_key=True), sa.Column("settings", sa.Text))


class PoolShelf(Protocol):
    """Settings by the name of the pool. Calls block. Raises Unavailable."""

    def pools(self) -> dict[str, dict[str, Json]]: ...

    def put_pool(self, name: str, settings: Mapping[str, Json]) -> None:
        """Keep these in the place of what was kept; none: forget it."""
        ...


class MemoryPools:
    def __init__(self) -> None:
        self._pools: dict[str, dict[str, Json]] = {}

    def pools(self) -> dict[str, dict[str, Json]]:
        return {name: dict(settings) for name, settings in self._pools.items()}

    def put_pool(self, name: str, settings: Mapping[str, Json]) -> None:
        if settings:
            self._pools[name] = dict(settings)
        else:
            self._pools.pop(name, None)


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

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reached(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise Unavailable(f"the settings of pools cannot be reached: {error}") from error
