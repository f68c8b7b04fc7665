"""What a webhook takes: its settings, checked, and whether a request was signed by who knows the secret. Pure.

{"signature": {"preset": "github", "secret": "${env:GITHUB_SECRET}"}, "filter": "{% $states.input.body.ref = 'main' %}"}
{"signature": {"header": "X-Signature", "algorithm": "sha512", "encoding": "base64", "prefix": "sig=",
  "timestamp_header": "X-Time", "signed": "{timestamp}.{body}", "tolerance_s": 300, "secret": "${file:/run/secret}"},
 "dedupe": "X-Delivery"}

The event that filter and mapping see is {"body", "headers", "query", "method"}, with names of headers in lower case.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Members
from dataclasses import dataclass, replace
from typing import Any, Final

from sfc.arn import check_name
from sfc.checks import Check, anything, one_of, read, text, whole
from sfc.errors import InvalidName, InvalidRequest, SfcError
from sfc.jsonvalue import Json
from sfc.limits import WEBHOOK_SECRETS, WEBHOOK_TOLERANCE_SECONDS
from sfc.secrets import check_reference
from sfc.triggers.mapping import Mapping, read_mapping

DEFAULT_TOLERANCE_S: Final = 300
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_WHSEC: Final = "whsec_"
_SIGNATURES: Final = 16
"""In one header: a service that changes its secret signs with both."""


class InvalidSignature(SfcError):
    """The request was not signed by who knows the secret, or too long ago."""

    status = 401
    code = "InvalidSignature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How requests are signed."""

    header: str
    secrets: tuple[str, ...] = ()
    """References (`sfc.secrets`); any of them may have signed, so that a secret can be replaced."""
    algorithm: str = "sha256"
    """Of the HMAC; `token`: the header holds the secret itself."""
    encoding: str = "hex"
    prefix: str = ""
    """Before the signature."""
    separator: str = ""
    """Between several values in the header; those without the prefix are none of ours."""
    timestamp_header: str = ""
    timestamp_prefix: str = ""
    """Of the value in the signature's own header that is the time."""
    signed: str = "{body}"
    """What is signed: `{body}` is the body as it came, `{timestamp}` the time, any other name a header."""
    tolerance_s: int = DEFAULT_TOLERANCE_S
    """How far the time may be from the server's; it is in Unix seconds."""
    dedupe: str = ""
    """The header with the id of a delivery, where the service has one."""
    key_is_base64: bool = False


PRESETS: Final[Members[str, Signature]] = {
    # Source: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    "github": Signature(header="X-Hub-Signature-256", prefix="sha256=", dedupe="X-GitHub-Delivery"),
    # Source: https://docs.gitlab.com/user/project/integrations/webhooks/
    "gitlab": Signature(header="X-Gitlab-Token", algorithm="token", dedupe="Idempotency-Key"),
    # Source: https://docs.stripe.com/webhooks/signature
    "stripe": Signature(
        header="Stripe-Signature",
        prefix="v1=",
        separator=",",
        timestamp_prefix="t=",
        signed="{timestamp}.{body}",
    ),
    # Source: https://api.slack.com/authentication/verifying-requests-from-slack
    "slack": Signature(
        header="X-Slack-Signature",
        prefix="v0=",
        timestamp_header="X-Slack-Request-Timestamp",
        signed="v0:{timestamp}:{body}",
    ),
    # Source: https://shopify.dev/docs/apps/build/webhooks/subscribe/https
    "shopify": Signature(header="X-Shopify-Hmac-Sha256", encoding="base64", dedupe="X-Shopify-Webhook-Id"),
    # Source: https://www.standardwebhooks.com
    "standard": Signature(
        header="Webhook-Signature",
        encoding="base64",
        prefix="v1,",
        separator=" ",
        timestamp_header="Webhook-Timestamp",
        signed="{webhook-id}.{timestamp}.{body}",
        dedupe="Webhook-Id",
        key_is_base64=True,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    mapping: Mapping
    signature: Signature | None
    """None: every request is taken."""
    preset: str = ""
    dedupe: str = ""
    """The header that is the same when a delivery is repeated; "": none."""

    def execution_name(self, trigger: str, headers: Members[str, str]) -> str | None:
        """The name that a delivery has in the trigger; None when nothing tells deliveries apart."""
        delivery = headers.get(self.dedupe.lower(), "") if self.dedupe else ""
        if not delivery:
            return None
        name = f"{trigger}-{delivery}"
        try:
            return check_name(name)
        except InvalidName:
            return f"{trigger}-{hashlib.sha256(delivery.encode()).hexdigest()[:30]}"


def verify(
    signature: Signature, headers: Members[str, str], body: bytes, now_ms: int, resolve: Callable[[str], str]
) -> None:
    """Returns when the request was signed with one of the secrets.

    `headers` by lower-case name, `body` as it came, `resolve` gives the secret that a reference names. Compares in
    constant time. Raises InvalidSignature, and what `resolve` raises.
    """
    given = headers.get(signature.header.lower())
    if given is None:
        raise InvalidSignature(f"the request has no header {signature.header}", field=signature.header)
    values = given.split(signature.separator) if signature.separator else [given]
    found = [value.strip().removeprefix(signature.prefix) for value in values if _has(value, signature.prefix)]
    if not 1 <= len(found) <= _SIGNATURES:
        raise InvalidSignature(f"{signature.header} holds no signature {signature.prefix}…", field=signature.header)
    secrets = [resolve(reference) for reference in signature.secrets]
    if signature.algorithm == "token":
        matches = [hmac.compare_digest(_bytes(one), secret.encode()) for one in found for secret in secrets]
    else:
        signed = _signed(signature, headers, values, body, now_ms)
        digests = [hmac.digest(_key(signature, secret), signed, signature.algorithm) for secret in secrets]
        matches = [hmac.compare_digest(_decoded(one, signature), digest) for one in found for digest in digests]
    if not any(matches):
        raise InvalidSignature(f"{signature.header} does not fit the request", field=signature.header)


def _bytes(header: str) -> bytes:
    """As they came: HTTP servers read headers as Latin-1, whatever was meant."""
    return header.encode("latin-1", "replace")


def _has(value: str, prefix: str) -> bool:
    return value.strip().startswith(prefix)


def _signed(signature: Signature, headers: Members[str, str], values: Sequence[str], body: bytes, now_ms: int) -> bytes:
    parts = {"body": body}
    if signature.timestamp_header or signature.timestamp_prefix:
        parts["timestamp"] = _timestamp(signature, headers, values, now_ms).encode()

    def part(name: str) -> bytes:
        if name in parts:
            return parts[name]
        header = headers.get(name.lower())
        if header is None:
            raise InvalidSignature(f"the request has no header {name}, which is signed too", field=name)
        return _bytes(header)

    pieces = _PLACE.split(signature.signed)  # text, name, text, name, …, text
    return b"".join(part(piece) if index % 2 else piece.encode() for index, piece in enumerate(pieces))


def _timestamp(signature: Signature, headers: Members[str, str], values: Sequence[str], now_ms: int) -> str:
    """As it was sent. Raises InvalidSignature when it is no time, or too far away."""
    if signature.timestamp_header:
        place, sent = signature.timestamp_header, headers.get(signature.timestamp_header.lower(), "")
    else:
        place, prefix = signature.header, signature.timestamp_prefix
        sent = next((value.strip().removeprefix(prefix) for value in values if _has(value, prefix)), "")
    if not (sent.isascii() and sent.isdecimal() and len(sent) <= 12):
        raise InvalidSignature(f"{place} holds no time in Unix seconds", field=place)
    if abs(now_ms / 1_000 - int(sent)) > signature.tolerance_s:
        raise InvalidSignature(f"the request was signed more than {signature.tolerance_s} s from now", field=place)
    return sent


def _key(signature: Signature, secret: str) -> bytes:
    if not signature.key_is_base64:
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_WHSEC), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSignature("the server's secret is no base64, which this kind of signature needs") from None


def _decoded(text: str, signature: Signature) -> bytes:
    """The digest that was sent; b"" when it cannot be one."""
    try:
        return bytes.fromhex(text) if signature.encoding == "hex" else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def read_webhook(settings: Members[str, Json]) -> Webhook:
    """Raises InvalidRequest that names the field."""
    found = read(_CHECKS, settings, "a webhook")
    if "signature" not in found:
        raise InvalidRequest(
            'signature is missing: how requests are verified; "none" takes every request', field="signature"
        )
    if "name" in found and "dedupe" in found:
        raise InvalidRequest("name and dedupe both name the execution; keep one of them", field="dedupe")
    preset, signature = found["signature"]
    dedupe = found.get("dedupe", "" if signature is None or "name" in found else signature.dedupe)
    return Webhook(mapping=read_mapping(found, "$.body"), signature=signature, preset=preset, dedupe=dedupe)


def _signature(place: str, value: Json) -> tuple[str, Signature | None]:
    if value == "none":
        return "", None
    if not isinstance(value, dict):
        raise InvalidRequest(f'{place} must be an object, or "none"', field=place)
    given = read(_SIGNATURE, value, "a signature", place)
    preset = given.pop("preset", "")
    secrets = given.pop("secret", ())
    if not secrets:
        raise InvalidRequest(f"{place}.secret is missing", field=f"{place}.secret")
    if preset:
        unknown = given.keys() - {"tolerance_s"}
        if unknown:
            field = f"{place}.{min(unknown)}"
            raise InvalidRequest(f"{field} is what the preset {preset} says already", field=field)
        return preset, replace(PRESETS[preset], secrets=secrets, **given)
    if "header" not in given:
        raise InvalidRequest(f"{place}.header is missing: the header with the signature, or a preset", field=place)
    signature = Signature(secrets=secrets, **given)
    names = _PLACE.findall(signature.signed)
    if names.count("body") != 1 or (signature.algorithm == "token" and signature.signed != "{body}"):
        raise InvalidRequest(f"{place}.signed must hold {{body}} once", field=f"{place}.signed")
    if ("timestamp" in names) != bool(signature.timestamp_header):
        raise InvalidRequest(
            f"{place}.timestamp_header and {{timestamp}} in {place}.signed belong together", field=f"{place}.signed"
        )
    for name in names:
        _header(f"{place}.signed", name)
    return "", signature


def _header(place: str, value: Json) -> str:
    if not isinstance(value, str) or not _HEADER.fullmatch(value):
        raise InvalidRequest(f"{place} must be the name of a header", field=place)
    return value


def _secrets(place: str, value: Json) -> tuple[str, ...]:
    """A reference, or several."""
    given = value if isinstance(value, list) else [value]
    if not 1 <= len(given) <= WEBHOOK_SECRETS:
        raise InvalidRequest(f"{place} must name 1 to {WEBHOOK_SECRETS} secrets", field=place)
    return tuple(check_reference(place, each) for each in given)


_SIGNATURE: Final[Members[str, Check]] = {
    "preset": one_of(*PRESETS),
    "secret": _secrets,
    "header": _header,
    "algorithm": one_of("sha256", "sha1", "sha512", "token"),
    "encoding": one_of("hex", "base64"),
    "prefix": text(100),
    "timestamp_header": _header,
    "signed": text(1_000),
    "tolerance_s": whole(1, WEBHOOK_TOLERANCE_SECONDS),
}
_CHECKS: Final[dict[str, Any]] = {
    "signature": _signature,
    "dedupe": _header,
    **dict.fromkeys(("filter", "input", "name"), anything),
}
