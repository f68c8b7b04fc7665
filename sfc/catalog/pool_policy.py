"""What a pool of workers may be: the setting `pool` of a blueprint, checked.

{"mode": "specific", "sla": "S1", "min": 0, "max": 20, "target": 50, "idle_s": 60, "queue_timeout_s": 30, "cpus": 1,
 "gpus": 0, "resources": {"license": 1}, "concurrency": 200, "env": {"REGION": "eu"}}
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from sfc.checks import Check, entries, number, one_of, read, whole
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.limits import POOL_ENTRIES, POOL_IDLE_SECONDS, POOL_QUEUE_SECONDS, POOL_WORKERS, WORKER_CONCURRENCY

Mode: TypeAlias = Literal["auto", "common", "specific"]
Sla: TypeAlias = Literal["S0", "S1", "S2", "S3"]

COMMON: Final = "common"
"""Name of the pool that serves every blueprint without one of its own."""
WEIGHTS: Final[Mapping[str, int]] = {"S0": 8, "S1": 4, "S2": 2, "S3": 1}
"""Shares of a full cluster, and of a pool that several blueprints use."""
_MODES: Final = ("auto", "common", "specific")
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEXT_CHARS: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPolicy:
    mode: Mode = "auto"
    """`specific`: workers of its own; `common`: the shared ones; `auto`: its own while it is S0 or hot."""
    sla: Sla = "S2"
    min: int = 0
    max: int = 8
    target: int = 100
    """Jobs in flight per worker at which the pool is neither too small nor too large."""
    idle_s: float = 300.0
    """Without a job for so long the pool shrinks to `min`."""
    queue_timeout_s: float | None = None
    """Longest time that a job waits for a worker to begin it; then it fails with SFC.QueueTimeout. None: as in the
    common pool, where None is no limit.
    """
    size: int | None = None
    """Fixed by hand; None: follows the load."""
    cpus: float | None = None
    """Reserved per worker; None: as the common pool's."""
    gpus: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)
    concurrency: int | None = None
    """Jobs at once in one worker; None: as the common pool's."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of its workers."""

    @property
    def weight(self) -> int:
        return WEIGHTS[self.sla]

    def to_json(self) -> dict[str, Any]:
        return {key: dict(value) if isinstance(value, Mapping) else value for key, value in asdict(self).items()}


def read_policy(*layers: Mapping[str, Json], default: PoolPolicy | None = None) -> PoolPolicy:
    """The policy that the layers say, later ones over earlier ones, null for the default. Raises InvalidRequest."""
    base = default or PoolPolicy()
    given: dict[str, Any] = {}
    for layer in layers:
        found = read(_CHECKS, layer, "a pool", "pool")
        given = {key: value for key, value in given.items() if key not in layer} | found
    policy = replace(base, **given)
    if policy.min > policy.max:
        if "max" in given:
            raise InvalidRequest(
                f"pool.min is {policy.min}; it may not be above pool.max, {policy.max}", field="pool.min"
            )
        policy = replace(policy, max=policy.min)
    return policy


def spelled_policy(settings: Mapping[str, Json]) -> Mapping[str, Json]:
    """What a blueprint's settings say about its pool. Raises InvalidRequest when `pool` is no object."""
    pool = settings.get("pool")
    if pool is not None and not isinstance(pool, Mapping):
        raise InvalidRequest("pool must be an object of settings", field="pool")
    spelled: dict[str, Json] = {}
    if settings.get("pool_mode") in _MODES:
        spelled["mode"] = settings["pool_mode"]
    if settings.get("sla") in WEIGHTS:
        spelled["sla"] = settings["sla"]
    return {**spelled, **(pool or {})}


def _resources(place: str, value: Json) -> dict[str, float]:
    check = number(0, 1_000_000)
    found = {name: check(f"{place}.{name}", amount) for name, amount in _entries(place, value).items()}
    for name in found:
        if not name or name in {"CPU", "GPU", "memory"}:
            raise InvalidRequest(f"{place} names {name!r}, which is no custom resource", field=place)
    return found


def _env(place: str, value: Json) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in _entries(place, value).items():
        if not _ENV_NAME.fullmatch(name) or name.startswith("RAY_"):
            raise InvalidRequest(f"{place} has {name!r}, which is no name for a variable here", field=place)
        if not isinstance(text, str) or len(text) > _TEXT_CHARS or "\0" in text:
            raise InvalidRequest(
                f"{place}.{name} must be a text of at most {_TEXT_CHARS:,} characters", field=f"{place}.{name}"
            )
        found[name] = text
    return found


_entries = entries(POOL_ENTRIES)
_CHECKS: Final[Mapping[str, Check]] = {
    "mode": one_of(*_MODES),
    "sla": one_of(*WEIGHTS),
    "min": whole(0, POOL_WORKERS),
    "max": whole(1, POOL_WORKERS),
    "target": whole(1, WORKER_CONCURRENCY),
    "idle_s": number(1, POOL_IDLE_SECONDS),
    "queue_timeout_s": number(1, POOL_QUEUE_SECONDS),
    "size": whole(0, POOL_WORKERS),
    "cpus": number(0, 1_024),
    "gpus": number(0, 1_024),
    "resources": _resources,
    "concurrency": whole(1, WORKER_CONCURRENCY),
    "env": _env,
}
