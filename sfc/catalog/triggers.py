"""The rules of triggers over a shelf."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import RLock
from typing import Protocol

from sfc import arn as arns
from sfc.catalog.release import Alias, Release
from sfc.catalog.shelf import TriggerShelf
from sfc.catalog.version import Version
from sfc.errors import Conflict, InvalidRequest, NotFound, QuotaExceeded
from sfc.jsonvalue import Json
from sfc.limits import TRIGGERS
from sfc.triggers.trigger import Kind, Trigger, check_trigger, machine_of


class Blueprints(Protocol):
    """What triggers need to know of blueprints."""

    def get(self, name: str) -> Version: ...


class Releases(Protocol):
    def release(self, name: str, number: int) -> Release: ...

    def alias(self, name: str, alias: str) -> Alias: ...


class Triggers:
    """All triggers are kept in memory: methods that only read block once. Their `version` counts changes."""

    def __init__(
        self,
        shelf: TriggerShelf,
        blueprints: Blueprints,
        releases: Releases,
        clock: Callable[[], int],
        lock: RLock,
    ) -> None:
        """`lock` is that of the blueprints: none may be deleted while a trigger of it is made."""
        self.shelf = shelf
        self._blueprints = blueprints
        self._releases = releases
        self._clock = clock
        self._lock = lock
        self._known: dict[str, Trigger] | None = None
        self._listeners: list[Callable[[], None]] = []
        self.version = 0
        """Another one after each change: who has seen this one knows all."""

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after each change, in whatever thread makes it."""
        self._listeners.append(listener)

    def all(self) -> tuple[Trigger, ...]:
        """By name."""
        with self._lock:
            known = self._read()
            return tuple(known[name] for name in sorted(known))

    def list(self, after: str | None, limit: int) -> list[Trigger]:
        """By name, above `after`."""
        return [trigger for trigger in self.all() if trigger.name > (after or "")][:limit]

    def find(self, name: str) -> Trigger | None:
        with self._lock:
            return self._read().get(name)

    def get(self, name: str) -> Trigger:
        """Raises NotFound (TriggerDoesNotExist)."""
        found = self.find(name)
        if found is None:
            raise NotFound(f"there is no trigger {name!r}", code="TriggerDoesNotExist")
        return found

    def of(self, machine: str) -> Sequence[str]:
        """Names of the triggers that start this state machine."""
        return [trigger.name for trigger in self.all() if trigger.machine == machine]

    def put(
        self, name: str, kind: Kind, blueprint: str, settings: Mapping[str, Json], *, paused: bool | None = None
    ) -> Trigger:
        """The trigger in the place of the one of that name; the one that is there when nothing changes.

        `paused` None: as it was, and a new one is not. Raises InvalidName, InvalidArn, InvalidRequest that names the
        field, NotFound (StateMachineDoesNotExist), Conflict (TriggerKindDiffers), QuotaExceeded.
        """
        kept = {key: value for key, value in settings.items() if value is not None}
        check_trigger(name, kind, kept)
        with self._lock:
            self._check_blueprint(kind, blueprint, kept)
            before = self._read().get(name)
            now = self._clock()
            if before is None:
                if len(self._read()) >= TRIGGERS:
                    raise QuotaExceeded(f"there are {TRIGGERS} triggers already")
                made = Trigger(
                    id=0, name=name, kind=kind, blueprint=blueprint, settings=kept, paused=bool(paused),
                    created_at=now, updated_at=now,
                )  # fmt: skip
                return self._changed(self.shelf.add_trigger(made))
            if before.kind != kind:
                raise Conflict(
                    f"the trigger {name!r} is of kind {before.kind}; delete it to make one of another kind",
                    code="TriggerKindDiffers",
                )
            wanted = replace(before, blueprint=blueprint, settings=kept)
            if wanted != before:
                wanted = replace(wanted, updated_at=now)
            return self._set(before, replace(wanted, paused=before.paused if paused is None else paused))

    def pause(self, name: str, paused: bool) -> Trigger:
        """Pause or resume; nothing happens when it is so already. Raises NotFound."""
        with self._lock:
            before = self.get(name)
            return self._set(before, replace(before, paused=paused))

    def delete(self, name: str) -> Trigger:
        """Forget it, and how far it has come; what it started runs on. Raises NotFound."""
        with self._lock:
            found = self.get(name)
            self.shelf.delete_trigger(found.id)
            del self._read()[name]
            self._tell()
            return found

    def _set(self, before: Trigger, wanted: Trigger) -> Trigger:
        if wanted == before:
            return before
        self.shelf.set_trigger(wanted)
        return self._changed(wanted)

    def _changed(self, trigger: Trigger) -> Trigger:
        self._read()[trigger.name] = trigger
        self._tell()
        return trigger

    def _tell(self) -> None:
        self.version += 1
        for listener in self._listeners:
            listener()

    def _check_blueprint(self, kind: Kind, blueprint: str, settings: Mapping[str, Json]) -> None:
        """Raises NotFound, InvalidArn, InvalidRequest."""
        name = machine_of(blueprint)
        version = self._blueprints.get(name)
        if kind == "schedule" and version.kind == "EXPRESS" and settings.get("overlap", "allow") != "allow":
            raise InvalidRequest(
                f"overlap must be allow: nobody can tell whether an EXPRESS execution of {name} still runs",
                field="overlap",
            )
        qualifier = arns.parse(blueprint).name if blueprint.startswith("arn:") else ""
        if qualifier.isdecimal():
            self._releases.release(name, int(qualifier))
        elif qualifier:
            self._releases.alias(name, qualifier)

    def _read(self) -> dict[str, Trigger]:
        if self._known is None:
            self._known = {trigger.name: trigger for trigger in self.shelf.triggers()}
        return self._known
