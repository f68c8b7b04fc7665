"""The topics on which services answer: the one of all tasks, and those that tasks of the catalog name.

A topic that was read once is read as long as the server runs, also when its task is deleted: executions that began
before may still wait.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from sfc.bridge.feeds import AskedTopics, Feeds
from sfc.bridge.source import Source
from sfc.engine.engine import Engine
from sfc.errors import SfcError
from sfc.kafka.results import ResultsProgram
from sfc.kafka.settings import KafkaSettings
from sfc.task_meta import TaskMeta

log = logging.getLogger(__name__)

TOPIC: Final = "results"
"""Behind the prefix."""
_LOOK_S: Final = 1.0
_AGAIN_S: Final = 5.0


class Results:
    """On the engine's loop, between the engine's `open` and its `close`."""

    def __init__(self, engine: Engine, feeds: Feeds, topics: AskedTopics, settings: KafkaSettings) -> None:
        self._engine = engine
        self._feeds = feeds
        self._topics = topics
        self._settings = settings
        self._formats: dict[str, str] = {}
        """Of the topics that are read."""
        self._keeper: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        """Follow the changes of tasks."""
        seen, trouble = -1, ""
        while True:
            delay = _LOOK_S
            try:
                last = await self._engine.consult(lambda catalog: catalog.tasks.last())
                if last != seen:
                    await self._settle()
                    seen, trouble = last, ""
            except SfcError as error:
                delay = _AGAIN_S
                if error.message != trouble:
                    trouble = error.message
                    log.warning("answers on new topics are not read yet: %s", trouble)
            except Exception:
                delay = _AGAIN_S
                log.exception("the topics of answers could not be looked at in an unforeseen way")
            await asyncio.sleep(delay)

    async def _settle(self) -> None:
        """Raises Unavailable."""
        metas = await self._engine.consult(lambda catalog: catalog.tasks.metas())
        for topic, format in topics_of(metas, self._settings.name(TOPIC)).items():
            if self._formats.get(topic) != format:
                await self._topics.ensure(topic, self._settings)
                self._read(topic, format)
                self._formats[topic] = format

    def _read(self, topic: str, format: str) -> None:
        program = ResultsProgram(format=format, kafka=self._settings)
        self._feeds.add(
            Source(
                feed=f"results:{topic}",
                name=topic,
                topic=topic,
                group=self._settings.name(TOPIC),
                kafka=self._settings,
                program=lambda _: program,
                about=format,
                idempotent=True,  # an answer that comes twice changes nothing
            )
        )


def topics_of(metas: Sequence[TaskMeta], common: str) -> Mapping[str, str]:
    """Topics of answers and the formats they are read in; `common` is that of all tasks. Where tasks differ about a
    topic, the last one counts."""
    found = {common: "json"}
    for meta in metas:
        topic = meta.settings.get("reply_to")
        if meta.kind == "kafka" and isinstance(topic, str) and topic != common:
            found[topic] = str(meta.settings.get("format") or "json")
    return found
