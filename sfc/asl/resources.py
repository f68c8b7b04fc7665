"""What a Task's `Resource` may say.

Lambda function ARNs, service integrations `arn:aws:states:::service:action[.pattern]`, activity ARNs, and SFC's own
`task:<name>[:version]`, `kafka:<topic>[.waitForTaskToken]`, `http(s)://…` and
`grpc(s)://host:port/package.Service/Method`. Other ARNs are valid in the language: a service that nobody here serves.
"""

import re
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from sfc.asl.model import Resource
from sfc.limits import ARN_CHARS

_ARN: Final = re.compile(r"arn:(aws[\w-]*):([\w-]+):([\w-]*):([\w-]*):(\S+)")
_TASK: Final = re.compile(r"task:([^\s:]+)(?::([^\s:]+))?")
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_PATTERNS: Final = ("waitForTaskToken", "sync:2", "sync")
_URL_CHARS: Final = 2_048
_GRPC_METHOD: Final = re.compile(r"/[A-Za-z_][\w.]*/[A-Za-z_]\w*", re.ASCII)

NOT_AN_ARN: Final = "Value is not a valid resource ARN"


def parse_resource(text: str) -> Resource | str:
    """The resource, or a sentence that says what is wrong with the text."""
    if text.startswith(("http://", "https://")):
        return _url(text)
    if text.startswith(("grpc://", "grpcs://")):
        return _grpc(text)
    if text.startswith("task:"):
        found = _TASK.fullmatch(text)
        if found is None:
            return "Value is not a valid task: write task:<name> or task:<name>:<version>"
        return Resource(text=text, kind="task", service="task", action=found[1], version=found[2] or "")
    if text.startswith("kafka:"):
        return _kafka(text)
    arn = _ARN.fullmatch(text)
    if arn is None or len(text) > ARN_CHARS:
        return f"{NOT_AN_ARN}, a task:<name>, a kafka:<topic>, an http(s) or a grpc(s) URL"
    return _arn(text, arn[2], arn[3], arn[5])


def _url(text: str) -> Resource | str:
    if _split(text) is None:
        return "Value is not a valid http(s) URL"
    return Resource(text=text, kind="http", service="http", action=text)


def _grpc(text: str) -> Resource | str:
    parts = _split(text)
    if (
        parts is None
        or parts.port is None
        or "@" in parts.netloc
        or not _GRPC_METHOD.fullmatch(text[text.find("/", 8) :])
    ):
        return "Value is not a valid gRPC method: write grpc://<host>:<port>/<package.Service>/<Method>, or grpcs://"
    return Resource(text=text, kind="grpc", service="grpc", action=text)


def _kafka(text: str) -> Resource | str:
    pattern: Literal["", "waitForTaskToken"] = "waitForTaskToken" if text.endswith(".waitForTaskToken") else ""
    topic = text.removeprefix("kafka:").removesuffix(".waitForTaskToken")
    if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
        return "Value is not a valid topic: write kafka:<topic> or kafka:<topic>.waitForTaskToken"
    return Resource(text=text, kind="kafka", service="kafka", action=topic, pattern=pattern)


def _split(url: str) -> SplitResult | None:
    """None: no URL with a host."""
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if known and len(url) <= _URL_CHARS and not any(each.isspace() for each in url) else None


def _arn(text: str, service: str, region: str, rest: str) -> Resource | str:
    if service == "lambda":
        kind, _, name = rest.partition(":")
        if kind != "function" or not name:
            return f"{NOT_AN_ARN}: a Lambda ARN ends in function:<name>"
        return Resource(text=text, kind="function", service="lambda", action=name, region=region)
    if service != "states":
        return Resource(text=text, kind="service", service=service, action=rest, region=region)
    if rest.startswith("activity:"):
        name = rest.removeprefix("activity:")
        return Resource(text=text, kind="activity", service="activity", action=name, region=region)
    return _integration(text, region, rest)


def _integration(text: str, region: str, rest: str) -> Resource | str:
    pattern = next((each for each in _PATTERNS if rest.endswith(f".{each}")), "")
    body = rest.removesuffix(f".{pattern}") if pattern else rest
    service, _, action = body.rpartition(":")
    if not service or not action or "." in action:
        return f"{NOT_AN_ARN}: a service integration reads arn:aws:states:::<service>:<action>[.<pattern>]"
    match pattern:
        case "sync" | "sync:2" | "waitForTaskToken":
            return Resource(text=text, kind="service", service=service, action=action, pattern=pattern, region=region)
        case _:
            return Resource(text=text, kind="service", service=service, action=action, region=region)


def is_foreign(resource: Resource) -> bool:
    """Whether the ARN is of a service that is neither Lambda nor Step Functions."""
    return resource.kind == "service" and ":states:" not in resource.text[: len("arn:aws-us-gov:states:")]
