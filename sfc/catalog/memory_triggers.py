"""Triggers in memory: nothing outlives the process."""

from collections.abc import Mapping
from dataclasses import replace

from sfc.triggers.trigger import Progress, Trigger


class MemoryTriggers:
    """Implements `TriggerShelf`."""

    def __init__(self) -> None:
        self._triggers: dict[int, Trigger] = {}
        self._progress: dict[int, Progress] = {}
        self._last_trigger = 0

    def triggers(self) -> list[Trigger]:
        return list(self._triggers.values())

    def add_trigger(self, trigger: Trigger) -> Trigger:
        self._last_trigger += 1
        kept = self._triggers[self._last_trigger] = replace(trigger, id=self._last_trigger)
        return kept

    def set_trigger(self, trigger: Trigger) -> None:
        self._triggers[trigger.id] = trigger

    def delete_trigger(self, id: int) -> None:
        self._triggers.pop(id, None)
        self._progress.pop(id, None)

    def progress(self) -> dict[int, Progress]:
        return dict(self._progress)

    def put_progress(self, progress: Mapping[int, Progress]) -> None:
        self._progress.update({id: each for id, each in progress.items() if id in self._triggers})
