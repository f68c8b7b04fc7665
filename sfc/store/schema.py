"""Brings a database's schema up to date.

Alembic is imported only when the schema is not current, so that opening a database stays fast.
"""

import sqlite3
from typing import Final

HEAD: Final = "0011"
"""The newest revision in `migrations/versions`; a test holds it to that."""


def is_current(connection: sqlite3.Connection) -> bool:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return False
    return row is not None and row[0] == HEAD


def upgrade(url: str) -> None:
    """Run the migrations that are missing. `url` is an SQLAlchemy URL."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "sfc.store:migrations")
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, "head")
