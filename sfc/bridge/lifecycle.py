"""What happens to executions, as CloudEvents in topics: for blueprints that ask for it by their setting `events`.

The journal is read and replayed beside the engine, so nothing is written for it and no execution waits. Events of one
execution have its ARN for their key and come in order; after a crash some come again, under the same `ce_id`.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

import orjson

from sfc.bridge.journal_reader import JournalReader
from sfc.catalog.events import Events, read_events
from sfc.engine.facts import Facts
from sfc.engine.records import HistoryEvent
from sfc.interpreter import Run, step
from sfc.interpreter.entries import REDRIVEN, decode
from sfc.kafka import headers
from sfc.kafka.outbox import Message, Outbox, Receipt, Refused
from sfc.kafka.settings import KafkaSettings, TopicSettings
from sfc.limits import EVENT_BYTES
from sfc.store.journal import ExecutionRow, JournalRow

log = logging.getLogger(__name__)

READER: Final = "lifecycle"
TOPIC: Final = "events"
"""Behind the installation's prefix."""

_DATA: Final = ("input", "output")
_LASTING: Final = ("Kafka.MessageTooLarge", "Kafka.InvalidMessage")
"""Refusals that no patience changes."""
_AGAIN_S: Final = 5.0
_RUNS: Final = 1_000
"""Executions that are kept replayed: most facts of an execution come soon after each other."""
_INTERESTS: Final = 10_000
_EXECUTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "ExecutionStarted": ("started", "RUNNING"),
    "ExecutionRedriven": ("redriven", "RUNNING"),
    "ExecutionSucceeded": ("succeeded", "SUCCEEDED"),
    "ExecutionFailed": ("failed", "FAILED"),
    "ExecutionTimedOut": ("timed_out", "TIMED_OUT"),
    "ExecutionAborted": ("aborted", "ABORTED"),
}
_STATES: Final[Mapping[str, str]] = {"StateEntered": "entered", "StateExited": "exited", "StateAborted": "aborted"}


class EventFigures(NamedTuple):
    published: int = 0
    """Since this began."""
    dropped: int = 0
    """Events that the broker can never take."""
    lag: int = 0
    """Facts of the journal that were not looked at, or whose events the broker does not have yet."""


class Lifecycle:
    def __init__(self, facts: Facts, outbox: Outbox, kafka: KafkaSettings) -> None:
        self._facts = facts
        self._outbox = outbox
        self._kafka = kafka
        self._reader = JournalReader(facts, READER, self._take)
        self._interests: OrderedDict[int, tuple[ExecutionRow, Events] | None] = OrderedDict()
        self._runs: OrderedDict[int, Run] = OrderedDict()
        self._published = 0
        self._dropped = 0

    def open(self) -> None:
        """Begin where a former one ended; once the engine is open."""
        self._reader.open()

    async def close(self) -> None:
        await self._reader.close()

    def figures(self) -> EventFigures:
        return EventFigures(self._published, self._dropped, self._reader.lag)

    async def _take(self, rows: Sequence[JournalRow]) -> None:
        messages = await self._facts.compute(lambda: self.messages(rows))
        while messages:
            refused = await self._send(messages)
            self._published += len(messages) - len(refused)
            messages = [again for message, why in refused if (again := self._again(message, why)) is not None]
            if any(why.error not in _LASTING for _message, why in refused):
                await asyncio.sleep(_AGAIN_S)

    async def _send(self, messages: Sequence[Message]) -> list[tuple[Message, Refused]]:
        """Returns when the broker has all, however long that takes, but for those that it will not have."""
        refused: list[tuple[Message, Refused]] = []
        waiting = len(messages)
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(message: Message, outcome: Receipt | Refused) -> None:
            nonlocal waiting
            waiting -= 1
            if isinstance(outcome, Refused):
                refused.append((message, outcome))
            if not waiting and not over.done():
                over.set_result(None)

        for message in messages:
            self._outbox.send(message, partial(done, message))
        await over
        return refused

    def _again(self, message: Message, why: Refused) -> Message | None:
        """What to send in its place; None: it cannot be published."""
        if why.error not in _LASTING:
            log.warning("an event cannot be published on %s just now: %s", message.topic, why.cause)
            return message
        slim = without_data(message)
        if slim is None:
            log.error("an event of %r cannot be published on %s: %s", message.key, message.topic, why.cause)
            self._dropped += 1
        return slim

    def messages(self, rows: Sequence[JournalRow]) -> list[Message]:
        """The events that these facts made. Blocks."""
        made: list[Message] = []
        for row in rows:
            wanted = self._wanted(row.execution)
            if wanted is not None:
                execution, events = wanted
                run = self._run(execution, row)
                step(run, decode((row.kind, row.at, row.task, row.attempt, row.began, row.data)))
                happened, run.events = run.events or [], []
                if run.done:
                    self._runs.pop(row.execution, None)
                topic = events.topic or self._kafka.name(TOPIC)
                for event in happened:
                    message = message_of(run, event, events, topic, self._kafka.topics)
                    if message is not None:
                        made.append(message)
        return made

    def _wanted(self, id: int) -> tuple[ExecutionRow, Events] | None:
        if id not in self._interests:
            execution, wanted = self._facts.execution(id), None
            if execution is not None and execution.kind == "STANDARD":
                events = read_events(self._facts.version(execution).settings, execution.kind)
                wanted = None if events is None else (execution, events)
            self._interests[id] = wanted
            if len(self._interests) > _INTERESTS:
                self._interests.popitem(last=False)
        return self._interests[id]

    def _run(self, execution: ExecutionRow, row: JournalRow) -> Run:
        """As it was before this fact."""
        run = self._runs.pop(execution.id, None)
        if run is None or row.kind == REDRIVEN:
            run = self._facts.replayed(execution, row.position)
        self._runs[execution.id] = run
        if len(self._runs) > _RUNS:
            self._runs.popitem(last=False)
        return run


def message_of(run: Run, event: HistoryEvent, events: Events, topic: str, made: TopicSettings) -> Message | None:
    """The CloudEvent of a history event, in binary mode; None when it is not asked for."""
    what = _kind_of(str(event["type"]), events)
    if what is None:
        return None
    kind, status = what
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(timespec="milliseconds")
    body: dict[str, Any] = {
        "execution": run.info.arn,
        "name": run.info.name,
        "blueprint": run.info.machine_name,
        "status": status,
        "event": event["type"],
        "id": event["id"],
        "previous": event["previousEventId"],
        "time": at,
    }
    details: dict[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    if kind.startswith("sfc.state."):
        body["state"] = details.get("name")
    body |= {name: details[name] for name in ("error", "cause") if name in details}
    value = orjson.dumps(body)
    if events.data:
        data = {name: orjson.Fragment(details[name]) for name in _DATA if name in details}
        whole = orjson.dumps({**body, **data})
        value = whole if len(whole) <= EVENT_BYTES else orjson.dumps({**body, "truncated": True})
    told = {
        headers.CE_SPEC_VERSION: "1.0",
        headers.CE_ID: f"{run.info.id:x}/{event['id']}",
        headers.CE_SOURCE: run.info.machine_arn,
        headers.CE_TYPE: kind,
        headers.CE_TIME: at,
        headers.CE_SUBJECT: run.info.arn,
        headers.CONTENT_TYPE: "application/json",
    }
    return Message(
        topic,
        value,
        run.info.arn.encode(),
        tuple((name, text.encode()) for name, text in told.items()),
        made=made,
    )


def without_data(message: Message) -> Message | None:
    """The same event for a broker that takes no such large message; None: it has nothing to leave out."""
    assert isinstance(message.value, bytes)
    body = orjson.loads(message.value)
    if body.keys().isdisjoint(_DATA):
        return None
    slim = {name: value for name, value in body.items() if name not in _DATA}
    return message._replace(value=orjson.dumps({**slim, "truncated": True}))


def _kind_of(type: str, events: Events) -> tuple[str, str] | None:
    """The CloudEvent's type, and the status of the execution behind it."""
    if type in _EXECUTIONS:
        kind, status = _EXECUTIONS[type]
        return f"sfc.execution.{kind}", status
    if events.level == "states":
        for ending, kind in _STATES.items():
            if type.endswith(ending):
                return f"sfc.state.{kind}", "RUNNING"
    return None
