"""One database of the catalog: what all its shelves share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from sfc.errors import Unavailable


class SqlRows:
    """The database at `url`, whose schema is current (the store sees to that)."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)

    def close(self) -> None:
        self._engine.dispose()

    def _rows(self, statement: sa.Select[Any]) -> list[Any]:
        with self._reached(self._engine.connect) as connection:
            return list(connection.execute(statement))

    @contextmanager
    def _reached(self, connect: Callable[[], Any]) -> Iterator[sa.Connection]:
        try:
            with connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise Unavailable(f"the catalog cannot be reached: {error}") from error
