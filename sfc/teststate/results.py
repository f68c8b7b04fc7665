"""Whether a mocked result could be an answer of the API that the state calls, by botocore's model of it."""

from functools import cache
from typing import Any, Final, Literal

from sfc.asl.model import Resource
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.tasks.aws.services import Integration, Models, Names, NoSuchOperation, member_name

Shape = Any
"""A shape of botocore's models, which are not typed."""
_OTHERWISE: Final = frozenset({"http", "apigateway", "eks"})
"""Optimised integrations whose results are no answers of an API."""
_BY_ANOTHER_NAME: Final = {"lambda": "lambda", "states": "stepfunctions"}
"""Optimised integrations that are no calls by boto3 here, and still answer as their API does."""
_FREE: Final = frozenset({("lambda", "Payload"), ("lambda", "ExecutedVersion")})
"""Members that the integration turns into any JSON value."""
_TYPES: Final[dict[str, tuple[Any, str]]] = {
    "string": ((str,), "a string"),
    "character": ((str,), "a string"),
    "blob": ((str,), "a string"),
    "timestamp": ((str,), "a string"),
    "boolean": ((bool,), "a boolean"),
    "integer": ((int,), "a number"),
    "long": ((int,), "a number"),
    "float": ((int, float), "a number"),
    "double": ((int, float), "a number"),
    "structure": ((dict,), "an object"),
    "map": ((dict,), "an object"),
    "list": ((list,), "an array"),
}


def check_result(resource: Resource, result: Json, mode: Literal["STRICT", "PRESENT", "NONE"]) -> None:
    """Raises InvalidRequest in AWS's words. What no model is known for is taken as it is, also without botocore.

    PRESENT looks at the members that are there, STRICT also misses those that must be; members that the API does not
    have are taken by both.
    """
    if mode == "NONE" or resource.kind != "service" or resource.service in _OTHERWISE or "sync" in resource.pattern:
        return
    found = _answer(resource)
    if found is not None:
        shape, older = found
        free = frozenset(name for service, name in _FREE if service == resource.service)
        _check(shape, result, "", mode == "STRICT", older, free)


def _answer(resource: Resource) -> tuple[Shape, bool] | None:
    """The model of what the API answers, and whether its members are spelled the older way."""
    models = _models()
    if models is None:
        return None
    try:
        integration = _integration(models, resource)
        shape = models.operation(integration).output_shape
    except NoSuchOperation:
        return None
    return None if shape is None else (shape, integration.older)


def _integration(models: Models, resource: Resource) -> Integration:
    client = _BY_ANOTHER_NAME.get(resource.service)
    if client is None:
        return models.integration(resource)
    return Integration(client, models.named(client, resource.action), Names(client, "", client))


@cache
def _models() -> Models | None:
    try:
        return Models()
    except ImportError:
        return None


def _check(shape: Shape, value: Json, name: str, strict: bool, older: bool, free: frozenset[str]) -> None:
    """`name` is the innermost member: lists and maps have that of the member that holds them."""
    kind = shape.type_name
    if kind not in _TYPES:  # a document: anything
        return
    types, wanted = _TYPES[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "boolean"):
        raise _refused(f"Field '{name}' must be {wanted}" if name else f"It must be {wanted}")
    if kind == "structure":
        _check_structure(shape, value, strict, older, free)
    elif kind == "list":
        for item in value:
            _check(shape.member, item, name, strict, older, free)
    elif kind == "map":
        for item in value.values():
            _check(shape.value, item, name, strict, older, free)
    else:
        _check_bounds(shape, value, name)


def _check_structure(shape: Shape, value: dict[str, Json], strict: bool, older: bool, free: frozenset[str]) -> None:
    members = {member_name(name, older): member for name, member in shape.members.items()}
    if strict:
        for name in shape.required_members:
            if member_name(name, older) not in value:
                raise _refused(f"Required field '{member_name(name, older)}' is missing")
    for name, given in value.items():
        if name in members and name not in free:
            _check(members[name], given, name, strict, older, frozenset())


def _check_bounds(shape: Shape, value: Any, name: str) -> None:
    bounds = shape.metadata
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        raise _refused(f"Field '{name}' is not an expected value")
    if isinstance(value, str):
        if len(value) < bounds.get("min", 0):
            raise _refused(f"Field '{name}' is smaller than the minimum length")
        if len(value) > bounds.get("max", len(value)):
            raise _refused(f"Field '{name}' exceeds the maximum length")
    elif not isinstance(value, bool):
        if value < bounds.get("min", value):
            raise _refused(f"Field '{name}' is less than the minimum value")
        if value > bounds.get("max", value):
            raise _refused(f"Field '{name}' exceeds the maximum value")


def _refused(problem: str) -> InvalidRequest:
    return InvalidRequest(f"Mock result schema validation error: {problem}")
