"""A gRPC service for tests, described without a compiler: shop.v1.Pay with Charge, Refuse, Sleep, List and Upload."""

import asyncio
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from grpc_reflection.v1alpha import reflection

SERVICE = "shop.v1.Pay"
_FIELD = descriptor_pb2.FieldDescriptorProto


def _money() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="shop/money.proto", package="shop.v1", syntax="proto3")
    money = file.message_type.add(name="Money")
    money.field.add(name="currency", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    money.field.add(name="minor_units", number=2, type=_FIELD.TYPE_INT64, label=_FIELD.LABEL_OPTIONAL)
    return file


def _pay(extra: bool) -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="shop/pay.proto", package="shop.v1", syntax="proto3")
    file.dependency.extend(["shop/money.proto", "google/protobuf/timestamp.proto"])
    order = file.message_type.add(name="Order")
    order.field.add(name="order_id", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    order.field.add(
        name="amount", number=2, type=_FIELD.TYPE_MESSAGE, type_name=".shop.v1.Money", label=_FIELD.LABEL_OPTIONAL
    )
    if extra:
        order.field.add(name="note", number=3, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    receipt = file.message_type.add(name="Receipt")
    receipt.field.add(name="order_id", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    receipt.field.add(name="paid", number=2, type=_FIELD.TYPE_BOOL, label=_FIELD.LABEL_OPTIONAL)
    receipt.field.add(name="told", number=3, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_REPEATED)
    receipt.field.add(
        name="paid_at", number=4, type=_FIELD.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp",
        label=_FIELD.LABEL_OPTIONAL,
    )  # fmt: skip
    service = file.service.add(name="Pay")
    for name, client, server in (
        ("Charge", False, False), ("Refuse", False, False), ("Sleep", False, False), ("List", False, True),
        ("Upload", True, False),
    ):  # fmt: skip
        service.method.add(
            name=name, input_type=".shop.v1.Order", output_type=".shop.v1.Receipt", client_streaming=client,
            server_streaming=server,
        )  # fmt: skip
    return file


class Shop:
    """`async with Shop() as shop`: a server on loopback. `asked` counts how often it was asked what it has."""

    def __init__(self, *, reflects: bool = True, extra: bool = False) -> None:
        self._reflects = reflects
        self.asked = 0
        self.describe(extra=extra)

    def describe(self, *, extra: bool) -> None:
        """`extra`: orders have a note."""
        self._files = [_money(), _pay(extra)]
        self._pool = descriptor_pool.DescriptorPool()
        self._pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
        for file in self._files:
            self._pool.AddSerializedFile(file.SerializeToString())
        self._order = message_factory.GetMessageClass(self._pool.FindMessageTypeByName("shop.v1.Order"))
        self._receipt = message_factory.GetMessageClass(self._pool.FindMessageTypeByName("shop.v1.Receipt"))

    @property
    def descriptor_set(self) -> bytes:
        return bytes(descriptor_pb2.FileDescriptorSet(file=self._files).SerializeToString())

    def url(self, method: str) -> str:
        return f"grpc://127.0.0.1:{self.port}/{SERVICE}/{method}"

    async def __aenter__(self) -> "Shop":
        self._server = grpc.aio.server()
        handlers = {
            name: kind(function, request_deserializer=self._read,
                       response_serializer=lambda message: message.SerializeToString())
            for name, kind, function in (
                ("Charge", grpc.unary_unary_rpc_method_handler, self._charge),
                ("Refuse", grpc.unary_unary_rpc_method_handler, self._refuse),
                ("Sleep", grpc.unary_unary_rpc_method_handler, self._sleep),
                ("List", grpc.unary_stream_rpc_method_handler, self._list),
            )
        }  # fmt: skip
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
        if self._reflects:
            reflection.enable_server_reflection([SERVICE], self._server, pool=_Counted(self))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(None)

    def _read(self, data: bytes) -> Any:
        return self._order.FromString(data)  # of the description as it is now

    async def _charge(self, order: Any, context: Any) -> Any:
        told = dict(context.invocation_metadata())
        return self._receipt(
            order_id=order.order_id, paid=order.amount.minor_units > 0, paid_at={"seconds": 1_700_000_000},
            told=[told["idempotency-key"], told["traceparent"], str(context.time_remaining() is not None)],
        )  # fmt: skip

    async def _refuse(self, order: Any, context: Any) -> None:
        await context.abort(getattr(grpc.StatusCode, order.order_id), "no funds")

    async def _sleep(self, _order: Any, _context: Any) -> None:
        await asyncio.Event().wait()

    async def _list(self, order: Any, _context: Any) -> Any:
        for number in range(order.amount.minor_units):
            yield self._receipt(order_id=f"{order.order_id}-{number}")


class _Counted:
    """The pool as the reflection service sees it."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def FindFileContainingSymbol(self, symbol: str) -> Any:  # noqa: N802
        self._shop.asked += 1
        return self._shop._pool.FindFileContainingSymbol(symbol)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop._pool, name)
