"""What a handler returned or raised, as what a flow can hold: JSON text, or an Error and a Cause."""

import dataclasses
import math
import traceback
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from sfc.jsonvalue import Json, NotJson, check_depth
from sfc.limits import CAUSE_CHARS, ERROR_CHARS, JSON_DEPTH
from sfc.tasks.context import TaskError

_HERE: Final = str(Path(__file__).parent)
_FRAMES: Final = 32
_MESSAGE_CHARS: Final = 8_192


class Failed(NamedTuple):
    error: str
    cause: str | None


class Begun(NamedTuple):
    """What a route gives that has only begun a service's job."""

    answer: Json


class Submitted(NamedTuple):
    """The same as JSON text."""

    answer: bytes


def encode(value: Any) -> bytes:
    """JSON text of a handler's result. Raises NotJson for what JSON cannot hold, NaN and infinities too."""
    try:
        text = orjson.dumps(value, default=_plain)
    except TypeError as error:
        raise NotJson(str(error.__cause__ or error)) from None
    if b"null" in text:
        _refuse_nan(value)  # which orjson would write as null
    if text.count(b"[") + text.count(b"{") > JSON_DEPTH:
        check_depth(orjson.loads(text))
    return text


def failure(error: BaseException) -> Failed:
    """Error is the exception's class, Cause the JSON text that Lambda gives: errorMessage, errorType, stackTrace."""
    if isinstance(error, TaskError):
        return Failed(str(error.error)[:ERROR_CHARS], _chosen_cause(error.cause))
    kind = type(error).__name__[:ERROR_CHARS]
    cause: dict[str, Json] = {"errorMessage": _message(error), "errorType": kind, "stackTrace": _trace(error)}
    text = orjson.dumps(cause).decode()
    while len(text) > CAUSE_CHARS:
        if cause["stackTrace"]:
            cause["stackTrace"] = cause["stackTrace"][len(cause["stackTrace"]) // 2 + 1 :]
        else:
            cause["errorMessage"] = cause["errorMessage"][: len(cause["errorMessage"]) // 2]
        text = orjson.dumps(cause).decode()
    return Failed(kind, text)


def invalid_result(name: str, error: NotJson) -> Failed:
    return Failed("SFC.InvalidResult", f"The result of {name} is no JSON value: {error}"[:CAUSE_CHARS])


def _chosen_cause(cause: Json) -> str | None:
    if cause is None:
        return None
    if isinstance(cause, str):
        return _clean(cause)[:CAUSE_CHARS]
    try:
        return encode(cause).decode()[:CAUSE_CHARS]
    except NotJson:
        return _clean(repr(cause))[:CAUSE_CHARS]


def _message(error: BaseException) -> str:
    try:
        return _clean(str(error)[:_MESSAGE_CHARS])
    except Exception as broken:  # noqa: BLE001 - a user's __str__ can raise anything
        return f"<{type(broken).__name__} while the message was made>"


def _trace(error: BaseException) -> list[str]:
    try:
        frames = traceback.extract_tb(error.__traceback__, limit=-_FRAMES)
        return [_clean(line) for line in traceback.format_list(f for f in frames if not f.filename.startswith(_HERE))]
    except Exception:  # noqa: BLE001 - the trace is a courtesy; memory or stack may be short here
        return []


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _plain(value: Any) -> Any:
    if hasattr(value, "__pydantic_validator__"):
        dumped = value.model_dump(mode="json") if hasattr(value, "model_dump") else dataclasses.asdict(value)
        _refuse_nan(dumped)
        return dumped
    raise TypeError(f"{type(value).__name__} is not JSON")


def _refuse_nan(value: Any) -> None:
    todo = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, float):
            if not math.isfinite(node):
                raise NotJson(f"{node} is not JSON")
        elif isinstance(node, dict):
            todo.extend(node.values())
        elif isinstance(node, (list, tuple)):
            todo.extend(node)
        elif dataclasses.is_dataclass(node) and not isinstance(node, type):
            todo.extend(getattr(node, field.name) for field in dataclasses.fields(node))
