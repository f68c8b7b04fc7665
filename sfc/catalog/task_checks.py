"""What a task meta must look like before the catalog keeps it."""

import base64
import binascii
import re
from typing import Final

from sfc.asl.fields import Fields
from sfc.asl.model import Retrier
from sfc.asl.report import Report
from sfc.asl.resources import parse_resource
from sfc.asl.retry import read_retry
from sfc.catalog.kafka_task import read_kafka_task
from sfc.checks import json_schema
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.limits import MAX_SECONDS
from sfc.task_meta import TaskMeta

_PLACE: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SETTINGS: Final = {
    "python": {"package", "handler", "requirements"},
    "rest": {"url", "method", "headers"},
    "grpc": {"url", "descriptors"},
    "kafka": {
        "topic",
        "layout",
        "key",
        "headers",
        "format",
        "reply",
        "reply_to",
        "relay",
        "partitions",
        "replication",
        "topic_config",
    },
}


def check_meta(meta: TaskMeta) -> None:
    """Raises InvalidRequest that names the field."""
    if meta.kind not in _SETTINGS:
        raise InvalidRequest(f"the type of a task is one of {', '.join(_SETTINGS)}", field="type")
    if not isinstance(meta.description, str):
        raise InvalidRequest("the description is a text", field="description")
    for name in meta.settings:
        if name not in _SETTINGS[meta.kind]:
            raise InvalidRequest(f"a task of type {meta.kind} has no {name}", field=name)
    for field, schema in (("input_schema", meta.input_schema), ("output_schema", meta.output_schema)):
        if schema is not None:
            json_schema(field, schema)
    for field, value in (("timeout_seconds", meta.timeout_s), ("heartbeat_seconds", meta.heartbeat_s)):
        if value is not None and not (type(value) is int and 0 < value <= MAX_SECONDS):
            raise InvalidRequest(f"{field} is a whole number from 1 to {MAX_SECONDS}", field=field)
    if meta.heartbeat_s is not None and meta.timeout_s is not None and meta.heartbeat_s >= meta.timeout_s:
        raise InvalidRequest("heartbeat_seconds must be smaller than timeout_seconds", field="heartbeat_seconds")
    retriers_of(meta)
    match meta.kind:
        case "python":
            _check_python(meta)
        case "rest":
            _check_rest(meta)
        case "grpc":
            _check_grpc(meta)
        case "kafka":
            _check_kafka(meta)


def retriers_of(meta: TaskMeta) -> tuple[Retrier, ...]:
    """Its `Retry`, compiled. Raises InvalidRequest."""
    if meta.retry is None:
        return ()
    report = Report()
    retriers = read_retry(Fields({"Retry": meta.retry}, "", report))
    if not report.valid:
        first = report.diagnostics[0]
        raise InvalidRequest(f"{first.location}: {first.message}", field="retry")
    return retriers


def _check_python(meta: TaskMeta) -> None:
    for field in ("package", "handler"):
        if not isinstance(meta.settings.get(field, ""), str):
            raise InvalidRequest(f"{field} is a text", field=field)
    if meta.settings.get("package") and not _PLACE.fullmatch(str(meta.settings.get("handler", ""))):
        raise InvalidRequest("the handler in a package is written module:function", field="handler")
    requirements = meta.settings.get("requirements", [])
    if not isinstance(requirements, list) or not all(_is_requirement(each) for each in requirements):
        raise InvalidRequest(
            "requirements are a list of pip's: 'httpx>=0.28'; no options, no lines", field="requirements"
        )
    if requirements and not meta.settings.get("package"):
        raise InvalidRequest("requirements belong to a package", field="requirements")


def _is_requirement(text: Json) -> bool:
    """An option of pip's could read files and change where it looks."""
    return isinstance(text, str) and text.isprintable() and bool(text.strip()) and not text.strip().startswith("-")


def _check_rest(meta: TaskMeta) -> None:
    url, headers = meta.settings.get("url"), meta.settings.get("headers", {})
    if not isinstance(url, str) or not url.startswith(("http://", "https://")) or isinstance(parse_resource(url), str):
        raise InvalidRequest("the url of a rest task is an http(s) URL", field="url")
    if meta.settings.get("method", "POST") not in _METHODS:
        raise InvalidRequest(f"the method of a rest task is one of {', '.join(_METHODS)}", field="method")
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise InvalidRequest("the headers of a rest task are an object of texts", field="headers")


def _check_grpc(meta: TaskMeta) -> None:
    url, descriptors = meta.settings.get("url"), meta.settings.get("descriptors")
    if not isinstance(url, str) or not url.startswith("grpc") or isinstance(parse_resource(url), str):
        raise InvalidRequest(
            "the url of a grpc task is grpc(s)://<host>:<port>/<package.Service>/<Method>", field="url"
        )
    if descriptors is None:
        return
    try:
        base64.b64decode(descriptors, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise InvalidRequest("descriptors are a FileDescriptorSet as base64", field="descriptors") from None


def _check_kafka(meta: TaskMeta) -> None:
    task = read_kafka_task(meta.settings)
    for field, value in (("output_schema", meta.output_schema), ("heartbeat_seconds", meta.heartbeat_s)):
        if value is not None and not task.reply:
            raise InvalidRequest(f"{field} is for tasks that are answered: reply must be true", field=field)
