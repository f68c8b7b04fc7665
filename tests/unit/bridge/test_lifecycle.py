"""Events of executions in topics: which, in what shape and order, and that none is missing whatever dies."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sfc.bridge import journal_reader, lifecycle
from sfc.bridge.lifecycle import Lifecycle
from sfc.catalog.events import read_events
from sfc.errors import InvalidRequest
from sfc.kafka import headers
from sfc.kafka.outbox import Message, Refused
from sfc.kafka.settings import KafkaSettings, TopicSettings
from tests.unit.bridge.outbox import FakeOutbox
from tests.unit.engine.conftest import PASS, TASK, House, until

KAFKA = KafkaSettings(servers="localhost:9092", prefix="acme", topics=TopicSettings(partitions=3))
FLOW = {
    "StartAt": "Charge",
    "States": {
        "Charge": {"Type": "Task", "Resource": "task:charge", "Next": "Done"},
        "Done": {"Type": "Pass", "End": True},
    },
}


class Publishing(House):
    """With a broker, and what publishes to it."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = FakeOutbox()
        self.lifecycle: Lifecycle

    async def begin(self) -> None:
        self.lifecycle = Lifecycle(self.engine.facts, self.outbox, KAFKA)
        self.lifecycle.open()

    async def die(self) -> None:
        """Engine and publisher are gone, and what they had not finished; others take their place."""
        await self.lifecycle.close()
        self.outbox.lose()
        await self.reopen()
        await self.begin()

    async def blueprint(self, events: Any, name: str = "flow", definition: Any = FLOW) -> None:
        await self.engine.blueprints.create(name, json.dumps(definition), settings={"events": events})

    async def idle(self) -> None:
        await until(lambda: self.lifecycle.figures().lag == 0)

    def types(self) -> list[str]:
        return [header(message, headers.CE_TYPE) for message in self.outbox.sent]


def header(message: Message, name: str) -> str:
    value = dict(message.headers)[name]
    assert value is not None
    return value.decode()


def body(message: Message) -> dict[str, Any]:
    assert isinstance(message.value, bytes)
    found: dict[str, Any] = json.loads(message.value)
    return found


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Publishing]:
    monkeypatch.setattr(journal_reader, "_IDLE_S", 0)
    monkeypatch.setattr(journal_reader, "_RETRY_FIRST_S", 0.001)
    monkeypatch.setattr(lifecycle, "_AGAIN_S", 0)
    made = Publishing()
    await made.engine.open()
    await made.begin()
    await made.engine.blueprints.create("pass", json.dumps(PASS))
    await made.engine.blueprints.create("express-pass", json.dumps(PASS), kind="EXPRESS")
    yield made
    await made.lifecycle.close()
    await made.engine.close()


async def test_how_executions_begin_and_end_is_published(house: Publishing) -> None:
    await house.blueprint("executions")
    record = await house.engine.start("flow", '{"order": 1}', "n")
    house.workers.answer(house.workers.only(), "[2]")
    await house.engine.wait(record.arn, 5)
    await house.idle()
    assert house.types() == ["sfc.execution.started", "sfc.execution.succeeded"]
    first, last = house.outbox.sent
    assert (first.topic, first.key, first.made) == ("acme.events", record.arn.encode(), KAFKA.topics)
    assert body(first) == {
        "execution": record.arn, "name": "n", "blueprint": "flow", "status": "RUNNING", "event": "ExecutionStarted",
        "id": 1, "previous": 0, "time": header(first, headers.CE_TIME), "input": {"order": 1},
    }  # fmt: skip
    assert (body(last)["status"], body(last)["output"]) == ("SUCCEEDED", [2])
    told = {name: header(first, name) for name in dict(first.headers)}
    assert told == {
        "ce_specversion": "1.0", "ce_id": f"{record.id:x}/1", "ce_source": record.machine_arn,
        "ce_type": "sfc.execution.started", "ce_time": body(first)["time"], "ce_subject": record.arn,
        "content-type": "application/json",
    }  # fmt: skip


async def test_states_are_published_where_that_is_asked_for(house: Publishing) -> None:
    await house.blueprint({"level": "states", "topic": "orders.events", "data": False})
    record = await house.engine.start("flow")
    house.workers.answer(house.workers.only())
    await house.engine.wait(record.arn, 5)
    await house.idle()
    assert house.types() == [
        "sfc.execution.started", "sfc.state.entered", "sfc.state.exited", "sfc.state.entered", "sfc.state.exited",
        "sfc.execution.succeeded",
    ]  # fmt: skip
    assert [body(message).get("state") for message in house.outbox.sent] == [
        None, "Charge", "Charge", "Done", "Done", None,
    ]  # fmt: skip
    assert {message.topic for message in house.outbox.sent} == {"orders.events"}
    assert not any({"input", "output"} & body(message).keys() for message in house.outbox.sent)
    history = {event["id"]: event for event in (await house.engine.history(record.arn)).items}
    assert all(history[body(message)["id"]]["type"] == body(message)["event"] for message in house.outbox.sent)


async def test_failures_stops_time_outs_and_redrives_are_told_apart(house: Publishing) -> None:
    await house.blueprint("executions")
    await house.blueprint("executions", "limited", {**TASK, "TimeoutSeconds": 5})
    failed = await house.engine.start("flow")
    house.workers.answer(house.workers.only(), error="Broken")
    await house.engine.wait(failed.arn, 5)
    await house.engine.redrive(failed.arn)
    await house.engine.stop(failed.arn, "Enough", "of it")
    await house.engine.start("limited")
    house.now += 6_000
    await house.engine.advance()
    await house.idle()
    assert house.types() == [
        "sfc.execution.started", "sfc.execution.failed", "sfc.execution.redriven", "sfc.execution.aborted",
        "sfc.execution.started", "sfc.execution.timed_out",
    ]  # fmt: skip
    assert body(house.outbox.sent[1])["error"] == "Broken"
    assert (body(house.outbox.sent[3])["error"], body(house.outbox.sent[3])["cause"]) == ("Enough", "of it")
    ids = [body(message)["id"] for message in house.outbox.sent[:4]]
    assert ids == sorted(set(ids))


async def test_blueprints_that_do_not_ask_publish_nothing(house: Publishing) -> None:
    await house.engine.start("pass")
    await house.engine.start("express-pass")
    await house.idle()
    assert house.outbox.sent == []


async def test_an_execution_does_what_its_own_version_says(house: Publishing) -> None:
    await house.engine.blueprints.create("flow", json.dumps(FLOW))
    quiet = await house.engine.start("flow")
    await house.engine.blueprints.update("flow", settings={"events": "executions"})
    loud = await house.engine.start("flow")
    for arn in (quiet.arn, loud.arn):
        await house.engine.stop(arn)
    await house.idle()
    assert {message.key for message in house.outbox.sent} == {loud.arn.encode()}


async def test_nothing_is_missing_when_the_publisher_dies(house: Publishing) -> None:
    await house.blueprint("states")
    record = await house.engine.start("flow")
    house.outbox.holds = True
    await until(lambda: bool(house.outbox.held))
    await house.die()
    house.workers.answer(house.workers.only())
    await until(lambda: bool(house.outbox.held))
    await house.die()
    house.outbox.holds = False
    house.outbox.let_go()
    await house.engine.wait(record.arn, 5)
    await house.idle()
    events = (await house.engine.history(record.arn)).items
    wanted = [event["id"] for event in events if event["type"].startswith("Execution") or "State" in event["type"]]
    assert [body(message)["id"] for message in house.outbox.sent] == wanted


async def test_what_is_done_is_not_published_again_by_a_successor(house: Publishing) -> None:
    await house.blueprint("executions")
    record = await house.engine.start("flow")
    await house.idle()
    await house.die()
    house.workers.answer(house.workers.only())
    await house.engine.wait(record.arn, 5)
    await house.idle()
    assert house.types() == ["sfc.execution.started", "sfc.execution.succeeded"]


async def test_executions_do_not_wait_for_a_broker_that_is_away(house: Publishing) -> None:
    await house.blueprint("executions")
    house.outbox.holds = True
    record = await house.engine.start("flow")
    house.workers.answer(house.workers.only())
    assert (await house.engine.wait(record.arn, 5)).status == "SUCCEEDED"
    assert house.lifecycle.figures().lag > 0
    await until(lambda: bool(house.outbox.held))
    house.outbox.holds = False
    house.outbox.let_go()
    await house.idle()
    assert len(house.types()) == 2


async def test_what_is_too_large_goes_without_its_data(house: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.blueprint("executions")
    monkeypatch.setattr(lifecycle, "EVENT_BYTES", 500)
    await house.engine.start("flow", json.dumps("x" * 600))
    await house.idle()
    assert body(house.outbox.sent[0])["truncated"] is True
    assert "input" not in body(house.outbox.sent[0])


async def test_a_broker_that_takes_less_gets_the_event_without_its_data(house: Publishing) -> None:
    await house.blueprint("executions")
    house.outbox.refuse = lambda message: (
        Refused("Kafka.MessageTooLarge", "too large") if len(message.value or b"") > 600 else None  # type: ignore[arg-type]
    )
    await house.engine.start("flow", json.dumps("x" * 600))
    await house.idle()
    assert body(house.outbox.sent[0])["truncated"] is True
    house.outbox.refuse = lambda _message: Refused("Kafka.MessageTooLarge", "too large")
    await house.engine.start("flow", "{}")
    await house.idle()
    assert (len(house.outbox.sent), house.lifecycle.figures().dropped) == (1, 1)


async def test_what_an_operator_can_mend_is_tried_until_it_goes(house: Publishing) -> None:
    await house.blueprint("executions")
    tries: list[Message] = []

    def forbidden(message: Message) -> Refused | None:
        tries.append(message)
        return Refused("Kafka.NotAuthorized", "no rights") if len(tries) < 4 else None

    house.outbox.refuse = forbidden
    await house.engine.start("flow")
    await house.idle()
    assert (len(tries), house.types()) == (4, ["sfc.execution.started"])


async def test_a_deleted_blueprint_stops_no_reader(house: Publishing) -> None:
    await house.blueprint("executions")
    house.outbox.holds = True
    await house.engine.start("flow")
    await until(lambda: bool(house.outbox.held))
    await house.engine.blueprints.delete("flow")
    await until(lambda: not house.catalog.deleting())
    house.outbox.holds = False
    house.outbox.let_go()
    await house.blueprint("executions", "other")
    other = await house.engine.start("other")
    await house.idle()
    assert house.outbox.sent[-1].key == other.arn.encode()


async def test_more_executions_than_are_kept_replayed_are_published_all_the_same(
    house: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_RUNS", 2)
    monkeypatch.setattr(lifecycle, "_INTERESTS", 2)
    await house.blueprint("executions")
    records = [await house.engine.start("flow", name=f"n-{number}") for number in range(6)]
    await house.idle()
    for job in list(house.workers.out.values()):
        house.workers.answer(job)
    for record in records:
        await house.engine.wait(record.arn, 5)
    await house.idle()
    assert house.types() == ["sfc.execution.started"] * 6 + ["sfc.execution.succeeded"] * 6
    assert [body(message)["id"] for message in house.outbox.sent[6:]] == [9] * 6


@pytest.mark.parametrize(
    ("events", "field"),
    [
        (5, "events"),
        ("everything", "events.level"),
        ({}, "events.level"),
        ({"level": "states", "topic": "no topic"}, "events.topic"),
        ({"level": "states", "data": "yes"}, "events.data"),
        ({"level": "states", "to": "x"}, "events.to"),
    ],
)
def test_a_setting_that_makes_no_sense_names_itself(events: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as found:
        read_events({"events": events}, "STANDARD")
    assert found.value.field == field


def test_express_executions_have_no_journal_to_publish() -> None:
    with pytest.raises(InvalidRequest) as found:
        read_events({"events": "executions"}, "EXPRESS")
    assert found.value.field == "events"
