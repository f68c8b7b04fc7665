"""An engine for one process that keeps nothing: `sfc run`, notebooks, tests."""

from collections.abc import Sequence

from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.engine.engine import Engine
from sfc.items.storage import Storage, StorageSettings
from sfc.store.memory import MemoryStore
from sfc.tasks.aws.settings import AwsSettings
from sfc.tasks.loading import load_handlers
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner, TaskSettings


def local_engine(
    handlers: Sequence[str] = (),
    lambda_endpoint: str | None = None,
    aws: AwsSettings | None = None,
    map_roots: Sequence[str] = (),
) -> Engine:
    """`handlers` are modules or files with tasks; `lambda_endpoint` is where other Lambda functions are invoked, `aws`
    where other services of AWS are; `map_roots` are directories that Distributed Maps may read and write.

    Raises HandlersNotLoaded.
    """
    load_handlers(handlers)
    aws = aws or AwsSettings()
    catalog = Catalog(MemoryShelf())
    settings = TaskSettings(lambda_endpoint=lambda_endpoint, aws=aws)
    runner = JobRunner(settings=settings, fetch=catalog.tasks.fetch)
    storage = storage_of(map_roots, aws)
    return Engine(MemoryStore(), catalog, LocalDispatcher(runner), storage=storage)


def storage_of(map_roots: Sequence[str], aws: AwsSettings) -> Storage:
    """Where Distributed Maps read and write: in these directories, and in S3 where that service is."""
    endpoint = aws.endpoint_of("s3")
    return Storage(StorageSettings(roots=tuple(map_roots), s3_endpoint=endpoint, region=aws.region))
