"""Avro, Protobuf and JSON Schema in Confluent's wire format: each message names its schema, a registry has it.

Read with the schema that the message names; written with the latest schema of the topic's subject (`<topic>-value`).
What JSON does not have becomes text: times in ISO 8601, decimals as digits, bytes as base64.
"""

import base64
import importlib
import re
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import httpx2
import orjson
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from sfc import jsonvalue
from sfc.errors import Unavailable
from sfc.jsonvalue import Json
from sfc.kafka.formats import NotInFormat

T = TypeVar("T")
# Whoever reads or writes tries again by itself; a new version of a schema is found within a minute.
_CLIENT = {"max.retries": 0, "cache.latest.ttl.sec": 60}
_LATEST = {"auto.register.schemas": False, "use.latest.version": True}
_WELL_KNOWN = re.compile(r"google/protobuf/[a-z_]+\.proto")
_FRAME_BYTES = 5
"""A zero, and the schema's id in four bytes."""


class _Registered:
    """What is common to them. Made for one thread or many."""

    def __init__(self, registry: Mapping[str, str]) -> None:
        self._registry = SchemaRegistryClient({**registry, **_CLIENT})
        self._lock = threading.Lock()

    def read(self, data: bytes, topic: str) -> Json:
        value = self._tried(lambda: self._read(data, SerializationContext(topic, MessageField.VALUE)))
        return jsonvalue.loads(orjson.dumps(value, default=_as_text))

    def write(self, value: Json, topic: str) -> bytes:
        return self._tried(lambda: self._write(value, SerializationContext(topic, MessageField.VALUE)))

    def _tried(self, work: Callable[[], T]) -> T:
        """Raises Unavailable while the registry cannot tell, and NotInFormat for everything else."""
        try:
            with self._lock:
                return work()
        except httpx2.TransportError as error:
            raise Unavailable(f"the schema registry cannot be reached: {error}") from None
        except SchemaRegistryError as error:
            if error.http_status_code >= 500 or error.http_status_code in (401, 403, 408, 429):
                raise Unavailable(f"the schema registry does not answer: {error}") from None
            raise NotInFormat(f"the schema registry says: {error}") from None
        except Exception as error:  # noqa: BLE001 (what the libraries raise for bad data is of many kinds)
            raise NotInFormat(str(error) or type(error).__name__) from None

    def _read(self, data: bytes, context: SerializationContext) -> Any:
        raise NotImplementedError

    def _write(self, value: Json, context: SerializationContext) -> bytes:
        raise NotImplementedError


class Avro(_Registered):
    def __init__(self, registry: Mapping[str, str]) -> None:
        super().__init__(registry)
        self._reader = AvroDeserializer(self._registry)
        self._writer = AvroSerializer(self._registry, conf=_LATEST)

    def _read(self, data: bytes, context: SerializationContext) -> Any:
        return self._reader(data, context)

    def _write(self, value: Json, context: SerializationContext) -> bytes:
        written: bytes = self._writer(value, context)
        return written


class JsonSchema(_Registered):
    def __init__(self, registry: Mapping[str, str]) -> None:
        super().__init__(registry)
        self._reader = JSONDeserializer(None, schema_registry_client=self._registry)
        self._writer = JSONSerializer(None, self._registry, conf=_LATEST)

    def _read(self, data: bytes, context: SerializationContext) -> Any:
        return self._reader(data, context)

    def _write(self, value: Json, context: SerializationContext) -> bytes:
        written: bytes = self._writer(value, context)
        return written


class Protobuf(_Registered):
    """Confluent's own deserializer wants generated classes; here the classes are made of the registry's descriptors."""

    def __init__(self, registry: Mapping[str, str]) -> None:
        super().__init__(registry)
        self._pools: dict[int, tuple[descriptor_pool.DescriptorPool, descriptor_pb2.FileDescriptorProto]] = {}

    def _read(self, data: bytes, context: SerializationContext) -> Any:
        if len(data) <= _FRAME_BYTES or data[0] != 0:
            raise NotInFormat("the message does not name a schema of the registry")
        id = int.from_bytes(data[1:_FRAME_BYTES])
        places, at = _places(data, _FRAME_BYTES)
        if id not in self._pools:
            self._pools[id] = self._pool(self._registry.get_schema(id, fmt="serialized"))
        message = self._class(*self._pools[id], places)()
        message.ParseFromString(data[at:])
        return json_format.MessageToDict(message, preserving_proto_field_name=True)

    def _write(self, value: Json, context: SerializationContext) -> bytes:
        latest = self._registry.get_latest_version(f"{context.topic}-value", fmt="serialized")
        id = latest.schema_id
        assert id is not None
        if id not in self._pools:
            self._pools[id] = self._pool(latest.schema)
        message = self._class(*self._pools[id], [0])()
        json_format.ParseDict(value, message)
        # The place of the first message of a schema is written as one zero.
        written: bytes = message.SerializeToString()
        return b"\0" + id.to_bytes(4) + b"\0" + written

    def _pool(self, schema: Any) -> tuple[descriptor_pool.DescriptorPool, descriptor_pb2.FileDescriptorProto]:
        pool = descriptor_pool.DescriptorPool()
        self._add_references(pool, schema, set())
        return pool, _add(pool, "sfc/schema.proto", schema.schema_str)

    def _add_references(self, pool: descriptor_pool.DescriptorPool, schema: Any, added: set[str]) -> None:
        for reference in schema.references or ():
            if reference.name not in added:
                added.add(reference.name)
                of = self._registry.get_version(reference.subject, reference.version, fmt="serialized").schema
                self._add_references(pool, of, added)
                _add(pool, reference.name, of.schema_str or "")

    def _class(
        self, pool: descriptor_pool.DescriptorPool, file: descriptor_pb2.FileDescriptorProto, places: list[int]
    ) -> Any:
        kinds: Any = file.message_type
        name = file.package
        for place in places:
            name = f"{name}.{kinds[place].name}".lstrip(".")
            kinds = kinds[place].nested_type
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def _add(pool: descriptor_pool.DescriptorPool, name: str, text: str) -> descriptor_pb2.FileDescriptorProto:
    """Add a file that the registry gave, and those of Google's that it imports."""
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(text))
    file.name = name
    for needed in file.dependency:
        if _WELL_KNOWN.fullmatch(needed):
            _add_known(pool, needed)
    pool.Add(file)
    return file


def _add_known(pool: descriptor_pool.DescriptorPool, name: str) -> None:
    file = descriptor_pb2.FileDescriptorProto()
    importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")  # makes it known
    descriptor_pool.Default().FindFileByName(name).CopyToProto(file)
    pool.Add(file)


def _places(data: bytes, at: int) -> tuple[list[int], int]:
    """Which message of the schema it is: zigzag numbers, first how many; and where the message begins."""
    count, at = _number(data, at)
    if count == 0:
        return [0], at
    places = []
    for _ in range(count):
        place, at = _number(data, at)
        places.append(place)
    return places, at


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def _as_text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return str(value)
    raise NotInFormat(f"a value of the kind {type(value).__name__} has no form in JSON")
