"""Engines for tests."""

from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.engine.engine import Engine
from sfc.store.memory import MemoryStore
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner


def memory_engine() -> Engine:
    """One that keeps nothing and does its jobs in this process."""
    return Engine(MemoryStore(), Catalog(MemoryShelf()), LocalDispatcher(JobRunner()))
