"""Puts an engine together: store, catalog and what carries its jobs."""

from collections.abc import Callable
from pathlib import Path

from actors.clients import SchedulerClient
from actors.exchange import RayDispatcher
from actors.scheduler import SchedulerSettings, connect_scheduler
from actors.worker import WorkerOptions
from serve.pools import Pools
from serve.settings import Settings
from sfc.arn import Partition
from sfc.catalog.catalog import Catalog
from sfc.catalog.pool_policy import PoolPolicy
from sfc.catalog.pool_shelf import SqlPools
from sfc.catalog.sql import SqlShelf
from sfc.engine.engine import Engine
from sfc.engine.local import storage_of
from sfc.store.journal import Store
from sfc.store.sqlite import SqliteStore
from sfc.tasks import load_handlers
from sfc.tasks.job import Dispatcher
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.mocks import read_mocks
from sfc.tasks.runner import JobRunner, TaskSettings

_PARTITION = Partition()
_CPUS_OF_ALL_WORKERS = 8.0
"""Half of the logical CPUs that the head has: the rest is for the engine and whatever else runs there."""


def ray_engine(settings: Settings) -> tuple[Engine, Pools]:
    """An engine whose jobs are done by the workers of the cluster that this process has joined, and their pools."""
    store, catalog = _stored(settings)
    scheduler = start_scheduler(settings)
    dispatcher = RayDispatcher(scheduler, fetch=catalog.tasks.fetch)
    common = PoolPolicy(mode="common", min=settings.workers, max=settings.workers)
    pools = Pools(scheduler, catalog, SqlPools(_url(settings)), common, dispatcher.dedicate)
    return _engine(settings, store, catalog, dispatcher, dispatcher.admit), pools


def start_scheduler(settings: Settings) -> SchedulerClient:
    """The cluster's scheduler with its pool of workers; started now if it is not there yet."""
    options = WorkerOptions(
        handlers=settings.handlers,
        lambda_endpoint=settings.lambda_endpoint,
        aws=settings.aws,
        cpus=min(1.0, _CPUS_OF_ALL_WORKERS / settings.workers),
    )
    return connect_scheduler(
        SchedulerSettings(size=settings.workers, worker=options, headroom_cpus=settings.headroom_cpus)
    )


def local_engine(settings: Settings) -> Engine:
    """An engine whose jobs are done in this process. Raises HandlersNotLoaded."""
    load_handlers(settings.handlers)
    store, catalog = _stored(settings)
    given = TaskSettings(lambda_endpoint=settings.lambda_endpoint, aws=settings.aws)
    dispatcher = LocalDispatcher(JobRunner(settings=given, fetch=catalog.tasks.fetch))
    return _engine(settings, store, catalog, dispatcher, dispatcher.admit)


def _url(settings: Settings) -> str:
    return f"sqlite:///{settings.database}"


def _stored(settings: Settings) -> tuple[Store, Catalog]:
    store = SqliteStore(settings.database)  # brings the schema up to date, which the catalog relies on
    return store, Catalog(SqlShelf(_url(settings)), _PARTITION)


def _engine(
    settings: Settings, store: Store, catalog: Catalog, dispatcher: Dispatcher, admit: Callable[[str], None]
) -> Engine:
    mocks = None if settings.mocks is None else read_mocks(Path(settings.mocks).read_text(encoding="utf-8"))
    storage = storage_of(settings.map_files, settings.aws)
    return Engine(store, catalog, dispatcher, partition=_PARTITION, mocks=mocks, storage=storage, admit=admit)
