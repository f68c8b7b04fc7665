"""Shapes of the REST API about pools."""

from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, Field

from actors.chronicle import Decision as Decided
from actors.overview import Overview, PoolOverview
from sfc.catalog.pool_policy import PoolPolicy

Settings: TypeAlias = dict[str, Any]
"""Checked by the catalog, which names the field that is wrong."""


class Policy(BaseModel):
    mode: Literal["auto", "common", "specific"]
    sla: Literal["S0", "S1", "S2", "S3"]
    min: int
    max: int
    target: int = Field(description="Jobs in flight per worker at which the pool has the right size.")
    idle_s: float = Field(description="Seconds without a job after which it shrinks to `min`.")
    queue_timeout_s: float | None = Field(
        description="Longest wait of a job in seconds, then it fails; null: as in the common pool."
    )
    size: int | None = Field(description="Fixed by hand; null: follows the load.")
    cpus: float | None = Field(description="Per worker; null: as in the common pool.")
    gpus: float
    resources: dict[str, float]
    concurrency: int | None = Field(description="Jobs at once in a worker; null: as in the common pool.")
    env: dict[str, str]


class Decision(BaseModel):
    pool: str
    at: datetime
    what: str
    why: str


class Pool(BaseModel):
    name: str
    specific: bool = Field(description="It has workers of its own; otherwise its jobs go to the common pool.")
    promoted: bool = Field(description="It has them because it is hot or of class S0.")
    wished: int = Field(description="Workers that the load asks for.")
    desired: int = Field(description="Workers that it is given of them: less when the cluster is full.")
    up: int
    starting: int
    draining: int
    pending_s: float = Field(description="How long the oldest start has taken, when it takes long; otherwise 0.")
    in_flight: int = Field(description="Jobs that workers have.")
    queued: int = Field(description="Jobs that no worker has yet.")
    arrivals_s: float = Field(description="Jobs that arrive in a second.")
    finishes_s: float
    executions_a_day: int = Field(description="In the last 24 hours.")
    expired: int = Field(description="Jobs that waited longer than `queue_timeout_s`, since the scheduler began.")
    trouble: str | None = Field(description="Why its workers die as soon as they start.")
    last: Decision | None
    policy: Policy


class Pools(BaseModel):
    items: list[Pool]
    capacity_cpus: float = Field(description="CPUs for all workers together.")
    engines: int
    scheduler_cpu_s: float = Field(description="CPU seconds that the scheduler has used.")
    decisions: list[Decision] = Field(description="The latest of all pools, latest last.")


class Decisions(BaseModel):
    items: list[Decision]


class Scale(BaseModel):
    size: int | None = Field(description="Workers; null: follow the load.")


def policy(found: PoolPolicy) -> Policy:
    return Policy(**found.to_json())


def decision(name: str, found: Decided) -> Decision:
    return Decision(pool=name, at=datetime.fromtimestamp(found.at, UTC), what=found.what, why=found.why)


def pool(found: PoolOverview) -> Pool:
    last = None if found.last is None else decision(found.name, found.last)
    return Pool(**{**found._asdict(), "last": last, "policy": Policy(**found.policy)})


def pools(found: Overview) -> Pools:
    return Pools(
        items=[pool(each) for each in found.pools],
        capacity_cpus=found.capacity_cpus,
        engines=found.engines,
        scheduler_cpu_s=found.loop_cpu_s,
        decisions=[decision(name, each) for name, each in found.decisions],
    )
