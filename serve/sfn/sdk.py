"""The actions as state machines call them: `arn:aws:states:::aws-sdk:sfn:sendTaskSuccess`.

Parameters and results are spelled with capitals, texts may be given as JSON values, and times are told as texts.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson

from serve.sfn.endpoint import ACTIONS, PREFIX
from serve.sfn.shapes import Field, Shape, check
from sfc.asl.timestamps import format_ms
from sfc.engine.engine import Engine
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json

_OPAQUE: Final = ("variableReferences",)
"""Members whose own keys are data."""


def sdk_of(engine: Engine) -> Callable[[str, dict[str, Json]], Awaitable[Json]]:
    """What `Engine.serve_api` takes."""

    async def call(action: str, parameters: dict[str, Json]) -> Json:
        target = PREFIX + (action[:1].upper() + action[1:]).encode()
        if target not in ACTIONS:
            raise InvalidRequest(f"Unknown operation: {action[:100]}", code="UnknownOperation")
        shape, act = ACTIONS[target]
        body = _request(shape, parameters)
        check(shape, body)
        return _result(await act(engine, body))

    return call


def _request(shape: Shape, parameters: Mapping[str, Json]) -> dict[str, Any]:
    body = {}
    for name, value in parameters.items():
        key = name[:1].lower() + name[1:]
        if key not in shape or name == key:
            raise InvalidRequest(f"The field '{name}' is not supported by this action", field=name)
        if value is not None:
            body[key] = _parameter(shape[key], value)
    return body


def _parameter(field: Field, value: Json) -> Any:
    if field.type is str and isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    if field.shape is not None and isinstance(value, dict):
        return _request(field.shape, value)
    if field.item is not None and isinstance(value, list):
        return [_parameter(field.item, each) for each in value]
    return value


def _result(value: Any, name: str = "") -> Json:
    """As the SDK gives it; members without a value are left out."""
    if isinstance(value, dict):
        if name in _OPAQUE:
            return value
        return {
            key[:1].upper() + key[1:]: _result(member, key) for key, member in value.items() if member is not None
        }  # fmt: skip
    if isinstance(value, list):
        return [_result(each) for each in value]
    if isinstance(value, float) and (name.endswith("Date") or name == "timestamp"):
        return format_ms(int(value * 1000))
    return value
