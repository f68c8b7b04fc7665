"""Topics that are made when they are first needed."""

import logging
from typing import TYPE_CHECKING, Any, Final

from sfc.errors import Unavailable
from sfc.kafka.clients import Clients
from sfc.kafka.outbox import Fault, Refused, refusal, unknown
from sfc.kafka.settings import TopicSettings

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

log = logging.getLogger(__name__)

_ASK_S: Final = 10.0
_MADE_S: Final = 15.0
_MISSING: Final = ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_ID")
_WRONG: Final = (
    "INVALID_REPLICATION_FACTOR", "INVALID_PARTITIONS", "INVALID_CONFIG", "INVALID_REPLICA_ASSIGNMENT",
    "POLICY_VIOLATION", "INVALID_TOPIC_EXCEPTION", "INVALID_REQUEST", "_INVALID_ARG",
)  # fmt: skip


class TopicMaker:
    """Implements `Maker`. Several may make the same topic at once: one of them does, and all find it."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._admin: AdminClient | None = None

    def ensure(self, topic: str, made: TopicSettings | None) -> Refused | None:
        """The topic is there when this gives None. Blocks, for up to half a minute. Raises Unavailable."""
        there = self._look(topic)
        if there is None or there.error != unknown(topic).error or made is None:
            return there
        return self._make(topic, made)

    def _look(self, topic: str) -> Refused | None:
        from confluent_kafka import TopicCollection

        asked = self._client().describe_topics(TopicCollection([topic]), request_timeout=_ASK_S)
        fault = _fault_of(asked[topic], _ASK_S)
        if fault is None:
            return None
        if fault.name in _MISSING:
            return unknown(topic)
        return self._refused(topic, fault)

    def _make(self, topic: str, made: TopicSettings) -> Refused | None:
        from confluent_kafka.cimpl import NewTopic

        new = NewTopic(topic, made.partitions, made.replication, config=dict(made.config))
        asked = self._client().create_topics([new], operation_timeout=_ASK_S, request_timeout=_MADE_S)
        fault = _fault_of(asked[topic], _MADE_S)
        if fault is None:
            log.info("made the topic %s with %d partitions", topic, made.partitions)
            return None
        if fault.name == "TOPIC_ALREADY_EXISTS":
            return None
        if fault.name in _WRONG:
            return Refused("Kafka.TopicNotMade", f"The topic {topic!r} cannot be made: {fault.text}")
        return self._refused(topic, fault)

    def _refused(self, topic: str, fault: Fault) -> Refused:
        refused = refusal(fault)
        if refused is None:
            raise Unavailable(f"topic {topic!r}: {fault.text}")
        return Refused(refused.error, f"topic {topic!r}: {refused.cause}")

    def _client(self) -> "AdminClient":
        if self._admin is None:
            self._admin = self._clients.admin()
        return self._admin


def _fault_of(answer: Any, within_s: float) -> Fault | None:
    from confluent_kafka import KafkaException

    try:
        answer.result(within_s + 1)
    except KafkaException as error:
        return Fault(error.args[0].name(), error.args[0].str())
    except TimeoutError:
        return Fault("_TIMED_OUT", "the broker did not answer")
    return None
