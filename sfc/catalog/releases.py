"""Publishing blueprints: the rules of releases and aliases, as AWS has them for versions and aliases."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import RLock
from typing import Final, Protocol

from sfc.arn import Partition
from sfc.catalog.release import Alias, Release, Route
from sfc.catalog.shelf import ReleaseShelf
from sfc.catalog.version import Version
from sfc.errors import Conflict, InvalidRequest, NotFound, QuotaExceeded
from sfc.limits import ALIASES, RELEASES

_CACHED: Final = 4_096
_WHOLE: Final = 100


class Blueprints(Protocol):
    """What publishing needs to know of blueprints."""

    def get(self, name: str) -> Version: ...


class Releases:
    """Methods block, except `release` and `alias` of what was asked for before."""

    def __init__(
        self, shelf: ReleaseShelf, blueprints: Blueprints, partition: Partition, clock: Callable[[], int], lock: RLock
    ) -> None:
        """`lock` is that of the blueprints: each of the two calls the other, and two locks would be taken in both
        orders.
        """
        self._shelf = shelf
        self._blueprints = blueprints
        self._partition = partition
        self._clock = clock
        self._lock = lock
        self._releases: dict[tuple[str, int], Release] = {}
        self._aliases: dict[tuple[str, str], Alias] = {}

    # Releases

    def publish(self, name: str, *, revision_id: str | None = None, description: str | None = None) -> Release:
        """The current version as a release: the one that there is already when nothing changed since.

        Raises NotFound, Conflict when `revision_id` is not the current one, QuotaExceeded.
        """
        with self._lock:
            version = self._blueprints.get(name)
            if revision_id is not None and revision_id != version.revision_id:
                raise Conflict(
                    f"Failed to publish the State Machine version for revision {revision_id}. "
                    f"The current State Machine revision is {version.revision_id}.",
                    code="ConflictException",
                )
            newest = self._shelf.releases(name, None, 1)
            if newest and newest[0].version == version.id:
                return newest[0]
            if self._shelf.count_releases(name) >= RELEASES:
                raise QuotaExceeded(f"A state machine has at most {RELEASES} versions: '{self._arn(name)}'")
            return self._shelf.publish(name, version.id, description or "", self._clock())

    def release(self, name: str, number: int) -> Release:
        """Raises NotFound (StateMachineDoesNotExist)."""
        found = self._releases.get((name, number))
        if found is None:
            found = self._shelf.release(name, number)
            if found is None:
                arn = f"{self._arn(name)}:{number}"
                raise NotFound(f"State Machine Does Not Exist: '{arn}'", code="StateMachineDoesNotExist")
            with self._lock:
                if len(self._releases) >= _CACHED:
                    self._releases.clear()
                self._releases[name, number] = found
        return found

    def releases(self, name: str, below: int | None = None, limit: int = 100) -> list[Release]:
        """Newest first; `below`: only smaller numbers."""
        return self._shelf.releases(name, below, limit)

    def withdraw(self, name: str, number: int) -> None:
        """Delete a release; nothing happens when there is none. Raises Conflict while an alias leads to it."""
        with self._lock:
            leading = [alias.alias for alias in self._shelf.aliases(name, "", ALIASES) if alias.leads_to(number)]
            if leading:
                raise Conflict(
                    "Version to be deleted must not be referenced by an alias. "
                    f"Current list of aliases referencing this version: [{', '.join(leading)}]",
                    code="ConflictException",
                )
            self._shelf.withdraw(name, number)
            self._releases.pop((name, number), None)

    # Aliases

    def create_alias(self, name: str, alias: str, routing: Sequence[Route], description: str | None) -> Alias:
        """The new alias, or the one that is there when it says the same.

        Raises NotFound, InvalidRequest for a routing that cannot be, Conflict, QuotaExceeded.
        """
        with self._lock:
            self._check(name, routing)
            there = self._shelf.alias(name, alias)
            if there is not None:
                if (there.routing, there.description) != (tuple(routing), description):
                    raise Conflict(
                        "Failed to create alias because an alias with the same name and a different routing "
                        "configuration already exists.",
                        code="ConflictException",
                    )
                return there
            if len(self._shelf.aliases(name, "", ALIASES)) >= ALIASES:
                raise QuotaExceeded(f"A state machine has at most {ALIASES} aliases: '{self._arn(name)}'")
            now = self._clock()
            made = Alias(
                name=name, alias=alias, description=description, routing=tuple(routing), created_at=now, updated_at=now
            )
            self._shelf.put_alias(made)
            return made

    def update_alias(
        self, name: str, alias: str, routing: Sequence[Route] | None = None, description: str | None = None
    ) -> Alias:
        """The alias with what is given changed. Raises NotFound (ResourceNotFound), InvalidRequest."""
        with self._lock:
            before = self.alias(name, alias)
            if routing is not None:
                self._check(name, routing)
            made = replace(
                before,
                routing=before.routing if routing is None else tuple(routing),
                description=before.description if description is None else description,
                updated_at=self._clock(),
            )
            self._shelf.put_alias(made)
            self._aliases.pop((name, alias), None)
            return made

    def alias(self, name: str, alias: str) -> Alias:
        """Raises NotFound (ResourceNotFound)."""
        found = self._aliases.get((name, alias))
        if found is None:
            found = self._shelf.alias(name, alias)
            if found is None:
                raise NotFound(f"State Machine Alias Does Not Exist: '{self._arn(name)}:{alias}'")
            with self._lock:
                if len(self._aliases) >= _CACHED:
                    self._aliases.clear()
                self._aliases[name, alias] = found
        return found

    def aliases(self, name: str, after: str = "", limit: int = 100) -> list[Alias]:
        """By name, above `after`. Raises NotFound when there is no such blueprint."""
        self._blueprints.get(name)
        return self._shelf.aliases(name, after, limit)

    def delete_alias(self, name: str, alias: str) -> None:
        """Raises NotFound (ResourceNotFound)."""
        with self._lock:
            self.alias(name, alias)
            self._shelf.delete_alias(name, alias)
            self._aliases.pop((name, alias), None)

    def forget(self, name: str) -> None:
        """The blueprint is gone; so is what was remembered of it."""
        with self._lock:
            self._releases = {key: release for key, release in self._releases.items() if key[0] != name}
            self._aliases = {key: alias for key, alias in self._aliases.items() if key[0] != name}

    def _check(self, name: str, routing: Sequence[Route]) -> None:
        self._blueprints.get(name)
        arns = [f"{self._arn(name)}:{route.number}" for route in routing]
        if len(set(arns)) < len(arns):
            raise InvalidRequest(
                "Routing configuration must contain distinct state machine version ARNs. "
                f"Received: [{', '.join(arns)}]",
                field="routingConfiguration",
            )
        weights = [route.weight for route in routing]
        if sum(weights) != _WHOLE:
            raise InvalidRequest(
                f"Sum of routing configuration weights must equal {_WHOLE}. Received: {weights}",
                field="routingConfiguration",
            )
        for route in routing:
            self.release(name, route.number)

    def _arn(self, name: str) -> str:
        return self._partition.state_machine(name)
