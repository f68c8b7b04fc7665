"""What requests to webhooks start, without a server."""

import hmac
import json
from collections.abc import AsyncIterator

import pytest

from sfc.bridge.webhooks import HookRequest, NotMapped, TriggerPaused, Webhooks
from sfc.errors import InvalidInput, InvalidRequest, NotFound
from sfc.jsonvalue import Json
from sfc.secrets import SecretUnavailable
from sfc.triggers.webhook import InvalidSignature
from tests.unit.bridge.clocked import BEGIN, Clocked


@pytest.fixture
async def world() -> AsyncIterator[Clocked]:
    made = Clocked()
    await made.engine.open()
    yield made
    await made.engine.close()


def put(world: Clocked, **settings: Json) -> None:
    world.catalog.triggers.put("hook", "webhook", "quick", {"signature": "none", **settings})


def request(body: bytes = b'{"id": 4711}', query: dict[str, Json] | None = None, **headers: str) -> HookRequest:
    return HookRequest({name.replace("_", "-"): value for name, value in headers.items()}, query or {}, body)


async def test_the_body_is_the_input(world: Clocked) -> None:
    put(world)
    delivery = await Webhooks(world.engine).read("hook", request(b'{"a" : 1.0}'))
    assert (delivery.input, delivery.name, delivery.trigger.name) == ('{"a":1.0}', None, "hook")


@pytest.mark.parametrize(
    ("content_type", "body", "read"),
    [
        ("application/json; charset=utf-8", b"[1]", [1]),
        ("application/cloudevents+json", b'{"a":1}', {"a": 1}),
        ("", b"null", None),
        ("", b"", None),
        ("application/x-www-form-urlencoded", b"a=1&b=x%20y&b=&c=", {"a": "1", "b": ["x y", ""], "c": ""}),
        ("text/plain", "grüß".encode(), "grüß"),
    ],
)
async def test_bodies_are_read_by_their_type(world: Clocked, content_type: str, body: bytes, read: Json) -> None:
    put(world)
    delivery = await Webhooks(world.engine).read("hook", request(body, content_type=content_type))
    assert json.loads(delivery.input or "") == read


async def test_filter_and_mapping_see_headers_query_and_method_but_no_credentials(world: Clocked) -> None:
    put(world, input="$", filter="{% $states.input.headers.`x-kind` = 'push' %}")
    hooks = Webhooks(world.engine)
    sent = {"x_kind": "push", "authorization": "Bearer s3cret", "cookie": "s3cret"}
    delivery = await hooks.read("hook", request(query={"q": "1"}, **sent))
    assert json.loads(delivery.input or "") == {
        "body": {"id": 4711}, "headers": {"x-kind": "push"}, "query": {"q": "1"}, "method": "POST",
    }  # fmt: skip
    assert (await hooks.read("hook", request(x_kind="pull"))).input is None
    assert hooks.report(world.catalog.triggers.get("hook")).figures.left_out == 1


async def test_a_delivery_is_named_by_its_header_or_by_the_mapping(world: Clocked) -> None:
    hooks = Webhooks(world.engine)
    put(world, dedupe="X-Delivery")
    assert (await hooks.read("hook", request(x_delivery="d-1"))).name == "hook-d-1"
    put(world, name="{% 'order-' & $states.input.body.id %}")
    assert (await hooks.read("hook", request(x_delivery="d-1"))).name == "order-4711"


async def test_only_a_signed_request_is_taken(world: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world, signature={"preset": "stripe", "secret": "${env:SFC_TEST_HOOK}"})
    hooks = Webhooks(world.engine)
    seconds = BEGIN // 1_000
    signature = hmac.new(b"s3cret", f"{seconds}.".encode() + b'{"id": 4711}', "sha256").hexdigest()
    signed = request(stripe_signature=f"t={seconds},v1={signature}")
    with pytest.raises(SecretUnavailable):
        await hooks.read("hook", signed)
    monkeypatch.setenv("SFC_TEST_HOOK", "s3cret")
    delivery = await hooks.read("hook", signed)
    assert delivery.input == '{"id":4711}'
    world.now = BEGIN + 301_000
    with pytest.raises(InvalidSignature):
        await hooks.read("hook", signed)
    assert hooks.report(world.catalog.triggers.get("hook")).figures.failed == 2


async def test_the_handshake_of_slack_is_answered(world: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFC_TEST_HOOK", "s3cret")
    put(world, signature={"preset": "slack", "secret": "${env:SFC_TEST_HOOK}"})
    body, seconds = b'{"type": "url_verification", "challenge": "abc"}', str(BEGIN // 1_000)
    digest = hmac.new(b"s3cret", f"v0:{seconds}:".encode() + body, "sha256").hexdigest()
    sent = request(body, x_slack_request_timestamp=seconds, x_slack_signature=f"v0={digest}")
    delivery = await Webhooks(world.engine).read("hook", sent)
    assert (delivery.reply, delivery.input) == ("abc", None)


async def test_a_change_of_the_trigger_counts_at_once(world: Clocked) -> None:
    hooks = Webhooks(world.engine)
    put(world, input={"v": 1})
    assert (await hooks.read("hook", request())).input == '{"v":1}'
    put(world, input={"v": 2})
    assert (await hooks.read("hook", request())).input == '{"v":2}'
    world.catalog.triggers.pause("hook", True)
    with pytest.raises(TriggerPaused):
        await hooks.read("hook", request())
    world.catalog.triggers.delete("hook")
    with pytest.raises(NotFound):
        await hooks.read("hook", request())


@pytest.mark.parametrize("name", ["nothing", "tick", "hook/x", ""])
async def test_only_webhooks_are_found(world: Clocked, name: str) -> None:
    world.catalog.triggers.put("tick", "schedule", "quick", {"every_s": 60})
    with pytest.raises(NotFound) as unknown:
        await Webhooks(world.engine).read(name, request())
    assert unknown.value.code == "WebhookDoesNotExist"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"'a'", b"[" * 300 + b"]" * 300])
async def test_a_body_that_is_no_json_is_refused(world: Clocked, body: bytes) -> None:
    put(world)
    with pytest.raises(InvalidInput) as refused:
        await Webhooks(world.engine).read("hook", request(body))
    assert refused.value.code == "MalformedJson"


async def test_a_form_with_too_many_fields_is_refused(world: Clocked) -> None:
    put(world)
    form = {"content_type": "application/x-www-form-urlencoded"}
    with pytest.raises(InvalidRequest):
        await Webhooks(world.engine).read("hook", request(b"&".join([b"a=1"] * 1_001), **form))


async def test_what_the_mapping_cannot_use_is_told_with_the_field(world: Clocked) -> None:
    put(world, input="$.body.nothing")
    with pytest.raises(NotMapped) as refused:
        await Webhooks(world.engine).read("hook", request())
    assert (refused.value.status, refused.value.field) == (422, "input")
    put(world)
    with pytest.raises(NotMapped, match="262,1"):
        await Webhooks(world.engine).read("hook", request(json.dumps("x" * 262_150).encode()))
