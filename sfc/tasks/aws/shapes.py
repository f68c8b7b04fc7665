"""Parameters as a service's API wants them, and its answer as JSON.

Fields of an API begin with a capital letter whatever the API calls them. A text may be given as any JSON value (a
message body, an input of an execution): it becomes JSON text. A stream is always JSON text, so that a string keeps its
quotes: recorded from the service.
"""

import base64
import datetime
import decimal
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sfc.jsonvalue import Json, text
from sfc.limits import PAYLOAD_BYTES
from sfc.tasks.aws.services import member_name

Shape = Any
"""A shape of botocore's models, which are not typed."""

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class WrongParameters(Exception):
    """The text is in the words of Step Functions."""


def request_of(shape: Shape | None, parameters: Json, *, older: bool) -> dict[str, Any]:
    """Arguments for boto3. Null stands for a field that is not given. Raises WrongParameters."""
    if not isinstance(parameters, dict):
        raise WrongParameters("The parameters must be an object")
    found = _structure(shape, parameters, older)
    members = {} if shape is None else shape.members
    for name in _in_path(members):
        if found.get(name) in (None, ""):
            raise WrongParameters(f"The field '{member_name(name, older)}' is required but was missing")
    if "ContentType" in members and any(members[name].serialization.get("streaming") for name in found):
        found.setdefault("ContentType", "text/plain; charset=UTF-8")  # what the SDK for Java says of a text
    return found


def _in_path(members: dict[str, Shape]) -> Iterator[str]:
    """Members without which there is no address to send the request to."""
    for name, member in members.items():
        if member.serialization.get("location") == "uri":
            yield name


def _structure(shape: Shape | None, value: dict[str, Json], older: bool) -> dict[str, Any]:
    known = {} if shape is None else shape.members
    names = {member_name(name, older): name for name in known} | {name[:1].upper() + name[1:]: name for name in known}
    found = {}
    for field, given in value.items():
        if field not in names:
            raise WrongParameters(f'The field "{field}" is not supported by Step Functions')
        if given is not None:
            name = names[field]
            with _inside(field):
                found[name] = _given(known[name], given, older)
    return found


@contextmanager
def _inside(field: str) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError, OverflowError):
        raise WrongParameters(f"The value of the field '{field}' has an invalid format") from None


def _given(shape: Shape, value: Json, older: bool) -> Any:
    """The value for a member. Raises TypeError or ValueError when it cannot be one."""
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return value
        return _structure(shape, _must(value, dict), older)
    if kind == "list":
        return [_given(shape.member, item, older) for item in _must(value, list) if item is not None]
    if kind == "map":
        return {key: _given(shape.value, item, older) for key, item in _must(value, dict).items() if item is not None}
    return _SCALARS[kind](shape, value)


def _must(value: Json, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(kind.__name__)
    return value


def _text(_shape: Shape, value: Json) -> str:
    return value if isinstance(value, str) else text(value)


def _blob(shape: Shape, value: Json) -> bytes:
    plain = isinstance(value, str) and not shape.serialization.get("streaming")
    return (value if plain else text(value)).encode()


def _integer(_shape: Shape, value: Json) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError("integer")
    return int(value)


def _number(_shape: Shape, value: Json) -> float:
    if isinstance(value, bool) or not math.isfinite(number := float(value)):
        raise TypeError("number")
    return number


def _flag(_shape: Shape, value: Json) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return bool(_must(value, bool))


def _time(_shape: Shape, value: Json) -> datetime.datetime:
    """RFC 3339, or seconds since 1970."""
    if isinstance(value, str):
        found = datetime.datetime.fromisoformat(value)
        return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)
    return _EPOCH + datetime.timedelta(seconds=_number(_shape, value))


_SCALARS: Final[dict[str, Callable[[Shape, Json], Any]]] = {
    "string": _text, "char": _text, "blob": _blob, "boolean": _flag, "timestamp": _time,
    "integer": _integer, "long": _integer, "float": _number, "double": _number,
    "bigdecimal": lambda shape, value: decimal.Decimal(repr(_number(shape, value))),
}  # fmt: skip


def result_of(shape: Shape | None, answer: dict[str, Any], *, older: bool) -> dict[str, Json]:
    """The answer of boto3 as JSON. A stream is read to just above the limit of a result, which then is refused."""
    known = {} if shape is None else shape.members
    return {
        member_name(name, older): _returned(known[name], value, older)
        for name, value in answer.items()
        if name in known and value is not None
    }


def _returned(shape: Shape, value: Any, older: bool) -> Json:
    kind = shape.type_name
    if kind == "structure":
        return value if getattr(shape, "is_document_type", False) else result_of(shape, value, older=older)
    if kind == "list":
        return [_returned(shape.member, item, older) for item in value]
    if kind == "map":
        return {key: _returned(shape.value, item, older) for key, item in value.items()}
    if kind == "timestamp":
        return _written(value, older)
    if kind == "blob":
        return _plain(value if isinstance(value, bytes) else value.read(PAYLOAD_BYTES + 1))
    return float(value) if isinstance(value, decimal.Decimal) else value


def _plain(value: bytes) -> str:
    """Text where it is some; anything else in base64."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _written(value: datetime.datetime, older: bool) -> Json:
    """Milliseconds since 1970 as the older integrations write dates, else RFC 3339 with no more digits than needed."""
    passed = value - _EPOCH if value.tzinfo is not None else value.replace(tzinfo=datetime.UTC) - _EPOCH
    if older:
        return passed // datetime.timedelta(milliseconds=1)
    seconds = (_EPOCH + passed).strftime("%Y-%m-%dT%H:%M:%S")
    micros = (_EPOCH + passed).microsecond
    if micros == 0:
        return f"{seconds}Z"
    return f"{seconds}.{micros // 1000:03d}Z" if micros % 1000 == 0 else f"{seconds}.{micros:06d}Z"


def metadata_of(about: dict[str, Any]) -> dict[str, Json]:
    """What the older integrations add to a result, of boto3's ResponseMetadata."""
    headers = {_header(name): str(value) for name, value in about.get("HTTPHeaders", {}).items()}
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": about.get("HTTPStatusCode", 200),
        },
        "SdkResponseMetadata": {"RequestId": about.get("RequestId", "")},
    }


def _header(name: str) -> str:
    """boto3 writes names in small letters."""
    if name.startswith("x-amzn-"):
        return "x-amzn-RequestId" if name == "x-amzn-requestid" else name
    return name if name.startswith("x-") else name.title()
