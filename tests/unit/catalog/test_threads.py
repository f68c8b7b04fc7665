"""Threads that change the catalog at once."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from sfc.catalog.catalog import Catalog
from sfc.catalog.memory import MemoryShelf
from sfc.errors import SfcError

PASS = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
ROUNDS = 300


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_creating_publishing_and_purging_do_not_wait_for_each_other() -> None:
    catalog = Catalog(MemoryShelf())

    def purge(name: str) -> None:
        catalog.delete(name)
        catalog.purge(name)

    def over_and_over(action: Callable[[str], object]) -> None:
        for each in range(ROUNDS):
            with suppress(SfcError):
                action(f"a{each % 3}")

    actions: list[Callable[[str], object]] = [
        lambda name: catalog.create(name, PASS, publish=True),
        catalog.releases.publish,
        purge,
    ]
    threads = [threading.Thread(target=over_and_over, args=(action,), daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
