"""Control messages: what they may say, and that each is carried out at its place, once."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sfc.bridge.control import BAD_MESSAGE, Controls
from sfc.engine.intake import Obey, Taken
from sfc.errors import BlueprintPaused, InvalidRequest, Overloaded, Unavailable
from sfc.kafka.chunk import Chunk, Control, Decision, Start
from sfc.kafka.control import Command, ControlProgram, read_command
from sfc.kafka.record import Record, decode
from sfc.kafka.settings import KafkaSettings
from sfc.store.feeds import Place
from sfc.store.journal import Batch
from sfc.triggers.trigger import Trigger
from tests.unit.engine.conftest import TASK, House, until

PLACE = Place("control", "mQ", 0)
KAFKA = KafkaSettings(servers="localhost:9092", prefix="acme")


def message(offset: int, **command: Any) -> Control:
    return Control(offset, json.dumps(command).encode(), b"the record")


def start(offset: int) -> Start:
    return Start(offset, b"{}", None, f"r-{offset}")


class Controlled(House):
    """With a feed, and what obeys its control messages."""

    def __init__(self) -> None:
        super().__init__()
        self.followed: list[Trigger] = []
        self.controls: Controls

    async def begin(self) -> None:
        self.controls = Controls(self.engine, KAFKA, self.followed.append)
        await self.engine.intake.begin({PLACE: 0})

    async def take(self, *decisions: Decision, obey: Obey | None = None) -> Taken:
        first, end = self.engine.intake.positions("control")[PLACE], decisions[-1].first + 1
        chunk = Chunk("control", "acme.control", "mQ", 0, first, end, decisions, end - first, end)
        return await self.engine.intake.take(chunk, "task", obey or self.controls.source().obey)

    def paused(self) -> list[tuple[str, str]]:
        return [(each.kind, each.name) for each in self.engine.pauses.current() if each.resumed_at is None]


@pytest.fixture
async def house() -> AsyncIterator[Controlled]:
    made = Controlled()
    await made.engine.open()
    await made.begin()
    await made.engine.blueprints.create("task", json.dumps(TASK), settings={"group": "shop"})
    yield made
    await made.engine.close()


async def test_a_pause_and_its_position_are_one_commit(house: Controlled) -> None:
    before = len(house.store.commits)
    taken = await house.take(message(0, command="pause", blueprint="task"))
    assert (taken.next, taken.dead) == (1, 0)
    assert len(house.store.commits) == before + 1
    assert house.paused() == [("blueprint", "task")]
    assert [pause.name for pause in house.store.pauses()] == ["task"]


async def test_commands_are_carried_out_in_order_one_by_one(house: Controlled) -> None:
    chunk = [
        message(0, command="pause", group="shop"),
        message(1, command="pause", blueprint="task"),
        message(2, command="resume", group="shop", rate=7),
    ]
    seen = []
    while chunk:
        taken = await house.take(*chunk)
        chunk = [each for each in chunk if each.first >= taken.next]
        seen.append(sorted(house.paused()))
    both = [("blueprint", "task"), ("group", "shop")]
    assert seen == [[("group", "shop")], both, [("blueprint", "task")]]
    assert {pause.kind: pause.rate for pause in house.store.pauses()} == {"group": 7, "blueprint": None}


async def test_what_a_commit_that_failed_did_not_keep_is_done_again(house: Controlled) -> None:
    def fail(_batch: Batch) -> None:
        house.store.fail = lambda _batch: None
        raise Unavailable("no disk")

    house.store.fail = fail
    with pytest.raises(Unavailable):
        await house.take(message(0, command="pause", blueprint="task"))
    assert house.store.pauses() == []
    assert (await house.take(message(0, command="pause", blueprint="task"))).next == 1
    assert len(house.store.pauses()) == 1


async def test_a_pause_among_records_takes_effect_at_its_place(house: Controlled) -> None:
    taken = await house.take(start(0), message(1, command="pause", blueprint="task"), start(2), start(3))
    assert (taken.next, taken.starts) == (2, 1)
    taken = await house.take(start(2), start(3))
    assert (taken.next, taken.starts, type(taken.held)) == (2, 0, BlueprintPaused)
    await house.engine.pauses.resume("blueprint", "task")
    house.now += 1_000
    assert (await house.take(start(2), start(3))).starts == 2


async def test_a_message_without_a_target_means_its_trigger(house: Controlled) -> None:
    settings = {"topic": "orders"}
    made = await house.engine.consult(lambda catalog: catalog.triggers.put("t", "kafka", "task", settings))
    obey = house.controls.of_trigger("t")
    await house.take(message(0, command="pause"), obey=obey)
    assert [(trigger.id, trigger.paused) for trigger in house.followed] == [(made.id, True)]
    assert house.engine.triggers.get("t").paused
    await house.take(message(1, command="resume", trigger="t"), obey=obey)
    assert not house.engine.triggers.get("t").paused


@pytest.mark.parametrize(
    "wrong",
    [
        {"command": "pause", "blueprint": "none"},
        {"command": "pause", "group": "nobody"},
        {"command": "pause", "trigger": "none"},
        {"command": "pause"},
        {"command": "explode", "blueprint": "task"},
    ],
)
async def test_a_message_that_cannot_be_obeyed_is_a_dead_letter(house: Controlled, wrong: dict[str, Any]) -> None:
    assert (await house.take(message(0, **wrong))).dead == 1
    (kept,) = house.store.dead_letters("control", None, 10)
    assert (kept.letter.reason, kept.letter.record) == (BAD_MESSAGE, b"the record")
    assert house.paused() == []


async def test_resuming_what_goes_on_already_is_no_error(house: Controlled) -> None:
    assert (await house.take(message(0, command="resume", blueprint="task"))).dead == 0


async def test_a_stop_on_the_control_topic_waits_until_all_is_stopped(house: Controlled) -> None:
    records = [await house.engine.start("task") for _ in range(3)]
    tries = 0
    while True:
        tries += 1
        try:
            taken = await house.take(message(0, command="stop", group="shop", id="c-17"))
            break
        except Unavailable:
            await until(lambda: all(house.controls._stopping.values()))
    assert (taken.next, tries) == (1, 2)
    ended = await house.engine.describe(records[0].arn)
    assert (ended.status, ended.cause) == ("ABORTED", "The group shop was stopped by a control message (c-17).")
    assert await house.engine.counts() == {"ABORTED": 3}
    assert house.paused() == [("group", "shop")]


async def test_a_stop_among_records_pauses_at_its_place_and_stops_behind_it(house: Controlled) -> None:
    taken = await house.take(
        start(0), message(1, command="stop", blueprint="task"), obey=house.controls.of_trigger("t")
    )
    assert (taken.next, taken.starts) == (2, 1)
    await until(lambda: house.store.count_by_status("task") == {"ABORTED": 1})
    assert house.paused() == [("blueprint", "task")]


async def test_records_that_waited_start_at_the_rate_of_the_resume(house: Controlled) -> None:
    await house.engine.pauses.pause("blueprint", "task")
    left = [start(offset) for offset in range(60)]
    assert (await house.take(*left)).starts == 0
    house.now += 60_000
    await house.engine.pauses.resume("blueprint", "task", 10)
    begun = []
    for _ in range(5):
        before = len(left)
        taken = await house.take(*left)
        assert isinstance(taken.held, Overloaded)
        left = [each for each in left if each.first >= taken.next]
        begun.append(before - len(left))
        house.now += 1_000
        await house.engine.advance()
    assert begun == [1, 10, 10, 10, 10]
    assert [each.name for each in house.engine.pauses.current()] == ["task"], "it drains while records wait"
    house.now += 11_000
    await house.engine.advance()
    assert house.engine.pauses.current() == []
    assert (await house.take(*left)).starts == len(left)


async def test_starts_of_others_do_not_keep_to_the_rate(house: Controlled) -> None:
    await house.engine.pauses.pause("blueprint", "task")
    await house.take(start(0))
    await house.engine.pauses.resume("blueprint", "task", 1)
    for _ in range(5):
        assert (await house.engine.start("task")).status == "RUNNING"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "command"),
        (b"[]", "command"),
        (b"{}", "command"),
        (b'{"command": 5}', "command"),
        (b'{"command": "pause"}', "blueprint"),
        (b'{"command": "pause", "blueprint": "a", "group": "b"}', "blueprint"),
        (b'{"command": "pause", "blueprint": 5}', "blueprint"),
        (b'{"command": "stop", "trigger": "a"}', "command"),
        (b'{"command": "pause", "blueprint": "a", "rate": 5}', "rate"),
        (b'{"command": "resume", "trigger": "a", "rate": 5}', "rate"),
        (b'{"command": "resume", "blueprint": "a", "rate": 0}', "rate"),
        (b'{"command": "resume", "blueprint": "a", "id": 5}', "id"),
        (b'{"command": "resume", "blueprint": "a", "when": "now"}', "when"),
    ],
)
def test_a_message_that_is_none_names_what_is_wrong(body: bytes, field: str) -> None:
    with pytest.raises(InvalidRequest) as found:
        read_command(body)
    assert found.value.field == field


def test_a_command_says_what_how_fast_and_by_whom() -> None:
    found = read_command(b'{"command": "resume", "group": "shop", "rate": 2.5, "id": "c-1"}')
    assert found == Command(action="resume", kind="group", name="shop", rate=2.5, id="c-1")


def test_every_record_of_the_control_topic_is_a_message() -> None:
    record = Record("acme.control", 0, 7, 0, b"k", None, ())
    decision = ControlProgram().compile()(record)
    assert isinstance(decision, Control)
    assert (decision.first, decision.body, decode(decision.record)) == (7, b"", record._replace(headers=[]))
