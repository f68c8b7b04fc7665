"""The producer: one for all messages, idempotent, polled in a thread of its own."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from sfc.kafka.clients import Clients
from sfc.kafka.outbox import Fault, Full, Message, Receipt

if TYPE_CHECKING:
    from confluent_kafka import KafkaError
    from confluent_kafka import Message as Record

log = logging.getLogger(__name__)

_POLL_S: Final = 0.2
_FLUSH_S: Final = 2.0

_Delivered = Callable[[Receipt | Fault], None]


class KafkaSender:
    """Implements `Sender`. `send` and `close` belong to the event loop that it was made on."""

    def __init__(self, clients: Clients) -> None:
        """Raises InvalidRequest, KafkaNotConfigured, SecretUnavailable."""
        self._clients = clients
        self._loop = asyncio.get_running_loop()
        self._producer = clients.producer()
        self._news: deque[tuple[_Delivered, Receipt | Fault]] = deque()
        self._told = threading.Event()
        self._closed = self._spoilt = False
        self._thread = threading.Thread(target=self._poll, name="kafka-sender", daemon=True)
        self._thread.start()

    def send(self, message: Message, value: bytes | None, delivered: _Delivered) -> None:
        from confluent_kafka import KafkaException

        try:
            self._producer.produce(
                message.topic,
                value,
                message.key,
                message.partition,
                headers=list(message.headers),
                on_delivery=partial(self._report, delivered),
            )
        except BufferError:
            raise Full from None
        except KafkaException as error:
            self._report(delivered, error.args[0], None)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._producer.flush(_FLUSH_S)
        self._closed = True
        self._thread.join()
        self._producer.purge()

    def _poll(self) -> None:
        while not self._closed:
            self._producer.poll(_POLL_S)
            if self._spoilt:
                self._renew()

    def _renew(self) -> None:
        """The broker and the producer do not agree any more on what was sent: begin again with another one. What the
        old one had is reported, and comes again."""
        old, self._producer, self._spoilt = self._producer, self._clients.producer(), False
        log.warning("the producer was given up after a fatal error; another one goes on")
        old.purge()
        old.flush(_FLUSH_S)

    def _report(self, delivered: _Delivered, error: "KafkaError | None", record: "Record | None") -> None:
        """In the thread that polls, or in the loop's."""
        if error is not None:
            if error.fatal() or error.name() == "_FATAL":
                self._spoilt = True
            outcome: Receipt | Fault = Fault(error.name(), error.str())
        else:
            assert record is not None
            outcome = Receipt(record.topic() or "", record.partition() or 0, record.offset() or 0)
            self._clients.outage.over()
        self._news.append((delivered, outcome))
        if not self._told.is_set():
            self._told.set()
            try:
                self._loop.call_soon_threadsafe(self._tell)
            except RuntimeError:  # the loop is gone, and whoever waited with it
                self._closed = True

    def _tell(self) -> None:
        self._told.clear()
        while self._news:
            delivered, outcome = self._news.popleft()
            delivered(outcome)
