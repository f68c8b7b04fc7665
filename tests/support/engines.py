"""Engines for tests."""

from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.engine.engine import Engine
from sfc.engine.local import storage_of
from sfc.store.memory import MemoryStore
from sfc.tasks.aws.settings import AwsSettings
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner, TaskSettings


def memory_engine(aws: AwsSettings | None = None) -> Engine:
    """One that keeps nothing and does its jobs in this process."""
    aws = aws or AwsSettings()
    catalog = Catalog(MemoryShelf())
    runner = JobRunner(settings=TaskSettings(aws=aws), fetch=catalog.tasks.fetch)
    return Engine(MemoryStore(), catalog, LocalDispatcher(runner), storage=storage_of((), aws))
