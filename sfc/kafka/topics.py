"""What the broker says of topics: their ids, their partitions, where these begin and end."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final, Literal, NamedTuple, TypeVar

from sfc.errors import NotFound, Unavailable
from sfc.kafka.clients import Clients
from sfc.kafka.making import TopicMaker
from sfc.kafka.settings import TopicSettings

T = TypeVar("T")

_ASK_S: Final = 10.0
_MISSING: Final = ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_ID")


class Topic(NamedTuple):
    name: str
    id: str
    """Another one when a topic of the same name is made again."""
    partitions: tuple[int, ...]


class Topics:
    """Asks with an admin client of its own, made when it is first needed. Calls block for up to ten seconds."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._made: Any = None

    def look(self, name: str) -> Topic:
        """Raises NotFound (TopicDoesNotExist), Unavailable."""
        from confluent_kafka import TopicCollection

        asked = self._admin().describe_topics(TopicCollection([name]), request_timeout=_ASK_S)
        found = self._answer(asked[name], name)
        return Topic(name, str(found.topic_id), tuple(sorted(each.id for each in found.partitions)))

    def offsets(self, topic: str, partitions: Sequence[int], where: Literal["earliest", "latest"]) -> dict[int, int]:
        """By partition: the offset of the first record, or behind the last one. Raises NotFound, Unavailable."""
        from confluent_kafka import TopicPartition
        from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

        made: Any = OffsetSpec
        spec = made.earliest() if where == "earliest" else made.latest()
        wanted = {TopicPartition(topic, partition): spec for partition in partitions}
        asked = self._admin().list_offsets(wanted, request_timeout=_ASK_S)
        return {each.partition: self._answer(answer, topic).offset for each, answer in asked.items()}

    def ensure(self, name: str, settings: TopicSettings) -> None:
        """Make the topic if there is none. Raises Unavailable, also when it must not be made."""
        refused = TopicMaker(self._clients).ensure(name, settings)
        if refused is not None:
            raise Unavailable(refused.cause)

    def _answer(self, answer: "Future[T]", topic: str) -> T:
        from confluent_kafka import KafkaException

        try:
            return answer.result(_ASK_S + 1)
        except KafkaException as error:
            reason = error.args[0]
            if reason.name() in _MISSING:
                raise NotFound(f"there is no topic {topic!r}", code="TopicDoesNotExist") from None
            raise Unavailable(f"topic {topic!r}: {reason.str()}") from None
        except TimeoutError:
            raise Unavailable(f"topic {topic!r}: the broker did not answer") from None

    def _admin(self) -> Any:
        if self._made is None:
            self._made = self._clients.admin()
        return self._made
