"""What was set about pools is kept, in memory and in a database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfc.catalog.pool_shelf import MemoryPools, PoolShelf, SqlPools
from sfc.store.schema import upgrade


@pytest.fixture(params=["memory", "sqlite"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PoolShelf]:
    if request.param == "memory":
        yield MemoryPools()
        return
    url = f"sqlite:///{tmp_path / 'sfc.db'}"
    upgrade(url)
    shelf = SqlPools(url)
    yield shelf
    shelf.close()


def test_settings_are_kept_replaced_and_forgotten(shelf: PoolShelf) -> None:
    shelf.put_pool("orders", {"max": 3, "env": {"A": "ü"}})
    shelf.put_pool("common", {"size": 4})
    assert shelf.pools() == {"orders": {"max": 3, "env": {"A": "ü"}}, "common": {"size": 4}}
    shelf.put_pool("orders", {"min": 1})
    shelf.put_pool("common", {})
    shelf.put_pool("unknown", {})
    assert shelf.pools() == {"orders": {"min": 1}}


def test_standings_are_kept_replaced_and_forgotten_together(shelf: PoolShelf) -> None:
    shelf.put_standings({"orders": {"promoted": True, "day": [1, 2]}, "billing": {"promoted": False, "day": [1, 3]}})
    assert shelf.standings()["orders"] == {"promoted": True, "day": [1, 2]}
    shelf.put_standings({"orders": {"promoted": False, "day": [2, 2]}, "billing": None, "unknown": None})
    assert shelf.standings() == {"orders": {"promoted": False, "day": [2, 2]}}
    assert shelf.pools() == {}
