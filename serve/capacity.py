"""The workers as the API tells of them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process. `running`: jobs it works on now."""

    name: str
    pid: int
    running: int


ListWorkers: TypeAlias = Callable[[], Awaitable[Sequence[Worker]]]


async def no_workers() -> Sequence[Worker]:
    """Where handlers run in the server's own process."""
    return ()
