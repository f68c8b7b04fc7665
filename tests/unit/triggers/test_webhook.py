"""Requests are taken when they were signed by who knows the secret."""

import base64
import hashlib
import hmac

import pytest

from sfc.jsonvalue import Json
from sfc.secrets import SecretUnavailable
from sfc.triggers.webhook import InvalidSignature, read_webhook, verify

NOW = 1_790_000_000
BODY = b'{"ref": "refs/heads/main",  "n": 1.0}'
SECRETS = {
    "${env:NEW}": "new secret",
    "${env:OLD}": "old secret",
    "${env:STD}": "whsec_" + base64.b64encode(b"std").decode(),
}


def sign(secret: bytes, signed: bytes, algorithm: str = "sha256", encoding: str = "hex") -> str:
    digest = hmac.new(secret, signed, algorithm).digest()
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def check(signature: Json, headers: dict[str, str], body: bytes = BODY, now: int = NOW) -> None:
    found = read_webhook({"signature": signature}).signature
    assert found is not None
    verify(found, {name.lower(): value for name, value in headers.items()}, body, now * 1_000, SECRETS.__getitem__)


def preset(name: str, secret: Json = "${env:NEW}") -> Json:
    return {"preset": name, "secret": secret}


NEW = b"new secret"
STRIPE = f"t={NOW},v1={sign(NEW, f'{NOW}.'.encode() + BODY)}"
SLACK = {
    "X-Slack-Request-Timestamp": str(NOW),
    "X-Slack-Signature": "v0=" + sign(NEW, f"v0:{NOW}:".encode() + BODY),
}
STANDARD = {
    "webhook-id": "msg_1",
    "webhook-timestamp": str(NOW),
    "webhook-signature": "v1a,xyz v1," + sign(b"std", f"msg_1.{NOW}.".encode() + BODY, encoding="base64"),
}
OWN = {
    "header": "X-Sig",
    "algorithm": "sha512",
    "encoding": "base64",
    "prefix": "sig=",
    "timestamp_header": "X-Time",
    "signed": "{x-tenant}/{timestamp}/{body}",
    "secret": "${env:NEW}",
}


@pytest.mark.parametrize(
    ("signature", "headers"),
    [
        pytest.param(preset("github"), {"X-Hub-Signature-256": "sha256=" + sign(NEW, BODY)}, id="github"),
        pytest.param(preset("stripe"), {"Stripe-Signature": STRIPE}, id="stripe"),
        pytest.param(preset("stripe"), {"Stripe-Signature": f"{STRIPE},v1=00,v0=11"}, id="stripe, several"),
        pytest.param(preset("slack"), SLACK, id="slack"),
        pytest.param(preset("shopify"), {"X-Shopify-Hmac-Sha256": sign(NEW, BODY, encoding="base64")}, id="shopify"),
        pytest.param(preset("standard", "${env:STD}"), STANDARD, id="standard"),
        pytest.param(preset("gitlab"), {"X-Gitlab-Token": "new secret"}, id="gitlab"),
        pytest.param(
            preset("github", ["${env:NEW}", "${env:OLD}"]),
            {"X-Hub-Signature-256": "sha256=" + sign(b"old secret", BODY)},
            id="the secret of before",
        ),
        pytest.param(
            OWN,
            {
                "X-Time": str(NOW),
                "X-Tenant": "a",
                "X-Sig": "sig=" + sign(NEW, f"a/{NOW}/".encode() + BODY, "sha512", "base64"),
            },
            id="of its own",
        ),
        pytest.param(
            {"header": "X", "algorithm": "sha1", "secret": "${env:NEW}"}, {"X": sign(NEW, BODY, "sha1")}, id="sha1"
        ),
    ],
)
def test_a_signed_request_is_taken(signature: Json, headers: dict[str, str]) -> None:
    check(signature, headers)


@pytest.mark.parametrize("header", ["Stripe-Signature", "X-Hub-Signature-256"])
def test_a_signature_is_of_the_very_bytes_that_came(header: str) -> None:
    name, value = ("stripe", STRIPE) if header.startswith("Stripe") else ("github", "sha256=" + sign(NEW, BODY))
    check(preset(name), {header: value})
    with pytest.raises(InvalidSignature):
        check(preset(name), {header: value}, BODY.replace(b"  ", b" "))


def test_the_recorded_example_of_github_holds() -> None:
    """Source: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries"""
    found = read_webhook({"signature": preset("github")}).signature
    assert found is not None
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    verify(found, {"x-hub-signature-256": header}, b"Hello, World!", 0, lambda _: "It's a Secret to Everybody")


def test_the_recorded_example_of_slack_holds() -> None:
    """Source: https://api.slack.com/authentication/verifying-requests-from-slack"""
    found = read_webhook({"signature": preset("slack")}).signature
    assert found is not None
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    verify(found, headers, body, 1_531_420_618_000, lambda _: "8f742231b10e8888abcd99yyyzzz85a5")


@pytest.mark.parametrize(
    ("signature", "headers", "now"),
    [
        pytest.param(preset("github"), {}, NOW, id="no header"),
        pytest.param(preset("github"), {"X-Hub-Signature-256": ""}, NOW, id="empty"),
        pytest.param(preset("github"), {"X-Hub-Signature-256": sign(NEW, BODY)}, NOW, id="no prefix"),
        pytest.param(preset("github"), {"X-Hub-Signature-256": "sha256=zz"}, NOW, id="no hex"),
        pytest.param(preset("github"), {"X-Hub-Signature-256": "sha256=é"}, NOW, id="not ASCII"),
        pytest.param(preset("github"), {"X-Hub-Signature-256": "sha256=" + sign(b"x", BODY)}, NOW, id="another secret"),
        pytest.param(preset("shopify"), {"X-Shopify-Hmac-Sha256": "a"}, NOW, id="no base64"),
        pytest.param(preset("stripe"), {"Stripe-Signature": STRIPE}, NOW + 301, id="too old"),
        pytest.param(preset("stripe"), {"Stripe-Signature": STRIPE}, NOW - 301, id="from the future"),
        pytest.param(preset("stripe"), {"Stripe-Signature": STRIPE.partition(",")[2]}, NOW, id="no time"),
        pytest.param(
            preset("stripe"), {"Stripe-Signature": STRIPE.replace("t=1", "t=x")}, NOW, id="a time that is none"
        ),
        pytest.param(preset("stripe"), {"Stripe-Signature": STRIPE.replace("t=1", "t=-1")}, NOW, id="before 1970"),
        pytest.param(preset("stripe"), {"Stripe-Signature": STRIPE + ",v1=0" * 20}, NOW, id="too many signatures"),
        pytest.param(preset("slack"), {**SLACK, "X-Slack-Request-Timestamp": str(NOW + 1)}, NOW, id="another time"),
        pytest.param(preset("standard", "${env:STD}"), {**STANDARD, "webhook-id": "msg_2"}, NOW, id="another id"),
        pytest.param(preset("standard", "${env:NEW}"), STANDARD, NOW, id="a secret that is no base64"),
        pytest.param(OWN, {"X-Time": str(NOW), "X-Sig": "sig=AA=="}, NOW, id="a signed header is missing"),
        pytest.param(preset("gitlab"), {"X-Gitlab-Token": ""}, NOW, id="empty token"),
    ],
)
def test_any_other_request_is_refused(signature: Json, headers: dict[str, str], now: int) -> None:
    with pytest.raises(InvalidSignature) as refused:
        check(signature, headers, now=now)
    assert refused.value.status == 401
    assert not any(secret in refused.value.message for secret in SECRETS.values())


def test_a_token_beyond_ascii_is_compared_as_the_bytes_that_were_sent() -> None:
    found = read_webhook({"signature": preset("gitlab")}).signature
    assert found is not None
    sent = "grüß".encode().decode("latin-1")  # what an HTTP server makes of it
    verify(found, {"x-gitlab-token": sent}, b"", 0, lambda _: "grüß")
    with pytest.raises(InvalidSignature):
        verify(found, {"x-gitlab-token": "grüß€"}, b"", 0, lambda _: "grüß")


def test_a_secret_that_the_server_does_not_have_is_not_the_callers_fault() -> None:
    found = read_webhook({"signature": preset("github")}).signature
    assert found is not None

    def resolve(reference: str) -> str:
        raise SecretUnavailable("the server has no environment variable NEW")

    with pytest.raises(SecretUnavailable):
        verify(found, {"x-hub-signature-256": "sha256=00"}, b"", 0, resolve)


def test_a_repeated_delivery_has_the_same_name() -> None:
    hook = read_webhook({"signature": preset("github")})
    headers = {"x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}
    assert hook.execution_name("pushes", headers) == "pushes-72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert hook.execution_name("pushes", {}) is None


def test_an_id_that_is_no_name_is_replaced_by_its_digest() -> None:
    hook = read_webhook({"signature": "none", "dedupe": "X-Id"})
    long = hook.execution_name("t" * 48, {"x-id": "a/b" * 100})
    assert long == "t" * 48 + "-" + hashlib.sha256(b"a/b" * 100).hexdigest()[:30]
    assert len(long) <= 80
