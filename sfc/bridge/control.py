"""Carries out control messages, each once: what a message asks for is written in the commit of its position.

A stop takes longer than a commit. On the control topic the message waits until all is stopped; among the records of a
trigger it pauses at its place, and what runs is stopped behind it.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from sfc.asl.expression import Failure
from sfc.bridge.source import Source
from sfc.engine.engine import Engine
from sfc.engine.intake import Asked, Obey
from sfc.engine.pauses import What
from sfc.errors import NotFound, SfcError, Unavailable
from sfc.kafka.chunk import Control, Dead
from sfc.kafka.control import Command, ControlProgram, read_command
from sfc.kafka.settings import KafkaSettings
from sfc.limits import DEAD_LETTER_DETAIL_CHARS
from sfc.store.journal import Kept
from sfc.triggers.trigger import Trigger

log = logging.getLogger(__name__)

FEED: Final = "control"
BAD_MESSAGE: Final = "BadControlMessage"


class Controls:
    def __init__(self, engine: Engine, kafka: KafkaSettings, follow: Callable[[Trigger], None]) -> None:
        """`follow` has the feed of a trigger do at once what the trigger says now."""
        self._engine = engine
        self._follow = follow
        self._kafka = kafka
        self._stopping: dict[tuple[What, str], bool] = {}
        """What is being stopped for a message that waits; True: it is done."""

    def source(self) -> Source:
        """The control topic."""
        return Source(
            feed=FEED,
            name=FEED,
            topic=self._kafka.name(FEED),
            group=self._kafka.name(FEED),
            kafka=self._kafka,
            program=lambda _topic: ControlProgram(),
            begin="latest",
            obey=partial(self.obey, waits=True),
        )

    def of_trigger(self, name: str) -> Obey:
        """For messages among the records of a trigger."""
        return partial(self.obey, trigger=name)

    def obey(self, control: Control, *, trigger: str | None = None, waits: bool = False) -> Asked:
        """What the commit of the message's position has to write besides. `waits`: Unavailable is raised until what
        the message asks for is done."""
        try:
            command = read_command(control.body, trigger)
            asked = self._do(command, waits)
        except Unavailable:
            raise
        except SfcError as error:
            return Asked(
                dead=Dead(control.first, BAD_MESSAGE, error.message[:DEAD_LETTER_DETAIL_CHARS], control.record)
            )
        log.info("control message %s: %s %s %s", command.id or "-", command.action, command.kind, command.name)
        return asked

    def _do(self, command: Command, waits: bool) -> Asked:
        if command.kind == "trigger":
            self._follow(self._engine.triggers.pause(command.name, command.action == "pause"))
            return Asked()
        pauses = self._engine.pauses
        if command.action == "resume":
            try:
                return Asked(Kept(pauses=[pauses.resume_now(command.kind, command.name, command.rate)]))
            except NotFound:  # it goes on already: what was asked for is so
                return Asked()
        kept = Kept(pauses=[pauses.pause_now(command.kind, command.name)])
        if command.action == "stop":
            self._stop(command.kind, command.name, command.id, waits)
        return Asked(kept)

    def _stop(self, kind: What, name: str, id: str, waits: bool) -> None:
        key = (kind, name)
        if key not in self._stopping:
            self._stopping[key] = False
            self._engine.errands.begin(self._stop_all(kind, name, id, waits))
        if waits and not self._stopping[key]:
            raise Unavailable(f"the {kind} {name} is being stopped")
        if waits:
            del self._stopping[key]

    async def _stop_all(self, kind: What, name: str, id: str, waits: bool) -> None:
        failure = Failure(None, f"The {kind} {name} was stopped by a control message{id and f' ({id})'}.")
        stopped, more = 0, True
        try:
            while more:
                count, more = await self._engine.errands.insist(lambda: self._engine.pauses.stop(kind, name, failure))
                stopped += count
        except SfcError as error:  # it was deleted meanwhile
            log.warning("the %s %s could not be stopped: %s", kind, name, error.message)
        log.info("stopped %d executions of the %s %s", stopped, kind, name)
        if waits:
            self._stopping[kind, name] = True
        else:
            del self._stopping[kind, name]
