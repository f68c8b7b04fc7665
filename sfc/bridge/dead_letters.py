"""Dead letters: published on a topic of their own, listed, replayed and dropped.

They are rows of the store from the commit on that moved past them, so none is lost while the broker is away. Each is
published at least once: the row is marked when the broker has it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from sfc.bridge.feeds import AskedTopics, Feeds
from sfc.engine import tokens
from sfc.engine.engine import Engine
from sfc.engine.intake import Taken
from sfc.engine.records import Page
from sfc.errors import InvalidRequest, NotFound, SfcError, Unavailable
from sfc.kafka.chunk import Dead, Start
from sfc.kafka.clients import Clients
from sfc.kafka.record import decode
from sfc.kafka.topics import Topic
from sfc.limits import DEAD_LETTER_DAYS, DEAD_LETTERS
from sfc.store.feeds import KeptLetter
from sfc.triggers.trigger import Trigger

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

log = logging.getLogger(__name__)

TOPIC: Final = "dead-letters"
"""Behind the prefix."""
_LOOK_S: Final = 1.0
_PAGE: Final = 500
_PRUNE_EVERY: Final = 3_600
"""Looks."""
_DAY_MS: Final = 86_400_000


class DeadLetters:
    """On the engine's loop. Every method raises Unavailable while the store cannot be reached."""

    def __init__(self, engine: Engine, feeds: Feeds, clients: Clients, topics: AskedTopics) -> None:
        self._engine = engine
        self._store = engine.intake.store
        self._feeds = feeds
        self._clients = clients
        self._topics = topics
        self._under_way: set[int] = set()
        self._delivered: list[KeptLetter] = []
        self._publisher: asyncio.Task[None] | None = None

    # What people ask

    async def list(self, trigger: str | None, limit: int, token: str | None = None) -> Page[KeptLetter]:
        """Newest first; of one trigger, or of all feeds. Raises NotFound (TriggerDoesNotExist), InvalidToken."""
        question: list[object] = ["dead letters", trigger]
        before = tokens.place_of_number(token, question)
        feed = None if trigger is None else str((await self._trigger(trigger)).id)
        found = await asyncio.to_thread(self._store.dead_letters, feed, before, limit + 1)
        more = tokens.give(question, found[limit - 1].id) if len(found) > limit else None
        return Page(found[:limit], more)

    async def get(self, id: int) -> KeptLetter:
        """Raises NotFound (DeadLetterDoesNotExist)."""
        found = await asyncio.to_thread(self._store.dead_letter, id)
        if found is None:
            raise NotFound(f"there is no dead letter {id}", code="DeadLetterDoesNotExist")
        return found

    async def replay(self, id: int) -> Taken:
        """Have its trigger, as it is now, use the record again: the dead letter goes in the commit of what it starts.

        Raises NotFound for a dead letter or trigger that is gone, InvalidRequest (StillDead) when the record is of no
        use still, and what the start raises.
        """
        kept = await self.get(id)
        if not kept.letter.record:
            raise InvalidRequest("it notes that records were lost: there is nothing to replay", code="NothingToReplay")
        if not kept.letter.feed.isdecimal():
            raise InvalidRequest(f"it came to {kept.letter.topic}: send it there again", code="NothingToReplay")
        trigger = await self._trigger_of(kept)
        source = self._feeds.source_of(trigger)
        record = decode(kept.letter.record)
        program = source.program(Topic(kept.letter.topic, kept.letter.topic_id, ()))
        decision = await asyncio.to_thread(lambda: program.compile()(record))
        if isinstance(decision, Dead):
            raise InvalidRequest(f"{decision.reason}: {decision.detail}", code="StillDead")
        start = decision if isinstance(decision, Start) else None
        return await self._engine.intake.replay(kept, start, source.blueprint)

    async def drop(self, id: int) -> None:
        """Forget it. Raises NotFound."""
        await self._engine.intake.drop(await self.get(id))

    async def counts(self) -> dict[str, int]:
        """By feed."""
        return await asyncio.to_thread(self._store.count_dead_letters)

    async def triggers(self) -> dict[str, str]:
        """Names of triggers by feed."""
        found = await self._engine.consult(lambda catalog: catalog.triggers.all())
        return {str(trigger.id): trigger.name for trigger in found}

    async def _trigger(self, name: str) -> Trigger:
        return await self._engine.consult(lambda catalog: catalog.triggers.get(name))

    async def _trigger_of(self, kept: KeptLetter) -> Trigger:
        found = await self._engine.consult(lambda catalog: catalog.triggers.all())
        for trigger in found:
            if str(trigger.id) == kept.letter.feed:
                return trigger
        raise NotFound("the trigger that read this record was deleted", code="TriggerDoesNotExist")

    # Publishing

    async def open(self) -> None:
        self._publisher = asyncio.create_task(self._publish())

    async def close(self) -> None:
        if self._publisher is not None:
            self._publisher.cancel()
            await asyncio.gather(self._publisher, return_exceptions=True)

    async def _publish(self) -> None:
        producer: Producer | None = None
        looks = 0
        while True:
            try:
                if looks % _PRUNE_EVERY == 0:
                    await self._prune()
                looks += 1
                waiting = await asyncio.to_thread(self._store.unpublished, 0, _PAGE)
                new = [kept for kept in waiting if kept.id not in self._under_way]
                if new and producer is None:
                    await self._topics.ensure(self._topic, self._clients.settings)
                    producer = await asyncio.to_thread(self._clients.producer)
                if producer is not None:
                    await asyncio.to_thread(self._send, producer, new)
                    await self._mark()
            except SfcError as error:
                log.debug("dead letters wait to be published: %s", error)
            except Exception:
                log.exception("dead letters could not be published in an unforeseen way")
            await asyncio.sleep(_LOOK_S)

    @property
    def _topic(self) -> str:
        return self._clients.settings.name(TOPIC)

    def _send(self, producer: "Producer", letters: Sequence[KeptLetter]) -> None:
        """In a thread; reports of delivery come in it, too."""
        for kept in letters:
            record = decode(kept.letter.record) if kept.letter.record else None
            try:
                producer.produce(
                    self._topic,
                    key=None if record is None else record.key,
                    value=None if record is None else record.value,
                    headers=[*(() if record is None else record.headers), *_origin(kept)],
                    on_delivery=self._report(kept),
                )
            except BufferError:
                break
            self._under_way.add(kept.id)
        producer.poll(_LOOK_S if self._under_way else 0)

    def _report(self, kept: KeptLetter) -> "Callable[[KafkaError | None, Message], None]":
        def report(error: "KafkaError | None", message: "Message") -> None:
            if error is not None:  # only what no repetition would change: an outage is waited for
                log.error("dead letter %d is not on topic %s: %s", kept.id, self._topic, error.str())
            self._delivered.append(kept)

        return report

    async def _mark(self) -> None:
        delivered, self._delivered = self._delivered, []
        if not delivered:
            return
        try:
            await self._engine.intake.published(delivered)
        except Unavailable:
            self._delivered += delivered
            raise
        self._under_way.difference_update(kept.id for kept in delivered)

    async def _prune(self) -> None:
        since = self._engine.now() - DEAD_LETTER_DAYS * _DAY_MS
        await asyncio.to_thread(self._store.prune_dead_letters, DEAD_LETTERS, since)


def _origin(kept: KeptLetter) -> list[tuple[str, bytes]]:
    """Where it comes from and why it is dead, as headers beside the record's own."""
    letter = kept.letter
    facts = {
        "sfc-dead-letter": kept.id,
        "sfc-dead-reason": letter.reason,
        "sfc-dead-detail": letter.detail,
        "sfc-dead-topic": letter.topic,
        "sfc-dead-partition": letter.partition,
        "sfc-dead-offset": letter.offset,
        "sfc-dead-at": letter.at,
    }
    return [(name, str(value).encode()) for name, value in facts.items()]
