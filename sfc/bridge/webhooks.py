"""Makes of requests to webhooks what they start: trigger found, signature verified, body read, mapping applied."""

import asyncio
import random
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qs

from sfc import jsonvalue
from sfc.engine.engine import Engine
from sfc.errors import InvalidInput, InvalidRequest, NotFound, SfcError, Unavailable
from sfc.jsonvalue import Json
from sfc.limits import PAUSED_RETRY_S
from sfc.secrets import resolve
from sfc.triggers.mapping import MappingFailed
from sfc.triggers.report import Figures, Report
from sfc.triggers.trigger import Trigger
from sfc.triggers.webhook import Webhook, read_webhook, verify

_FORM_FIELDS: Final = 1_000
_HIDDEN: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that hold secrets: an execution's input is read by many."""


class TriggerPaused(Unavailable):
    """The trigger takes nothing now."""

    code = "TriggerPaused"
    retry_after_s = PAUSED_RETRY_S


class NotMapped(SfcError):
    """The request is signed and well-formed, and the trigger's mapping cannot use it; `field` is that of the
    trigger."""

    status = 422
    code = "MappingFailed"


class HookRequest(NamedTuple):
    headers: Mapping[str, str]
    """By lower-case name."""
    query: Mapping[str, Json]
    body: bytes
    """As it came: that is what was signed."""
    method: str = "POST"


class Delivery(NamedTuple):
    """What a request is to start."""

    trigger: Trigger
    input: str | None
    """JSON text; None: nothing is to be started."""
    name: str | None = None
    """The execution's; the same for a repeated delivery."""
    reply: str | None = None
    """What the service that sent it wants to hear back, as text."""


class Webhooks:
    """The webhooks of one engine. Its methods run on the engine's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._figures: dict[int, Figures] = {}
        self._compiled: dict[str, tuple[Trigger, Webhook]] = {}

    async def read(self, name: str, request: HookRequest) -> Delivery:
        """What the request to the webhook of this name is to start.

        Raises NotFound (WebhookDoesNotExist), TriggerPaused, InvalidSignature, SecretUnavailable, InvalidInput
        (MalformedJson), NotMapped.
        """
        trigger = await self._find(name)
        now = self._engine.now()
        try:
            # In a thread: an expression may take its time, and so may the file of a secret.
            delivery = await asyncio.to_thread(self._deliver, trigger, request, now)
        except SfcError as error:
            self._of(trigger).fail(f"{error.code}: {error.message}", now)
            raise
        if delivery.input is None and delivery.reply is None:
            self._of(trigger).left_out += 1
        return delivery

    def note(self, delivery: Delivery, execution: str, *, repeated: bool) -> None:
        """The delivery has its execution; `repeated`: it had it before."""
        figures = self._of(delivery.trigger)
        if repeated:
            figures.repeated += 1
        else:
            figures.start(execution, self._engine.now())

    def report(self, trigger: Trigger) -> Report:
        """See `Reporter`."""
        return Report(figures=self._figures.get(trigger.id, Figures()))

    def _of(self, trigger: Trigger) -> Figures:
        return self._figures.setdefault(trigger.id, Figures())

    async def _find(self, name: str) -> Trigger:
        try:
            trigger = await self._engine.consult(lambda catalog: catalog.triggers.get(name))
        except NotFound:
            trigger = None
        if trigger is None or trigger.kind != "webhook":
            raise NotFound(f"there is no webhook {name!r}", code="WebhookDoesNotExist")
        if trigger.paused:
            raise TriggerPaused(f"the trigger {name} is paused")
        return trigger

    def _deliver(self, trigger: Trigger, request: HookRequest, now: int) -> Delivery:
        hook = self._compile(trigger)
        signature = hook.signature
        if signature is not None:
            verify(signature, request.headers, request.body, now, resolve)
        body = _read_body(request)
        if hook.preset == "slack" and isinstance(body, dict) and body.get("type") == "url_verification":
            return Delivery(trigger, None, reply=str(body.get("challenge", "")))
        hidden = _HIDDEN | {signature.header.lower()} if signature is not None else _HIDDEN
        event = {
            "body": body,
            "headers": {name: value for name, value in request.headers.items() if name not in hidden},
            "query": dict(request.query),
            "method": request.method,
        }
        try:
            mapped = hook.mapping.apply(event, now_ms=now, seed=random.getrandbits(64))
            if mapped is None:
                return Delivery(trigger, None)
            input = mapped.payload().decode()
        except MappingFailed as failed:
            raise NotMapped(failed.detail, field=failed.field) from None
        return Delivery(trigger, input, mapped.name or hook.execution_name(trigger.name, request.headers))

    def _compile(self, trigger: Trigger) -> Webhook:
        known = self._compiled.get(trigger.name)
        if known is None or known[0] is not trigger:
            known = self._compiled[trigger.name] = (trigger, read_webhook(trigger.settings))
        return known[1]


def _read_body(request: HookRequest) -> Json:
    """JSON, unless the request says that it is a form or a text; null when there is none.

    Raises InvalidInput (MalformedJson), InvalidRequest.
    """
    if not request.body:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        text = request.body.decode()
        if kind == "application/x-www-form-urlencoded":
            fields = parse_qs(text, keep_blank_values=True, max_num_fields=_FORM_FIELDS)
            return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
        return text if kind.startswith("text/") else jsonvalue.loads(text)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the body is not UTF-8: {error}", code="MalformedJson") from None
    except jsonvalue.NotJson as error:
        raise InvalidInput(f"the body is not JSON: {error}", code="MalformedJson") from None
    except ValueError:
        raise InvalidRequest(f"the form has more than {_FORM_FIELDS:,} fields", field="body") from None
