import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import fastavro
import pytest
from google.protobuf import descriptor_pb2, timestamp_pb2

from sfc.errors import InvalidRequest, Unavailable
from sfc.kafka.formats import FORMATS, Formats, NotInFormat
from tests.support.registry import Registry, schema_registry


@pytest.fixture
def registry() -> Iterator[Registry]:
    with schema_registry() as made:
        yield made


def formats(registry: Registry) -> Formats:
    return Formats({"url": registry.url})


@pytest.mark.parametrize(
    ("name", "data", "value"),
    [
        ("json", b'{"a":[1,1.5,null]}', {"a": [1, 1.5, None]}),
        ("text", "grün".encode(), "grün"),
        ("bytes", b"\x00\xff", "AP8="),
    ],
)
def test_a_plain_format_reads_what_it_writes(name: str, data: bytes, value: object) -> None:
    plain = Formats().of(name)
    assert plain.read(data, "t") == value
    assert plain.write(value, "t") == data


@pytest.mark.parametrize(("name", "data"), [("json", b"{"), ("json", b""), ("json", b"NaN"), ("text", b"\xff")])
def test_bytes_of_another_format_are_refused(name: str, data: bytes) -> None:
    with pytest.raises(NotInFormat):
        Formats().of(name).read(data, "t")


@pytest.mark.parametrize(("name", "value"), [("text", 1), ("bytes", "not base64!"), ("bytes", None), ("json", 1 << 70)])
def test_a_value_that_the_format_cannot_hold_is_refused(name: str, value: object) -> None:
    with pytest.raises(NotInFormat):
        Formats().of(name).write(value, "t")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidRequest, match="json-schema") as caught:
        Formats().of("xml")
    assert caught.value.field == "format"


@pytest.mark.parametrize("name", FORMATS[3:])
def test_a_format_with_schemas_needs_a_registry(name: str) -> None:
    with pytest.raises(InvalidRequest, match="--schema-registry"):
        Formats().of(name)


ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "raw", "type": "bytes"},
    ],
}


def test_avro_is_read_with_the_schema_that_the_message_names(registry: Registry) -> None:
    from decimal import Decimal
    from io import BytesIO

    id = registry.register("orders", "AVRO", json.dumps(ORDER))
    body = BytesIO()
    order = {"id": 7, "at": datetime(2026, 1, 2, tzinfo=UTC), "price": Decimal("9.50"), "raw": b"\x00\xff"}
    fastavro.schemaless_writer(body, fastavro.parse_schema(ORDER), order)
    read = formats(registry).of("avro").read(b"\0" + id.to_bytes(4) + body.getvalue(), "orders")
    assert read == {"id": 7, "at": "2026-01-02T00:00:00+00:00", "price": "9.50", "raw": "AP8="}


def test_avro_is_written_with_the_latest_schema_of_the_topic(registry: Registry) -> None:
    schema = {"type": "record", "name": "Sum", "fields": [{"name": "sum", "type": "int"}]}
    registry.register("sums", "AVRO", json.dumps(schema))
    avro = formats(registry).of("avro")
    assert avro.read(avro.write({"sum": 3}, "sums"), "sums") == {"sum": 3}
    with pytest.raises(NotInFormat):
        avro.write({"sum": "three"}, "sums")


def test_json_schema_refuses_what_its_schema_does(registry: Registry) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    id = registry.register("ns", "JSON", json.dumps(schema))
    form = formats(registry).of("json-schema")
    assert form.read(form.write({"n": 1}, "ns"), "ns") == {"n": 1}
    with pytest.raises(NotInFormat, match="'n'"):
        form.read(b"\0" + id.to_bytes(4) + b'{"m": 1}', "ns")
    with pytest.raises(NotInFormat):
        form.write({"m": 1}, "ns")


def _proto() -> descriptor_pb2.FileDescriptorProto:
    """message Outer { message Line { string sku = 1; } Timestamp at = 1; repeated Line lines = 2; } message Other …"""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="x.proto", package="shop", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    outer = file.message_type.add(name="Outer")
    outer.nested_type.add(name="Line").field.add(name="sku", number=1, type=field.TYPE_STRING, label=1)
    outer.field.add(name="at", number=1, type=field.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp", label=1)
    outer.field.add(name="lines", number=2, type=field.TYPE_MESSAGE, type_name=".shop.Outer.Line", label=3)
    file.message_type.add(name="Other").field.add(name="total_sum", number=1, type=field.TYPE_INT32, label=1)
    return file


def test_protobuf_is_read_without_generated_classes(registry: Registry) -> None:
    id = registry.register("lines", "PROTOBUF", base64.b64encode(_proto().SerializeToString()).decode())
    form = formats(registry).of("protobuf")
    written = form.write({"at": "2026-01-02T00:00:00Z", "lines": [{"sku": "a"}]}, "lines")
    assert form.read(written, "lines") == {"at": "2026-01-02T00:00:00Z", "lines": [{"sku": "a"}]}
    head = b"\0" + id.to_bytes(4)
    second = head + bytes([2, 2]) + b"\x08\x05"  # one place: message 1
    assert form.read(second, "lines") == {"total_sum": 5}
    nested = head + bytes([4, 0, 0]) + b"\x0a\x01z"  # two places: message 0, in it message 0
    assert form.read(nested, "lines") == {"sku": "z"}
    assert timestamp_pb2.Timestamp  # what a schema imports of Google's is known


@pytest.mark.parametrize("name", FORMATS[3:])
@pytest.mark.parametrize("data", [b"", b"\0", b"{}", b"\0\0\0\0\x63\0\0\0", b"\1\2\3\4\5\6\7\x08"])
def test_a_message_without_a_known_schema_is_refused(registry: Registry, name: str, data: bytes) -> None:
    with pytest.raises(NotInFormat):
        formats(registry).of(name).read(data, "t")


@pytest.mark.parametrize("name", FORMATS[3:])
def test_while_the_registry_is_away_nothing_is_said_about_the_message(registry: Registry, name: str) -> None:
    registry.down = True
    with pytest.raises(Unavailable):
        formats(registry).of(name).read(b"\0\0\0\0\x01\0\0\0\0", "t")
    with pytest.raises(Unavailable):
        Formats({"url": "http://127.0.0.1:9"}).of(name).read(b"\0\0\0\0\x01\0\0\0\0", "t")
