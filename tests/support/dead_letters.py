"""A server with dead letters, and no Kafka behind it."""

from sfc.bridge.bridge import Bridge
from sfc.bridge.kafka import KafkaBridge
from sfc.bridge.readers import LocalReaders
from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.engine.engine import Engine
from sfc.kafka.record import Headers, Record, encode
from sfc.kafka.settings import KafkaSettings
from sfc.store.feeds import DeadLetter
from sfc.store.journal import Batch, Kept, Part
from sfc.store.memory import MemoryStore
from sfc.tasks.local import LocalDispatcher
from sfc.tasks.runner import JobRunner
from tests.support.outbox import FakeBroker

KAFKA = KafkaSettings.of("127.0.0.1:9092")
AT = 1_790_000_000_000


def letter(offset: int, value: bytes | None, feed: str = "1", headers: Headers = ()) -> DeadLetter:
    record = Record("orders", 0, offset, AT, b"key", value, headers)
    return DeadLetter(feed, "orders", "mQ", 0, offset, AT, "NotInFormat", "not JSON: why", encode(record))


def engine_with(*letters: DeadLetter) -> Engine:
    """The numbers of the letters begin at 1."""
    store = MemoryStore()
    lease = store.acquire(0, "before")
    assert lease is not None
    part = Part(0, lease.epoch, lease.next_position, kept=Kept(dead_letters=list(letters)))
    assert store.commit(Batch(1, "before", [part])).written
    store.release(lease)
    return Engine(store, Catalog(MemoryShelf()), LocalDispatcher(JobRunner()))


def bridge(engine: Engine) -> Bridge:
    return Bridge(engine, KafkaBridge(engine, KAFKA, LocalReaders(), FakeBroker().outbox()))
