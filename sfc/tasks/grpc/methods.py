"""What a method takes and gives: from file descriptors to messages, and between JSON and messages.

JSON is protobuf's own mapping (https://protobuf.dev/programming-guides/json/): lowerCamelCase names, 64-bit integers as
text, bytes as base64; fields with their default values are there, so that a path finds them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError

from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.limits import GRPC_DESCRIPTOR_BYTES, JSON_DEPTH
from sfc.tasks.context import TaskError

_SHOWN: Final = 20


class InvalidDescriptors(InvalidRequest):
    """A descriptor set that cannot be read, or that lacks a file which another one imports."""

    code = "InvalidDescriptors"


@dataclass(frozen=True, slots=True)
class Method:
    path: str
    """`/package.Service/Method`, as it is called."""
    takes: type[Any]
    gives: type[Any]
    streams: bool
    """The server answers with a stream of messages."""
    pool: Any

    def request(self, value: Json) -> Any:
        """The message. Raises TaskError (SFC.InvalidInput) that names the field."""
        if not isinstance(value, dict):
            raise TaskError("SFC.InvalidInput", f"The input of {self.path} must be an object")
        try:
            return json_format.ParseDict(value, self.takes(), descriptor_pool=self.pool, max_recursion_depth=JSON_DEPTH)
        except json_format.ParseError as error:
            raise TaskError("SFC.InvalidInput", f"The input of {self.path} does not fit: {error}") from None

    def answer(self, message: Any) -> Json:
        answered: Json = json_format.MessageToDict(
            message, always_print_fields_with_no_presence=True, descriptor_pool=self.pool
        )
        return answered


def files_of(descriptor_set: bytes) -> dict[str, bytes]:
    """The files of a FileDescriptorSet (`protoc --include_imports --descriptor_set_out`), by name. Raises
    InvalidDescriptors."""
    if len(descriptor_set) > GRPC_DESCRIPTOR_BYTES:
        raise InvalidDescriptors(f"a descriptor set has at most {GRPC_DESCRIPTOR_BYTES} bytes", field="descriptors")
    try:
        found = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set)
    except DecodeError:
        raise InvalidDescriptors("this is no FileDescriptorSet", field="descriptors") from None
    return {file.name: file.SerializeToString() for file in found.file}


def imports_of(file: bytes) -> list[str]:
    return list(descriptor_pb2.FileDescriptorProto.FromString(file).dependency)


def name_of(file: bytes) -> str:
    return str(descriptor_pb2.FileDescriptorProto.FromString(file).name)


class Services:
    """The services that some files describe."""

    def __init__(self, files: dict[str, bytes]) -> None:
        """Raises InvalidDescriptors."""
        self._pool = descriptor_pool.DescriptorPool()
        added: set[str] = set()
        for name in files:
            _add(self._pool, name, files, added)

    def method(self, service: str, name: str) -> Method:
        """Raises TaskError: Grpc.UNIMPLEMENTED for what is not described, SFC.UnknownTask for a stream of requests."""
        try:
            described = self._pool.FindServiceByName(service)
        except KeyError:
            raise TaskError("Grpc.UNIMPLEMENTED", f"There is no service {service}") from None
        found = described.methods_by_name.get(name)
        if found is None:
            known = _some(sorted(described.methods_by_name))
            raise TaskError("Grpc.UNIMPLEMENTED", f"Service {service} has no method {name!r}; it has: {known}")
        if found.client_streaming:
            raise TaskError("SFC.UnknownTask", f"{service}/{name} takes a stream of requests, which a Task cannot send")
        return Method(
            f"/{service}/{name}",
            message_factory.GetMessageClass(found.input_type),
            message_factory.GetMessageClass(found.output_type),
            found.server_streaming,
            self._pool,
        )


def _add(pool: Any, name: str, files: dict[str, bytes], added: set[str]) -> None:
    """The file after those that it imports. What comes with protobuf itself need not be among the files."""
    order: list[tuple[str, bool]] = [(name, False)]
    open_ones: set[str] = set()
    while order:
        each, ready = order.pop()
        if each in added:
            continue
        data = files.get(each) or _well_known(each)
        if ready:
            added.add(each)
            try:
                pool.AddSerializedFile(data)
            except (TypeError, DecodeError) as error:
                raise InvalidDescriptors(f"the file {each} is not valid: {error}", field="descriptors") from None
            continue
        if each in open_ones:
            raise InvalidDescriptors(f"the file {each} imports itself by way of others", field="descriptors")
        open_ones.add(each)
        order.append((each, True))
        order += [(one, False) for one in imports_of(data) if one not in added]


def _well_known(name: str) -> bytes:
    import google.protobuf.any_pb2
    import google.protobuf.duration_pb2
    import google.protobuf.empty_pb2
    import google.protobuf.field_mask_pb2
    import google.protobuf.struct_pb2
    import google.protobuf.timestamp_pb2
    import google.protobuf.wrappers_pb2  # noqa: F401  (imported, each is in the default pool)

    try:
        return bytes(descriptor_pool.Default().FindFileByName(name).serialized_pb)
    except KeyError:
        raise InvalidDescriptors(f"the file {name} is missing", field="descriptors") from None


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_SHOWN]) + (" …" if len(listed) > _SHOWN else "") or "none"
