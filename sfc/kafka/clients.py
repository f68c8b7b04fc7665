"""Clients of Kafka as SFC makes them: what it promises rests on their settings, and their logs are readable.

librdkafka tells of a broker that is away many times a second, by each client and thread. Here an outage is one line
when it begins, one when its reason changes, and one when it ends.
"""

import importlib.util
import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import orjson

from sfc.errors import InvalidRequest, KafkaNotConfigured
from sfc.kafka.settings import KafkaSettings

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Producer
    from confluent_kafka.admin import AdminClient

log = logging.getLogger(__name__)
T = TypeVar("T")
Value: TypeAlias = str | int | float | bool

_STATISTICS_MS: Final = 2_000
_COMMON: Final[Mapping[str, Value]] = {
    "reconnect.backoff.max.ms": 2_000,  # back soon after a broker is; librdkafka would wait up to 10 s
    "statistics.interval.ms": _STATISTICS_MS,
    "allow.auto.create.topics": False,
}
_PRODUCER: Final[Mapping[str, Value]] = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 0,  # what waits while a request is under way makes a batch anyhow
    "message.timeout.ms": 0,  # what is accepted waits for the broker, however long it is away
}
_CONSUMER: Final[Mapping[str, Value]] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "isolation.level": "read_committed",
    "auto.offset.reset": "error",
}


class Clients:
    """Makes clients of one Kafka. Their callbacks come from whoever polls them."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self.outage = _outage_of(settings.servers)

    def producer(self, own: Mapping[str, Value] | None = None) -> "Producer":
        """Idempotent, acknowledged by all replicas. `own` goes over what SFC sets. Raises InvalidRequest for
        properties that are none, KafkaNotConfigured when the extra is not installed."""
        _need_kafka()
        from confluent_kafka import Producer

        given = self._config(own, _PRODUCER)
        return _made(lambda: Producer(given, logger=librdkafka))

    def consumer(self, group: str, own: Mapping[str, Value] | None = None) -> "Consumer":
        """Reads what is committed, keeps no offsets by itself, and says so when an offset is none instead of going
        elsewhere. Raises as `producer`."""
        _need_kafka()
        from confluent_kafka import Consumer

        given = {"group.id": group, **self._config(own, _CONSUMER)}
        return _made(lambda: Consumer(given, logger=librdkafka))

    def admin(self) -> "AdminClient":
        """Raises as `producer`."""
        _need_kafka()
        from confluent_kafka.admin import AdminClient

        given = self._config(None, {})
        return _made(lambda: AdminClient(given, logger=librdkafka))

    def check(self) -> None:
        """Raises what making a client would: a property that is none, a reference that leads nowhere. Connects to
        nothing that matters."""
        self.admin()

    def _config(self, own: Mapping[str, Value] | None, kind: Mapping[str, Value]) -> dict[str, Any]:
        """What is given wins over what is only a good default; what SFC rests on cannot be given."""
        return {
            **_COMMON,
            **kind,
            **self.settings.resolved(),
            **(own or {}),
            "error_cb": self.outage.error,
            "stats_cb": self.outage.statistics,
        }


class Outage:
    """Whether the brokers can be reached, as all clients of one process hear it. May be told from any thread."""

    def __init__(self, servers: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._servers = servers
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._reason = ""

    @property
    def on(self) -> bool:
        return self._since is not None

    def error(self, error: "KafkaError") -> None:
        """librdkafka's `error_cb`."""
        if error.name() == "_ALL_BROKERS_DOWN":
            self._begin("all connections are closed")
        elif error.name() in ("_TRANSPORT", "_RESOLVE", "_AUTHENTICATION", "_SSL"):
            self._explain(error.str())
        else:
            log.error("Kafka at %s: %s", self._servers, error.str())

    def statistics(self, text: str) -> None:
        """librdkafka's `stats_cb`: the only way to hear that all is well while nothing is sent or read."""
        if self._since is not None:
            brokers = orjson.loads(text).get("brokers", {}).values()
            if any(broker.get("state") == "UP" for broker in brokers):
                self.over()

    def over(self) -> None:
        """A broker was reached."""
        if self._since is None:
            return
        with self._lock:
            since, self._since, self._reason = self._since, None, ""
        if since is not None:
            log.warning("Kafka at %s is reached again, after %.0f s", self._servers, self._clock() - since)

    def _begin(self, reason: str) -> None:
        with self._lock:
            if self._since is not None:
                return
            self._since, self._reason = self._clock(), self._reason or reason
        log.warning("Kafka at %s cannot be reached (%s); what needs it waits", self._servers, self._reason)

    def _explain(self, text: str) -> None:
        reason = _plain(text)
        with self._lock:
            known, self._reason = self._reason, reason
            changed = self._since is not None and known != reason
        if changed:
            log.warning("Kafka at %s cannot be reached: %s", self._servers, reason)


@lru_cache(maxsize=64)
def _outage_of(servers: str) -> Outage:
    """One for all clients of this process: an outage is told once, however many there are."""
    return Outage(servers)


def _plain(text: str) -> str:
    """The reason in `127.0.0.1:9092/bootstrap: Connect to … failed: Connection refused (after 0ms in state …)`."""
    reason = text.partition(" (after ")[0].partition(": ")[2] or text
    return reason.rpartition(" failed: ")[2]


class _Unsaid(logging.Filter):
    """Leaves out what `Outage` says better, what is tried again (a broker that has just begun says "load in progress"),
    and which properties a kind of client does not use."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        passes = message.startswith(("FAIL ", "CONFWARN ")) or message.endswith(": retrying")
        return record.levelno >= logging.WARNING and not passes


librdkafka = logging.getLogger(f"{__name__}.librdkafka")
librdkafka.addFilter(_Unsaid())


def _need_kafka() -> None:
    if importlib.util.find_spec("confluent_kafka") is None:
        raise KafkaNotConfigured("Kafka needs the extra `kafka`: pip install 'service-flow-conductor[kafka]'")


def _made(make: Callable[[], T]) -> T:
    from confluent_kafka import KafkaException

    try:
        return make()
    except KafkaException as error:
        raise InvalidRequest(f"Kafka: {error.args[0].str()}", field="properties") from None
