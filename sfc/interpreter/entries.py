"""Journal entries: the facts that came from outside an execution. Everything else about it is computed from them.

`at` is UTC in milliseconds and never goes back within one execution. `task` is the number the interpreter gave a
scheduled piece of work (a task, a wait, a retry delay); with `attempt` it names exactly one expectation. An entry
that matches no open expectation changes nothing.
"""

from dataclasses import dataclass
from typing import TypeAlias

import orjson

from sfc.asl.expression import Failure

EXECUTION_TIMEOUT = 0
"""The `task` of the timer that ends the whole execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    at: int
    input: bytes
    """JSON text as the caller gave it."""
    seed: int
    """64 bits; source of every random value and uuid of this execution."""
    tasks: int = 0
    """The catalog's last change of tasks: it says what `task:NAME` means to this execution. 0: there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSucceeded:
    at: int
    task: int
    attempt: int
    output: bytes
    """JSON text."""
    began: int = 0
    """When the worker began it, UTC ms; 0 when unknown. Until then the job was queued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailed:
    at: int
    task: int
    attempt: int
    failure: Failure
    began: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSubmitted:
    """A job that is answered later was accepted: by the service that will send the token back, by the child execution
    that has started, by the activity whose queue it is in."""

    at: int
    task: int
    attempt: int
    output: bytes
    """JSON text: what the service said; empty for an activity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityStarted:
    """A worker has taken the task of an activity."""

    at: int
    task: int
    attempt: int
    worker: str | None
    """The name that the worker gave, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    at: int
    task: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """An execution that had ended unsuccessfully is to go on."""

    at: int
    client_token: str
    """What the request was told apart by; "" for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    at: int
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsRead:
    """A Map Run has read so many items, in all, and made so many children of them."""

    at: int
    task: int
    attempt: int
    children: int
    items: int
    place: bytes
    """JSON text: where its reader goes on."""
    last: bool
    """There are no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsFinished:
    """Children of a Map Run have ended, many in one entry: this is what makes each count exactly once."""

    at: int
    task: int
    attempt: int
    ends: bytes
    """`sfc.interpreter.children.encode_ends`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsWritten:
    at: int
    task: int
    attempt: int
    output: bytes
    """JSON text: the result of the Map state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRunFailed:
    """Its items could not be read or selected, or its results could not be written."""

    at: int
    task: int
    attempt: int
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRunUpdated:
    """UpdateMapRun: other limits from now on."""

    at: int
    task: int
    attempt: int
    limits: bytes
    """JSON text: [max concurrency, tolerated failure count or null, tolerated failure percentage or null]."""


EntryOfOneRunning: TypeAlias = (
    Started | TaskSucceeded | TaskFailed | TimerFired | Stopped | TaskSubmitted | ActivityStarted
    | ItemsRead | ItemsFinished | ResultsWritten | MapRunFailed | MapRunUpdated
)  # fmt: skip
Entry: TypeAlias = EntryOfOneRunning | Redriven

STARTED, TASK_SUCCEEDED, TASK_FAILED, TIMER_FIRED, STOPPED, TASK_SUBMITTED, ACTIVITY_STARTED = range(1, 8)
"""Stored codes; never renumbered."""
ITEMS_READ, ITEMS_FINISHED, RESULTS_WRITTEN, MAP_RUN_FAILED, MAP_RUN_UPDATED = range(13, 18)
REDRIVEN = 20

Stored: TypeAlias = tuple[int, int, int, int, int, bytes]
"""(kind, at, task, attempt, began, data): the columns an entry is stored in."""


def encode(entry: Entry) -> Stored:
    """An entry as columns; `data` is JSON text (the task's own output is stored as it came)."""
    match entry:
        case Started():
            return STARTED, entry.at, 0, entry.tasks, entry.seed, entry.input
        case TaskSucceeded():
            return TASK_SUCCEEDED, entry.at, entry.task, entry.attempt, entry.began, entry.output
        case TaskFailed():
            return TASK_FAILED, entry.at, entry.task, entry.attempt, entry.began, _failure(entry.failure)
        case TimerFired():
            return TIMER_FIRED, entry.at, entry.task, entry.attempt, 0, b""
        case Stopped():
            return STOPPED, entry.at, 0, 0, 0, _failure(entry.failure)
        case TaskSubmitted():
            return TASK_SUBMITTED, entry.at, entry.task, entry.attempt, 0, entry.output
        case ActivityStarted():
            return ACTIVITY_STARTED, entry.at, entry.task, entry.attempt, 0, orjson.dumps(entry.worker)
        case ItemsRead():
            read = orjson.dumps([entry.children, entry.items, entry.last, orjson.Fragment(entry.place)])
            return ITEMS_READ, entry.at, entry.task, entry.attempt, 0, read
        case ItemsFinished():
            return ITEMS_FINISHED, entry.at, entry.task, entry.attempt, 0, entry.ends
        case ResultsWritten():
            return RESULTS_WRITTEN, entry.at, entry.task, entry.attempt, 0, entry.output
        case MapRunFailed():
            return MAP_RUN_FAILED, entry.at, entry.task, entry.attempt, 0, _failure(entry.failure)
        case MapRunUpdated():
            return MAP_RUN_UPDATED, entry.at, entry.task, entry.attempt, 0, entry.limits
        case Redriven():
            return REDRIVEN, entry.at, 0, 0, 0, entry.client_token.encode()


def decode(stored: Stored) -> Entry:
    """The entry behind stored columns. Raises ValueError for a kind this version does not know."""
    kind, at, task, attempt, began, data = stored
    if kind == TASK_SUCCEEDED:
        return TaskSucceeded(at=at, task=task, attempt=attempt, output=data, began=began)
    if kind == STARTED:
        return Started(at=at, input=data, seed=began, tasks=attempt)
    if kind == TASK_FAILED:
        return TaskFailed(at=at, task=task, attempt=attempt, failure=Failure(*orjson.loads(data)), began=began)
    if kind == TIMER_FIRED:
        return TimerFired(at=at, task=task, attempt=attempt)
    if kind == STOPPED:
        return Stopped(at=at, failure=Failure(*orjson.loads(data)))
    if kind == TASK_SUBMITTED:
        return TaskSubmitted(at=at, task=task, attempt=attempt, output=data)
    if kind == ACTIVITY_STARTED:
        return ActivityStarted(at=at, task=task, attempt=attempt, worker=orjson.loads(data))
    if kind == ITEMS_READ:
        children, items, last, place = orjson.loads(data)
        return ItemsRead(
            at=at, task=task, attempt=attempt, children=children, items=items, last=last, place=orjson.dumps(place)
        )
    if kind == ITEMS_FINISHED:
        return ItemsFinished(at=at, task=task, attempt=attempt, ends=data)
    if kind == RESULTS_WRITTEN:
        return ResultsWritten(at=at, task=task, attempt=attempt, output=data)
    if kind == MAP_RUN_FAILED:
        return MapRunFailed(at=at, task=task, attempt=attempt, failure=Failure(*orjson.loads(data)))
    if kind == MAP_RUN_UPDATED:
        return MapRunUpdated(at=at, task=task, attempt=attempt, limits=data)
    if kind == REDRIVEN:
        return Redriven(at=at, client_token=data.decode())
    raise ValueError(f"unknown kind of journal entry: {kind}")


def _failure(failure: Failure) -> bytes:
    return orjson.dumps([failure.error, failure.cause])
