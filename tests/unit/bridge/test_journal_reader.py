"""Reading the journal from where it was left."""

from collections.abc import AsyncIterator, Sequence

import pytest

from sfc.bridge import journal_reader
from sfc.bridge.journal_reader import JournalReader
from sfc.errors import Unavailable
from sfc.store.journal import JournalRow
from tests.unit.engine.conftest import House, until


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    for name in ("_IDLE_S", "_RETRY_FIRST_S", "_RETRY_MOST_S"):
        monkeypatch.setattr(journal_reader, name, 0)
    made = House()
    await made.engine.open()
    await made.engine.blueprints.create("pass", PASS_TEXT)
    yield made
    await made.engine.close()


PASS_TEXT = '{"StartAt": "Go", "States": {"Go": {"Type": "Pass", "End": true}}}'


class Taking:
    """Takes facts; fails as it is told."""

    def __init__(self, *failures: Exception) -> None:
        self.seen: list[int] = []
        self.failures = list(failures)

    async def __call__(self, rows: Sequence[JournalRow]) -> None:
        if self.failures and len(self.seen) >= 100:
            raise self.failures.pop()
        self.seen += [row.position for row in rows]


async def start(house: House, count: int) -> None:
    for _ in range(count):
        await house.engine.start("pass")


async def read(house: House, name: str, taking: Taking, count: int) -> None:
    reader = JournalReader(house.engine.facts, name, taking)
    reader.open()
    await until(lambda: len(taking.seen) == count and reader.lag == 0)
    await reader.close()


async def test_every_fact_comes_once_and_in_order_when_nothing_fails(house: House) -> None:
    await start(house, 250)
    taking = Taking()
    await read(house, "test", taking, 250)
    assert taking.seen == sorted(set(taking.seen))


async def test_facts_come_again_until_they_are_done(house: House) -> None:
    await start(house, 250)
    taking = Taking(Unavailable("away"), RuntimeError("a bug"))
    await read(house, "test", taking, 250)
    assert taking.seen == sorted(set(taking.seen))
    assert taking.failures == []


async def test_a_successor_goes_on_where_the_reader_ended(house: House) -> None:
    await start(house, 3)
    first, second, other = Taking(), Taking(), Taking()
    await read(house, "test", first, 3)
    await house.reopen()
    await start(house, 2)
    await read(house, "test", second, 2)
    await read(house, "other", other, 5)
    assert first.seen + second.seen == other.seen


async def test_what_is_forgotten_is_passed_over(house: House) -> None:
    await start(house, 3)
    await house.engine.blueprints.delete("pass")
    await until(lambda: not house.catalog.deleting())
    reader = JournalReader(house.engine.facts, "test", Taking())
    assert reader.lag == 3
    reader.open()
    await until(lambda: reader.lag == 0)
    await reader.close()


async def test_what_another_engine_has_taken_over_is_left_to_it(house: House) -> None:
    taking = Taking()
    await read(house, "test", taking, 0)
    reader = JournalReader(house.engine.facts, "test", taking)
    house.store.acquire(0, "one")  # a new epoch: what the engine holds is void
    with pytest.raises(Unavailable):
        await house.engine.start("pass")
    reader.open()
    await until(lambda: all(task.done() for task in reader._tasks))
    await reader.close()
    assert taking.seen == []
