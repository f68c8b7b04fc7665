"""Logging, tracing and encryption of a state machine: checked and kept as AWS does, without effect here.

In a machine's settings stands only what differs from the default, so that an empty configuration equals none.
"""

from collections.abc import Mapping
from typing import Any, Final

from sfc.catalog.version import Version
from sfc.errors import InvalidRequest

Body = dict[str, Any]

_DEFAULTS: Final[dict[str, Body]] = {
    "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
    "tracingConfiguration": {"enabled": False},
    "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
}


def given(body: Body) -> Body:
    """The configurations in a request, complete. Raises InvalidRequest for one that AWS would not take."""
    found = {key: {**default, **_present(body[key])} for key, default in _DEFAULTS.items() if body.get(key) is not None}
    if "loggingConfiguration" in found:
        _check_logging(found["loggingConfiguration"])
    if "encryptionConfiguration" in found:
        _check_encryption(found["encryptionConfiguration"])
    return found


def settings(before: Body, configurations: Body) -> Body:
    """A machine's settings with these configurations in the place of those before."""
    together = {**before, **configurations}
    return {key: value for key, value in together.items() if value != _DEFAULTS.get(key)}


def described(version: Version) -> Body:
    """All three, as Describe… tells them."""
    return {key: version.settings.get(key, default) for key, default in _DEFAULTS.items()}


def encryption(settings: Mapping[str, Any]) -> Any:
    """Of an activity, as DescribeActivity tells it."""
    return settings.get("encryptionConfiguration", _DEFAULTS["encryptionConfiguration"])


def _present(configuration: Body) -> Body:
    """Without members that are null, and without an empty list of destinations."""
    return {key: value for key, value in configuration.items() if value not in (None, [])}


def _check_logging(logging: Body) -> None:
    destinations = logging.get("destinations", [])
    if len(destinations) > 1 or (logging["level"] != "OFF" and not destinations):
        raise InvalidRequest(
            "Invalid Logging Configuration: Must specify exactly one Log Destination.",
            code="InvalidLoggingConfiguration",
        )
    for destination in destinations:
        group = (destination.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn") or ""
        if ":logs:" not in group or ":log-group:" not in group:
            raise InvalidRequest(
                "Invalid Logging Configuration: Log Destination must be the ARN of a log group.",
                code="InvalidLoggingConfiguration",
            )


def _check_encryption(encryption: Body) -> None:
    own = encryption["type"] == "CUSTOMER_MANAGED_KMS_KEY"
    if own and "kmsKeyId" not in encryption:
        problem = "kmsKeyId must be given for a CUSTOMER_MANAGED_KMS_KEY."
    elif not own and len(encryption) > 1:
        problem = "kmsKeyId and kmsDataKeyReusePeriodSeconds need a CUSTOMER_MANAGED_KMS_KEY."
    else:
        return
    raise InvalidRequest(f"Invalid Encryption Configuration: {problem}", code="InvalidEncryptionConfiguration")
