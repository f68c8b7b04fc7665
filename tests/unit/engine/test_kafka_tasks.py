"""Tasks that are messages: sent after the commit, once more after a crash, answered by whoever has their token."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sfc.engine.engine import Engine
from sfc.engine.intake import Taken
from sfc.engine.kafka_tasks import Kafka
from sfc.engine.records import ExecutionRecord
from sfc.errors import Overloaded, Unavailable
from sfc.kafka.chunk import Answer, Chunk
from sfc.kafka.formats import Formats
from sfc.kafka.jobs import Messages
from sfc.kafka.settings import KafkaSettings
from sfc.limits import KAFKA_WAITING_MESSAGES
from sfc.store.feeds import Place
from sfc.task_meta import TaskMeta
from tests.support.outbox import FakeBroker
from tests.unit.engine.conftest import House, until

FEED = Place("results", "id", 0)


class Bridged:
    """A house whose engine sends by a broker of the test's own."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.broker = FakeBroker()
        self.broker.topics["jobs"] = None
        self.outbox = self.broker.outbox()
        self.read = 0
        self.bridge(house.engine)

    def bridge(self, engine: Engine) -> None:
        engine.use_kafka(Kafka(Messages(KafkaSettings.of("a:9092"), Formats()), self.outbox))

    @property
    def engine(self) -> Engine:
        return self.house.engine

    async def start(self, resource: str, input: Any = None, name: str = "a", **more: Any) -> ExecutionRecord:
        state = {"Type": "Task", "Resource": resource, "End": True, **more}
        machine = json.dumps({"StartAt": "Ask", "States": {"Ask": state}})
        await self.engine.blueprints.create("ask", machine)
        return await self.engine.start("ask", json.dumps(input), name)

    async def crash(self) -> None:
        """Another engine takes over, and another broker's connection."""
        await self.engine.close()
        await self.outbox.close()
        self.broker.sent.clear()
        self.broker._delivered.clear()
        self.outbox = self.broker.outbox()
        self.house.engine = self.house.make()
        self.bridge(self.house.engine)
        await self.house.engine.open()

    async def sent(self) -> dict[str, str]:
        """The headers of the only message that waits, its value as `value` and its key as `key`."""
        await until(lambda: bool(self.broker.sent))
        [(message, value)] = self.broker.sent
        found = {name: (each or b"").decode() for name, each in message.headers}
        return {**found, "topic": message.topic, "value": (value or b"").decode(), "key": (message.key or b"").decode()}

    async def answer(self, **answer: Any) -> Taken:
        """What a reader of the topic of answers makes of one record."""
        if not self.engine.intake.positions(FEED.feed):
            await self.engine.intake.begin({FEED: self.read})
        given = Answer(self.read, answer.pop("token", None), answer.pop("key", None), **answer)
        chunk = Chunk("results", "sfc.results", "id", 0, self.read, self.read + 1, [given], 1, self.read + 1)
        self.read += 1
        return await self.engine.intake.take(chunk)

    async def ended(self, record: ExecutionRecord) -> ExecutionRecord:
        found = await self.engine.wait(record.arn, 5)
        assert found.status != "RUNNING"
        return found

    async def types(self, record: ExecutionRecord) -> list[str]:
        return [str(event["type"]) for event in (await self.engine.history(record.arn)).items]


@pytest.fixture
async def bridged(house: House) -> AsyncIterator[Bridged]:
    made = Bridged(house)
    yield made
    await made.outbox.close()


async def test_a_task_that_nobody_answers_is_done_when_all_replicas_have_its_message(bridged: Bridged) -> None:
    record = await bridged.start("kafka:jobs", {"order": 1})
    sent = await bridged.sent()
    assert (sent["topic"], sent["value"]) == ("jobs", '{"order":1}')
    assert "sfc-task-token" not in sent
    assert bridged.engine.stats()["jobs"] == 1
    bridged.broker.acknowledge()
    found = await bridged.ended(record)
    assert found.status == "SUCCEEDED"
    assert json.loads(found.output or "") == {"topic": "jobs", "partition": 0, "offset": 0}
    types = await bridged.types(record)
    assert types[2:6] == ["TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited"]


async def test_nothing_is_sent_before_it_is_written(bridged: Bridged) -> None:
    def fail(_: object) -> None:
        raise Unavailable("disk full")

    bridged.house.store.fail = fail
    with pytest.raises(Unavailable):
        await bridged.start("kafka:jobs")
    assert bridged.outbox.waiting == 0
    bridged.house.store.fail = lambda _: None


async def test_a_task_that_is_answered_waits_for_its_answer_by_token(bridged: Bridged) -> None:
    record = await bridged.start("kafka:jobs.waitForTaskToken", 1)
    sent = await bridged.sent()
    assert sent["sfc-reply-to"] == "sfc.results"
    bridged.broker.acknowledge()
    await bridged.engine.advance()
    assert bridged.engine.stats()["jobs"] == 0
    taken = await bridged.answer(token=sent["sfc-task-token"], output=b'{"paid":true}')
    assert (taken.answers, taken.strays) == (1, 0)
    found = await bridged.ended(record)
    assert (found.status, found.output) == ("SUCCEEDED", '{"paid":true}')
    assert "TaskSubmitted" in await bridged.types(record)


async def test_an_answer_by_idempotency_key_may_come_before_the_broker_acknowledged_the_job(bridged: Bridged) -> None:
    record = await bridged.start("kafka:jobs.waitForTaskToken", 1)
    sent = await bridged.sent()
    await bridged.answer(key=sent["idempotency-key"], output=b"2")
    assert (await bridged.ended(record)).output == "2"
    bridged.broker.acknowledge()
    assert bridged.outbox.waiting == 0


async def test_a_key_answers_no_task_that_is_not_answered_by_messages(bridged: Bridged) -> None:
    """It is in the headers of every HTTP request, so it proves nothing."""
    record = await bridged.engine.start("task")
    key = bridged.house.workers.only().key
    assert (await bridged.answer(key=key, output=b"1")).strays == 1
    sending = await bridged.start("kafka:jobs", name="b")
    sent = await bridged.sent()
    assert (await bridged.answer(key=sent["idempotency-key"], output=b"1")).strays == 1
    for each in (record, sending):
        assert (await bridged.engine.describe(each.arn)).status == "RUNNING"


async def test_answers_that_come_twice_or_too_late_change_nothing(bridged: Bridged) -> None:
    record = await bridged.start("kafka:jobs.waitForTaskToken", 1)
    sent = await bridged.sent()
    bridged.broker.acknowledge()
    await bridged.answer(token=sent["sfc-task-token"], error="Declined", cause="no money")
    again = await bridged.answer(token=sent["sfc-task-token"], output=b"1")
    assert (again.answers, again.strays) == (0, 1)
    found = await bridged.ended(record)
    assert (found.status, found.error, found.cause) == ("FAILED", "Declined", "no money")
    assert (await bridged.answer(token="made up", output=b"1")).strays == 1


async def test_a_retry_is_another_job_under_another_key(bridged: Bridged) -> None:
    retry = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1}]
    record = await bridged.start("kafka:jobs.waitForTaskToken", 1, Retry=retry)
    first = await bridged.sent()
    bridged.broker.acknowledge()
    await bridged.answer(token=first["sfc-task-token"], error="Busy")
    bridged.house.now += 1_000
    await bridged.engine.advance()
    second = await bridged.sent()
    assert first["idempotency-key"] != second["idempotency-key"]
    assert first["key"] == second["key"]
    bridged.broker.acknowledge()
    assert (await bridged.answer(token=first["sfc-task-token"], output=b"1")).strays == 1
    await bridged.answer(token=second["sfc-task-token"], output=b"2")
    assert (await bridged.ended(record)).output == "2"


async def test_after_a_crash_a_job_that_was_not_acknowledged_is_sent_again_under_the_same_key(bridged: Bridged) -> None:
    record = await bridged.start("kafka:jobs.waitForTaskToken", 1)
    first = await bridged.sent()
    await bridged.crash()
    second = await bridged.sent()
    same = ("idempotency-key", "sfc-task-token", "traceparent", "key", "value")
    assert [first[name] for name in same] == [second[name] for name in same]
    bridged.broker.acknowledge()
    await bridged.engine.advance()
    await bridged.crash()
    await bridged.engine.advance()
    assert bridged.broker.sent == []
    await bridged.answer(token=first["sfc-task-token"], output=b"3")
    assert (await bridged.ended(record)).output == "3"


async def test_time_out_and_heartbeat_are_the_states_own(bridged: Bridged) -> None:
    record = await bridged.start("kafka:jobs.waitForTaskToken", 1, TimeoutSeconds=100, HeartbeatSeconds=10)
    sent = await bridged.sent()
    bridged.broker.acknowledge()
    await bridged.engine.advance()
    for _ in range(3):
        bridged.house.now += 9_000
        await bridged.engine.advance()
        assert (await bridged.answer(token=sent["sfc-task-token"], heartbeat=True)).answers == 1
    bridged.house.now += 10_000
    await bridged.engine.advance()
    found = await bridged.ended(record)
    assert (found.status, found.error) == ("FAILED", "States.Timeout")
    assert (await bridged.answer(token=sent["sfc-task-token"], output=b"1")).strays == 1


async def test_a_broker_that_is_away_fails_nothing_but_what_the_state_says(bridged: Bridged) -> None:
    bridged.broker.away = True
    patient = await bridged.start("kafka:jobs", 1)
    timed = {"Type": "Task", "Resource": "kafka:jobs.waitForTaskToken", "TimeoutSeconds": 60, "End": True}
    await bridged.engine.blueprints.create("timed", json.dumps({"StartAt": "Ask", "States": {"Ask": timed}}))
    hasty = await bridged.engine.start("timed")
    bridged.house.now += 60_000
    await bridged.engine.advance()
    assert (await bridged.ended(hasty)).error == "States.Timeout"
    assert (await bridged.engine.describe(patient.arn)).status == "RUNNING"
    assert bridged.outbox.waiting == 1
    bridged.broker.away = False
    await bridged.sent()
    bridged.broker.acknowledge()
    assert (await bridged.ended(patient)).status == "SUCCEEDED"


async def test_the_time_out_of_a_task_that_nobody_answers_is_that_of_the_acknowledgement(bridged: Bridged) -> None:
    bridged.broker.away = True
    record = await bridged.start("kafka:jobs", 1, TimeoutSeconds=1)
    found = await bridged.ended(record)
    assert (found.error, found.cause) == ("States.Timeout", "Kafka did not acknowledge the message in time")
    assert bridged.outbox.waiting == 0


async def test_a_stopped_execution_calls_its_job_back(bridged: Bridged) -> None:
    bridged.broker.full = True
    record = await bridged.start("kafka:jobs", 1)
    await until(lambda: bridged.outbox.waiting == 1)
    await bridged.engine.stop(record.arn)
    assert bridged.outbox.waiting == 0


async def test_what_kafka_refuses_can_be_caught(bridged: Bridged) -> None:
    ask: dict[str, Any] = {"Type": "Task", "Resource": "kafka:nowhere", "End": True}
    ask["Catch"] = [{"ErrorEquals": ["Kafka.UnknownTopic"], "Next": "Caught"}]
    states = {"Ask": ask, "Caught": {"Type": "Pass", "End": True}}
    await bridged.engine.blueprints.create("ask", json.dumps({"StartAt": "Ask", "States": states}))
    found = await bridged.ended(await bridged.engine.start("ask"))
    assert found.status == "SUCCEEDED"
    assert json.loads(found.output or "") == {"Error": "Kafka.UnknownTopic", "Cause": "There is no topic 'nowhere'"}


async def test_starts_are_refused_while_too_many_messages_wait(bridged: Bridged) -> None:
    bridged.outbox._waiting = KAFKA_WAITING_MESSAGES
    with pytest.raises(Overloaded):
        await bridged.engine.start("pass")
    bridged.outbox._waiting = 0
    assert (await bridged.engine.start("pass")).status in ("RUNNING", "SUCCEEDED")


async def test_without_kafka_such_a_task_fails_with_a_sentence(house: House) -> None:
    state = {"Type": "Task", "Resource": "kafka:jobs", "End": True}
    await house.engine.blueprints.create("ask", json.dumps({"StartAt": "Ask", "States": {"Ask": state}}))
    record = await house.engine.start("ask")
    found = await house.engine.wait(record.arn, 5)
    assert (found.error, found.cause) == ("Kafka.NotConfigured", "This server was started without --kafka")


async def test_publish_takes_its_message_from_the_parameters(bridged: Bridged) -> None:
    given = {"Topic": "jobs", "Value.$": "$.order", "Key.$": "$.id", "Headers": {"tenant": "a"}}
    record = await bridged.start("arn:aws:states:::kafka:publish", {"order": [1], "id": "k"}, Parameters=given)
    sent = await bridged.sent()
    assert (sent["value"], sent["key"], sent["tenant"]) == ("[1]", "k", "a")
    bridged.broker.acknowledge()
    assert (await bridged.ended(record)).status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("resource", "given", "error"),
    [
        ("arn:aws:states:::kafka:publish", {}, "Kafka.InvalidMessage"),
        ("arn:aws:states:::kafka:publish.sync", {"Topic": "jobs"}, "SFC.UnknownTask"),
        ("arn:aws:states:::kafka:consume", {"Topic": "jobs"}, "SFC.UnknownTask"),
    ],
)
async def test_what_publish_cannot_do_fails_the_task(bridged: Bridged, resource: str, given: Any, error: str) -> None:
    record = await bridged.start(resource, given)
    assert (await bridged.ended(record)).error == error


META = TaskMeta(
    name="charge",
    version="",
    kind="kafka",
    settings={"reply": True, "reply_to": "receipts", "key": "$.order", "partitions": 2},
    input_schema={"required": ["order"]},
    output_schema={"type": "string"},
    timeout_s=60,
)


async def test_a_task_of_the_catalog_says_how_it_is_sent_and_what_an_answer_looks_like(bridged: Bridged) -> None:
    bridged.house.catalog.tasks.put(META)
    record = await bridged.start("task:charge", {"order": "o1"})
    sent = await bridged.sent()
    assert (sent["topic"], sent["key"], sent["sfc-reply-to"]) == ("sfc.jobs.charge", "o1", "receipts")
    made = bridged.broker.topics["sfc.jobs.charge"]
    assert made is not None
    assert made.partitions == 2
    bridged.broker.acknowledge()
    await bridged.answer(token=sent["sfc-task-token"], output=b"1")
    found = await bridged.ended(record)
    assert found.error == "SFC.InvalidResult"
    assert "charge" in (found.cause or "")


async def test_an_input_that_does_not_fit_the_tasks_schema_is_not_sent(bridged: Bridged) -> None:
    bridged.house.catalog.tasks.put(META)
    record = await bridged.start("task:charge", {"total": 1})
    assert (await bridged.ended(record)).error == "SFC.InvalidInput"
    assert bridged.outbox.waiting == 0


async def test_the_time_out_of_the_task_is_that_of_states_without_one(bridged: Bridged) -> None:
    bridged.house.catalog.tasks.put(META)
    record = await bridged.start("task:charge", {"order": "o1"})
    await bridged.sent()
    bridged.broker.acknowledge()
    await bridged.engine.advance()
    bridged.house.now += 60_000
    await bridged.engine.advance()
    assert (await bridged.ended(record)).error == "States.Timeout"


async def test_an_express_execution_sends_and_waits_too(bridged: Bridged) -> None:
    bridged.house.catalog.tasks.put(META)
    state = {"Type": "Task", "Resource": "task:charge", "End": True}
    machine = json.dumps({"StartAt": "Ask", "States": {"Ask": state}})
    await bridged.engine.blueprints.create("quick", machine, kind="EXPRESS")
    await bridged.engine.start("quick", '{"order": 1}')
    sent = await bridged.sent()
    bridged.broker.acknowledge()
    assert (await bridged.answer(token=sent["sfc-task-token"], output=b'"ok"')).answers == 1
    await until(lambda: bridged.engine.stats()["resident"] == 0)
