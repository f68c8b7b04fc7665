"""The workers and their pools as the API sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from actors.chronicle import Decision
from actors.overview import Overview, PoolOverview
from sfc.catalog.pool_policy import PoolPolicy
from sfc.jsonvalue import Json


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process. `running`: jobs it works on now."""

    name: str
    pool: str
    pid: int
    running: int


class Capacity(Protocol):
    """Raises Unavailable while the scheduler is away; NotFound when there is no such blueprint."""

    async def workers(self) -> Sequence[Worker]: ...

    async def overview(self) -> Overview: ...

    async def pool(self, name: str) -> PoolOverview:
        """Also of a blueprint without work."""
        ...

    async def policy(self, name: str) -> PoolPolicy: ...

    async def why(self, name: str) -> Sequence[Decision]:
        """Latest last."""
        ...

    async def set(self, name: str, settings: Mapping[str, Json], *, over: bool) -> PoolPolicy:
        """Keep these settings for the pool, over those that were set or in their place. Raises InvalidRequest."""
        ...

    async def drain(self, name: str) -> None:
        """Have new workers take the place of all there are."""
        ...
