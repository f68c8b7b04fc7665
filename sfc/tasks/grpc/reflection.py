"""Asks a server which methods it has. Source: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md

Version 1 of the protocol, and v1alpha where a server knows only that: their messages are the same.
"""

from typing import Any, Final

import grpc
from grpc_reflection.v1alpha import reflection_pb2

from sfc.limits import GRPC_DESCRIPTOR_BYTES
from sfc.tasks.context import TaskError
from sfc.tasks.grpc.methods import InvalidDescriptors, Services, imports_of, name_of

_METHODS: Final = tuple(
    f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1", "v1alpha")
)
_ANSWER_S: Final = 10.0
_ENDED_BEFORE: Final = "Internal error from Core"
"""What grpcio says of a write to a call that has ended."""
_Request: Final[Any] = reflection_pb2.ServerReflectionRequest


async def services_of(channel: Any, target: str, service: str) -> Services:
    """What the server says of this service. Raises TaskError, grpc.aio.AioRpcError."""
    for method in _METHODS:
        services = await _ask(channel, method, target, service)
        if services is not None:
            return services
    raise TaskError(
        "Grpc.UNIMPLEMENTED",
        f"{target} offers no server reflection: give a descriptor set with a task meta of type grpc",
    )


async def _ask(channel: Any, method: str, target: str, service: str) -> Services | None:
    """None: the server does not know this version of the protocol."""
    call = channel.stream_stream(
        method, _Request.SerializeToString, reflection_pb2.ServerReflectionResponse.FromString
    )(timeout=_ANSWER_S)
    try:
        files: dict[str, bytes] = {}
        asked: set[str] = set()
        wanted = [_Request(file_containing_symbol=service)]
        while wanted:
            await call.write(wanted.pop())
            answer = await call.read()
            if answer is grpc.aio.EOF:
                break
            for file in answer.file_descriptor_response.file_descriptor_proto:
                files[name_of(file)] = file
            if not files:
                raise TaskError("Grpc.UNIMPLEMENTED", f"{target} has no service {service}")
            if sum(map(len, files.values())) > GRPC_DESCRIPTOR_BYTES:
                raise TaskError("SFC.InvalidDescriptors", f"{target} describes more than {GRPC_DESCRIPTOR_BYTES} bytes")
            if not wanted:
                missing = _missing(files) - asked
                asked |= missing
                wanted = [_Request(file_by_filename=name) for name in sorted(missing)]
        return Services(files)
    except grpc.aio.AioRpcError:
        # A write to a call that the server has refused already may put an error of its own in the place of the reason.
        code, details = await call.code(), await call.details()
        if code is grpc.StatusCode.UNIMPLEMENTED or (code is grpc.StatusCode.INTERNAL and details == _ENDED_BEFORE):
            return None
        raise
    except InvalidDescriptors as error:
        raise TaskError("SFC.InvalidDescriptors", f"{target}: {error}") from None
    finally:
        call.cancel()


def _missing(files: dict[str, bytes]) -> set[str]:
    """Imports that were not given; those that come with protobuf itself need not be."""
    named = {name for file in files.values() for name in imports_of(file)}
    return {name for name in named if name not in files and not name.startswith("google/protobuf/")}
