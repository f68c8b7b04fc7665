"""What a trigger makes of each record."""

import json
from typing import Any

import pytest

from sfc.errors import InvalidRequest
from sfc.kafka.chunk import Control, Dead, Decision, Start
from sfc.kafka.program import Condemned, TriggerProgram, dead, merged
from sfc.kafka.record import Record, decode
from sfc.kafka.relayed import read_shown
from sfc.kafka.settings import KafkaSettings
from sfc.limits import NAME_CHARS, PAYLOAD_BYTES

KAFKA = KafkaSettings.of("127.0.0.1:9092")


def program(topic_id: str = "mQ", called: str = "orders", **settings: Any) -> TriggerProgram:
    return TriggerProgram(
        trigger=7, name=called, topic_id=topic_id, settings={"topic": "orders", **settings}, kafka=KAFKA
    )


def record(value: bytes | None = b'{"order": 1}', **more: Any) -> Record:
    given: dict[str, Any] = {"key": b"k", "headers": [("trace", b"abc")], "offset": 5, "timestamp": 1_790_000_000_000}
    return Record(topic="orders", partition=2, value=value, **{**given, **more})


def decide(value: bytes | None = b'{"order": 1}', **settings: Any) -> Decision | None:
    return program(**settings).compile()(record(value))


class TestStarts:
    def test_the_value_is_the_input_as_it_came(self) -> None:
        found = decide(b'{"order" : 1}')
        assert isinstance(found, Start)
        assert (found.first, found.input, found.name, found.records) == (5, b'{"order" : 1}', None, 1)

    def test_a_record_without_a_value_is_null(self) -> None:
        found = decide(None)
        assert isinstance(found, Start)
        assert found.input == b"null"

    def test_a_mapping_sees_the_whole_event(self) -> None:
        template = {"all.$": "$"}
        found = decide(input=template)
        assert isinstance(found, Start)
        assert json.loads(found.input)["all"] == {
            "value": {"order": 1}, "key": "k", "headers": {"trace": "abc"}, "topic": "orders", "partition": 2,
            "offset": 5, "timestamp": 1_790_000_000_000,
        }  # fmt: skip

    def test_a_mapping_that_asks_for_the_record_sees_its_bytes(self) -> None:
        given = record(b"\xff{", headers=[("a", b"\x00"), ("a", None)])
        template = {"order": "{% $states.input.key %}", "record": "{% $states.input.record %}"}
        found = program(format="bytes", input=template).compile()(given)
        assert isinstance(found, Start)
        input = json.loads(found.input)
        assert read_shown(input["record"]) == (b"k", b"\xff{", (("a", b"\x00"), ("a", None)))
        assert input["order"] == "k"

    def test_a_filter_leaves_records_out(self) -> None:
        only = "{% $states.input.value.order > 1 %}"
        assert decide(filter=only) is None
        assert isinstance(decide(b'{"order": 2}', filter=only), Start)

    def test_a_name_is_what_the_mapping_says(self) -> None:
        found = decide(name="{% 'order-' & $states.input.value.order %}")
        assert isinstance(found, Start)
        assert found.name == "order-1"

    @pytest.mark.parametrize(
        ("format", "value", "input"), [("text", b"gr\xc3\xbcn", '"grün"'), ("bytes", b"\x00\xff", '"AP8="')]
    )
    def test_other_formats_are_read(self, format: str, value: bytes, input: str) -> None:
        found = decide(value, format=format)
        assert isinstance(found, Start)
        assert found.input.decode() == input

    def test_expressions_see_the_records_time(self) -> None:
        found = decide(input="{% $now() %}")
        assert isinstance(found, Start)
        assert found.input == b'"2026-09-21T14:13:20.000Z"'


class TestFallbackNames:
    def name(self, found: Decision | None) -> str:
        assert isinstance(found, Start)
        return found.fallback

    def test_it_tells_where_the_record_is(self) -> None:
        assert self.name(decide()).startswith("orders-2-5-")

    def test_it_is_the_same_each_time_it_is_read(self) -> None:
        assert self.name(decide()) == self.name(decide())

    def test_another_topic_or_record_at_the_same_place_has_another(self) -> None:
        mine = self.name(decide())
        assert self.name(program(topic_id="other").compile()(record())) != mine
        assert self.name(program().compile()(record(timestamp=1_790_000_000_001))) != mine

    def test_it_is_never_too_long(self) -> None:
        made = program(called="n" * 48).compile()
        long = self.name(made(Record("orders", 123_456, (1 << 63) - 1, 0, None, b"1", ())))
        assert len(long) == NAME_CHARS
        assert long.startswith("nnn")
        assert "-123456-9223372036854775807-" in long


class TestDead:
    @pytest.mark.parametrize(
        ("value", "settings", "reason"),
        [
            pytest.param(b"{", {}, "NotInFormat", id="not JSON"),
            pytest.param(b"\xff", {"format": "text"}, "NotInFormat", id="not UTF-8"),
            pytest.param(b'{"order": 1}', {"max_bytes": 10}, "RecordTooLarge", id="larger than the trigger takes"),
            pytest.param(b'"' + b"x" * PAYLOAD_BYTES + b'"', {}, "RecordTooLarge", id="larger than an input"),
            pytest.param(b"1", {"schema": {"type": "object"}}, "SchemaMismatch", id="not as the schema says"),
            pytest.param(b"1", {"input": "$.value.none"}, "MappingFailed", id="the mapping finds nothing"),
            pytest.param(b"1", {"name": "{% 'a b' %}"}, "MappingFailed", id="no name"),
            pytest.param(
                b'"' + b"x" * PAYLOAD_BYTES + b'"', {"input": {"v.$": "$.value"}}, "MappingFailed",
                id="mapped to more than an input",
            ),
        ],
    )  # fmt: skip
    def test_records_of_no_use_are_kept_with_the_reason(
        self, value: bytes, settings: dict[str, Any], reason: str
    ) -> None:
        found = decide(value, **settings)
        assert isinstance(found, Dead)
        assert (found.first, found.reason) == (5, reason)
        assert found.detail
        assert decode(found.record) == record(value)

    def test_settings_that_are_no_good_are_said_at_once(self) -> None:
        with pytest.raises(InvalidRequest):
            program(format="avro").compile()


class TestControl:
    @pytest.fixture(autouse=True)
    def secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONTROL", "s3cret")

    @pytest.mark.parametrize(("given", "is_control"), [(b"s3cret", True), (b"guess", False), (None, False)])
    def test_only_who_knows_the_secret_controls(self, given: bytes | None, is_control: bool) -> None:
        made = program(control={"header": "x-control", "secret": "${env:CONTROL}"}).compile()
        found = made(record(b"{}", headers=[("x-control", given)]))
        assert isinstance(found, Control if is_control else Start)


class TestCondemned:
    def test_one_record_is_dead_and_others_are_not(self) -> None:
        judge = Condemned(program(), None, ((2, 5, "BadName", "why"),)).compile()
        condemned = judge(record())
        assert isinstance(condemned, Dead)
        assert (condemned.reason, condemned.detail) == ("BadName", "why")
        assert isinstance(judge(record(offset=6)), Start)

    def test_everything_that_would_start_is_dead(self) -> None:
        judge = Condemned(program(filter="$.value.keep"), ("Gone", "why")).compile()
        assert judge(record()) is None
        assert isinstance(judge(record(b'{"keep": 1}')), Dead)


def test_records_of_a_batch_are_one_start_with_an_array() -> None:
    starts = [Start(offset, b"%d" % offset, f"n{offset}", f"f{offset}") for offset in (3, 4, 9)]
    assert merged(starts) == Start(3, b"[3,4,9]", "n3", "f3", 3)


def test_details_are_bounded() -> None:
    assert len(dead(record(), "R", "x" * 100_000).detail) == 1_000
