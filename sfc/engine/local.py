"""An engine for one process that keeps nothing: `sfc run`, notebooks, tests."""

from collections.abc import Sequence

from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.engine.engine import Engine
from sfc.store.memory import MemoryStore
from sfc.tasks.aws.settings import AwsSettings
from sfc.tasks.loading import load_handlers
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner, TaskSettings


def local_engine(
    handlers: Sequence[str] = (), lambda_endpoint: str | None = None, aws: AwsSettings | None = None
) -> Engine:
    """`handlers` are modules or files with tasks; `lambda_endpoint` is where other Lambda functions are invoked, `aws`
    where other services of AWS are.

    Raises HandlersNotLoaded.
    """
    load_handlers(handlers)
    runner = JobRunner(settings=TaskSettings(lambda_endpoint=lambda_endpoint, aws=aws or AwsSettings()))
    return Engine(MemoryStore(), Catalog(MemoryShelf()), LocalDispatcher(runner))
