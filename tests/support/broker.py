"""Kafka for tests: a real broker of the run's own, or the one that `SFC_TEST_KAFKA` names."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.kafka import Broker, missing


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap servers of a broker that all tests share: topics are named apart, nobody stops it."""
    named = os.environ.get("SFC_TEST_KAFKA")
    if named:
        yield named
        return
    broker = Broker(_runnable(tmp_path_factory.mktemp("kafka")))
    broker.start()
    try:
        yield broker.servers
    finally:
        broker.stop()


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Makes brokers that a test may kill and start again, with settings of its own; they end with it."""
    made: list[Broker] = []

    def make(settings: dict[str, str] | None = None) -> Broker:
        made.append(Broker(_runnable(tmp_path / f"kafka-{len(made)}"), settings=settings))
        return made[-1]

    yield make
    for broker in made:
        broker.kill()


def _runnable(data: Path) -> Path:
    lacking = missing()
    if lacking is not None:
        pytest.skip(f"no Kafka broker: {lacking}, and SFC_TEST_KAFKA names none")
    return data
