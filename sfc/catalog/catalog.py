"""Blueprints: named state machines with immutable, numbered versions."""

import time
import uuid
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Final

from sfc.arn import Partition, check_name
from sfc.catalog.activities import Activities
from sfc.catalog.binding import Bindings
from sfc.catalog.events import read_events
from sfc.catalog.group import read_group
from sfc.catalog.kafka_task import layout_of
from sfc.catalog.pool_policy import read_policy, spelled_policy
from sfc.catalog.releases import Releases
from sfc.catalog.shelf import Shelf
from sfc.catalog.tags import Tags, check_count
from sfc.catalog.tasks import Tasks
from sfc.catalog.triggers import Triggers
from sfc.catalog.version import Version, compiled
from sfc.errors import Conflict, NotFound
from sfc.jsonvalue import Json
from sfc.store.journal import Kind

_CACHED: Final = 4_096
_DELETING: Final = "StateMachineDeleting"
_SHOWN: Final = 10
"""Triggers that one message names."""


def utc_ms() -> int:
    return time.time_ns() // 1_000_000


class Catalog:
    """Rules of blueprints over a shelf. Methods block, except `get` and `version` of what was asked for before."""

    def __init__(self, shelf: Shelf, partition: Partition | None = None, clock: Callable[[], int] = utc_ms) -> None:
        self._shelf = shelf
        self._partition = partition or Partition()
        self._clock = clock
        self._lock = RLock()
        self._current: dict[str, Version] = {}
        self._versions: dict[int, Version] = {}
        self.releases = Releases(shelf, self, self._partition, clock, self._lock)
        self.tags = Tags(shelf)
        self._listeners: list[Callable[[str], None]] = []
        self.activities = Activities(shelf, self.tags, self._partition, clock)
        self.tasks = Tasks(shelf, clock)
        self.bindings = Bindings(self.tasks)
        self.triggers = Triggers(shelf, self, self.releases, clock, self._lock)

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Have `listener` called with the name of each blueprint that was created, changed or deleted, in whatever
        thread that is done.
        """
        self._listeners.append(listener)

    def create(
        self,
        name: str,
        definition: str,
        *,
        kind: Kind = "STANDARD",
        role_arn: str = "",
        settings: Mapping[str, Json] | None = None,
        tags: Mapping[str, str] | None = None,
        publish: bool = False,
        description: str | None = None,
    ) -> Version:
        """The new blueprint's first version, or the one that is there when it says the same.

        As with AWS a different role or other tags do not count as different, and are not taken over. With `publish`
        it is also release 1, with this description. Raises InvalidName, InvalidDefinition, InvalidRequest
        (`settings.pool`, `settings.group`, `settings.events`), QuotaExceeded (TooManyTags), Conflict
        (StateMachineAlreadyExists, StateMachineDeleting).
        """
        check_name(name)
        resource = f"stateMachine:{name}"
        check_count(resource, tags or {})
        wanted = {**compiled(definition, kind)[1], **(settings or {})}
        _check_settings(wanted, kind)
        with self._lock:
            now = self._clock()
            made = Version(
                id=0, name=name, number=1, kind=kind, definition=definition, role_arn=role_arn, settings=wanted,
                created_at=now, updated_at=now, revision_id="",
            )  # fmt: skip
            kept = self._shelf.add(made, first=True)
            if kept is not None:
                self._remember(kept)
                if tags:
                    self.tags.add(resource, tags)
                if publish:
                    self.releases.publish(name, description=description)
                self._tell(name)
                return kept
            found = self._shelf.current(name)
        arn = self._partition.state_machine(name)
        if found is None or found[1]:
            raise Conflict(self._being_deleted(name), code=_DELETING)
        there = found[0]
        same = (there.definition, there.kind, there.settings) == (definition, kind, wanted)
        if not same or (publish and self._first_release(there) != (description or "")):
            raise Conflict(f"State Machine Already Exists: '{arn}'", code="StateMachineAlreadyExists")
        return self._remember(there)

    def update(
        self,
        name: str,
        *,
        definition: str | None = None,
        role_arn: str | None = None,
        settings: Mapping[str, Json] | None = None,
    ) -> Version:
        """A new version, with what is not given as before; the one there is when nothing changes.

        Raises InvalidDefinition, InvalidRequest (`settings.pool`, `settings.group`, `settings.events`), NotFound.
        """
        with self._lock:
            before = self._load(name)
            text = before.definition if definition is None else definition
            spelled = compiled(text, before.kind)[1]
            wanted = before.settings if settings is None else settings
            if (text, {**spelled, **wanted}) == (before.definition, before.settings) and (
                role_arn in (None, before.role_arn)
            ):
                return before
            _check_settings({**spelled, **wanted}, before.kind)
            made = Version(
                id=0, name=name, number=before.number + 1, kind=before.kind, definition=text,
                role_arn=before.role_arn if role_arn is None else role_arn, settings={**spelled, **wanted},
                created_at=before.created_at, updated_at=self._clock(), revision_id=str(uuid.uuid4()),
            )  # fmt: skip
            kept = self._shelf.add(made, first=False)
            if kept is None:
                raise Conflict(f"The state machine {name} is being updated by somebody else", code="ConflictException")
            self._remember(kept)
            self._tell(name)
            return kept

    def get(self, name: str, *, even_deleting: bool = False) -> Version:
        """The current version. Raises NotFound (StateMachineDoesNotExist, StateMachineDeleting)."""
        found = self._current.get(name)
        return found if found is not None else self._load(name, even_deleting)

    def is_deleting(self, name: str) -> bool:
        """Whether the blueprint is deleted but not purged."""
        if name in self._current:
            return False
        found = self._shelf.current(name)
        return found is not None and found[1]

    def version(self, id: int) -> Version:
        """A version of any blueprint, also of one that is being deleted. Raises NotFound."""
        found = self._versions.get(id)
        if found is None:
            found = self._shelf.version(id)
            if found is None:
                raise NotFound(f"There is no version {id} of any state machine", code="StateMachineDoesNotExist")
            self._keep(found)
        return found

    def delete(self, name: str) -> None:
        """Nothing new of the blueprint from now on; its versions stay until `purge`.

        Raises NotFound, Conflict (StateMachineHasTriggers): what starts it is deleted first, by who knows it.
        """
        with self._lock:
            self._load(name)
            triggers = self.triggers.of(name)
            if triggers:
                raise Conflict(
                    f"State Machine Has Triggers: delete them first: {', '.join(triggers[:_SHOWN])}",
                    code="StateMachineHasTriggers",
                )
            self._shelf.mark_deleting(name)
            self._current.pop(name, None)
            self._tell(name)

    def deleting(self) -> list[str]:
        """Blueprints that are deleted but not purged."""
        return self._shelf.deleting()

    def purge(self, name: str) -> None:
        """Forget a deleted blueprint with all its versions; the name is free again."""
        with self._lock:
            self._shelf.purge(name)
            self._versions = {id: version for id, version in self._versions.items() if version.name != name}
            self.releases.forget(name)

    def list(self, after: str | None = None, limit: int = 100) -> list[Version]:
        """Current versions by name, above `after`."""
        return self._shelf.names(after or "", limit)

    def _tell(self, name: str) -> None:
        for listener in self._listeners:
            listener(name)

    def _first_release(self, version: Version) -> str | None:
        """The description of the release that was made with the blueprint, if one was."""
        try:
            first = self.releases.release(version.name, 1)
        except NotFound:
            return None
        return first.description if self.version(first.version).number == 1 else None

    def _load(self, name: str, even_deleting: bool = False) -> Version:
        with self._lock:  # so that nobody deletes it between the reading and the remembering
            found = self._shelf.current(name)
            if found is None:
                arn = self._partition.state_machine(name)
                raise NotFound(f"State Machine Does Not Exist: '{arn}'", code="StateMachineDoesNotExist")
            version, deleting = found
            if not deleting:
                return self._remember(version)
        if not even_deleting:
            raise NotFound(self._being_deleted(name), code=_DELETING)
        return version

    def _being_deleted(self, name: str) -> str:
        return f"State Machine is being deleted: '{self._partition.state_machine(name)}'"

    def _remember(self, version: Version) -> Version:
        with self._lock:
            if len(self._current) >= _CACHED:
                self._current.clear()
            self._current[version.name] = version
            self._keep(version)
        return version

    def _keep(self, version: Version) -> None:
        with self._lock:
            if len(self._versions) >= _CACHED:
                self._versions.clear()
            self._versions[version.id] = version


def _check_settings(settings: Mapping[str, Json], kind: Kind) -> None:
    """Raises InvalidRequest."""
    read_policy(spelled_policy(settings))
    _group = read_group(settings)
    _layout = layout_of(settings)
    _events = read_events(settings, kind)
