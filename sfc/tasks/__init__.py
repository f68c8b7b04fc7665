"""What a handler module imports: `from sfc.tasks import TaskContext, TaskError, task`."""

from sfc.tasks.context import TaskCancelled, TaskContext, TaskError
from sfc.tasks.loading import HandlersNotLoaded, load_handlers
from sfc.tasks.registry import TaskAlreadyRegistered, TaskRegistry, default_registry, task

__all__ = [
    "HandlersNotLoaded",
    "TaskAlreadyRegistered",
    "TaskCancelled",
    "TaskContext",
    "TaskError",
    "TaskRegistry",
    "default_registry",
    "load_handlers",
    "task",
]
