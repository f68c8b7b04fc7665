"""Tags: short notes on a resource, kept for whoever looks for them; they change nothing."""

from collections.abc import Iterable, Mapping
from threading import RLock

from sfc.catalog.shelf import TagShelf
from sfc.errors import QuotaExceeded
from sfc.limits import TAGS


class Tags:
    """By resource: the last two parts of its ARN, `stateMachine:orders` or `activity:pack`. Methods block."""

    def __init__(self, shelf: TagShelf) -> None:
        self._shelf = shelf
        self._lock = RLock()

    def of(self, resource: str) -> dict[str, str]:
        return self._shelf.tags(resource)

    def add(self, resource: str, tags: Mapping[str, str]) -> None:
        """Tags with new keys are added, the others change their value. Raises QuotaExceeded (TooManyTags)."""
        with self._lock:
            together = {**self._shelf.tags(resource), **tags}
            check_count(resource, together)
            self._shelf.put_tags(resource, together)

    def remove(self, resource: str, keys: Iterable[str]) -> None:
        """Keys that it does not have are no error."""
        gone = set(keys)
        with self._lock:
            kept = {key: value for key, value in self._shelf.tags(resource).items() if key not in gone}
            self._shelf.put_tags(resource, kept)

    def forget(self, resource: str) -> None:
        """The resource is gone."""
        with self._lock:
            self._shelf.put_tags(resource, {})


def check_count(resource: str, tags: Mapping[str, str]) -> None:
    """Raises QuotaExceeded (TooManyTags)."""
    if len(tags) > TAGS:
        raise QuotaExceeded(f"A resource has at most {TAGS} tags: '{resource}'", code="TooManyTags", field="tags")
