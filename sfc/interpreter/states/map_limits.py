"""The numbers of a Map: literal, or found by a path. A text that is a number will do, as the service's runs show."""

from sfc.asl.expression import Expression, Scope, runtime_error
from sfc.jsonvalue import Json, text


def evaluated_integer(value: int | Expression, field: str, data: Json, scope: Scope) -> int:
    """Raises FlowError States.Runtime in AWS's words."""
    if isinstance(value, int):
        return value
    found = value.evaluate(data, scope)
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    try:
        if isinstance(found, str) and found.isascii():
            return int(found)
    except ValueError:
        pass
    raise _invalid(field, found, "integer", value)


def evaluated_percentage(value: float | Expression, field: str, data: Json, scope: Scope) -> float:
    """Raises FlowError States.Runtime in AWS's words."""
    if isinstance(value, (int, float)):
        return value
    found = value.evaluate(data, scope)
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        return found
    try:
        if isinstance(found, str) and found.isascii():
            return float(found)
    except ValueError:
        pass
    raise _invalid(field, found, "float", value)


def max_concurrency(value: int | Expression, data: Json, scope: Scope) -> int:
    """0: as many as there may be."""
    found = evaluated_integer(value, "MaxConcurrency", data, scope)
    if found < 0:
        raise runtime_error("MaxConcurrency cannot be negative.")
    return found


def _invalid(field: str, found: Json, kind: str, path: Expression) -> Exception:
    shown = found if isinstance(found, str) else text(found)
    return runtime_error(f'The {field}Path field refers to value "{shown}" which is not a valid {kind}: {path.source}')
