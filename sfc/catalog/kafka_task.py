"""What a task of type `kafka` says: where its jobs go, as which messages, and whether an answer comes.

{"type": "kafka", "topic": "charges", "reply": true, "reply_to": "receipts", "key": "{% $states.input.order_id %}",
 "headers": {"tenant": "a"}, "format": "json", "partitions": 12, "topic_config": {"retention.ms": "86400000"}}
"""

from collections.abc import Mapping as Members
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from sfc.checks import Check, anything, entries, one_of, read, whole
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.limits import KAFKA_HEADERS, KAFKA_PARTITIONS
from sfc.triggers.kafka import FORMATS, check_topic
from sfc.triggers.mapping import TextMapping, read_text_mapping

Layout: TypeAlias = Literal["task", "workflow", "shared"]
LAYOUTS: Final = ("task", "workflow", "shared")

_REPLICAS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaTask:
    topic: str | None = None
    """None: the layout names it."""
    layout: Layout | None = None
    """A topic for each task, for each workflow, or for all; None: what the blueprint says."""
    key: TextMapping | None = None
    """Gives the message's key of the input; None: the execution's id, so that its jobs stay in order."""
    headers: Members[str, str] = field(default_factory=dict)
    format: str = "json"
    reply: bool = False
    """The task is done when its answer comes; else when all replicas have its message."""
    reply_to: str | None = None
    """The topic of answers; None: the one of all."""
    relay: bool = False
    """The input is a record of a trigger: it is handed on byte by byte."""
    partitions: int | None = None
    replication: int | None = None
    topic_config: Members[str, str] = field(default_factory=dict)


def read_kafka_task(settings: Members[str, Json]) -> KafkaTask:
    """Raises InvalidRequest that names the field."""
    found = read(_CHECKS, settings, "a task of type kafka")
    if "topic" in found and "layout" in found:
        raise InvalidRequest("layout names a topic by itself: give a topic or a layout", field="layout")
    if "reply_to" in found and not found.get("reply"):
        raise InvalidRequest("reply_to is for tasks that are answered: reply must be true", field="reply_to")
    if found.get("relay"):
        for name in ("key", "format"):
            if name in found:
                raise InvalidRequest(f"a relayed record keeps its {name}", field=name)
    key = found.pop("key", None)
    return KafkaTask(key=None if key is None else read_text_mapping("key", key), **found)


def topic_of(task: KafkaTask, name: str, blueprint: str, settings: Members[str, Json], prefix: str) -> str:
    """Where jobs of the task of this name go that an execution of this blueprint, with these settings, sends."""
    if task.topic is not None:
        return task.topic
    own = settings.get("topic")
    match task.layout or layout_of(settings):
        case "shared":
            return f"{prefix}.jobs"
        case "workflow":
            return own if isinstance(own, str) else f"{prefix}.jobs.{blueprint}"
        case _:
            return f"{prefix}.jobs.{name}"


def layout_of(settings: Members[str, Json]) -> Layout:
    """What a blueprint's settings say of the topics of its jobs: `topics`, or that it has a `topic` of its own, or that
    its messages are `common`. Raises InvalidRequest."""
    given = settings.get("topics")
    if given is not None:
        checked: Layout = one_of(*LAYOUTS)("topics", given)
        return checked
    if settings.get("topic") is not None:
        check_topic("topic", settings["topic"])
        return "workflow"
    return "shared" if settings.get("pool_mode") == "common" else "task"


def _truth(place: str, value: Json) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequest(f"{place} must be true or false", field=place)
    return value


def _texts(place: str, value: Json) -> Members[str, str]:
    found: Members[str, str] = entries(KAFKA_HEADERS)(place, value)
    for name, each in found.items():
        if not name or not isinstance(each, str):
            raise InvalidRequest(f"{place}.{name} must be a text", field=place)
    return found


_CHECKS: Final[dict[str, Check]] = {
    "topic": check_topic,
    "layout": one_of(*LAYOUTS),
    "key": anything,
    "headers": _texts,
    "format": one_of(*FORMATS),
    "reply": _truth,
    "reply_to": check_topic,
    "relay": _truth,
    "partitions": whole(1, KAFKA_PARTITIONS),
    "replication": whole(1, _REPLICAS),
    "topic_config": _texts,
}
