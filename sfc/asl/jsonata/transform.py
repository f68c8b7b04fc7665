"""The transform operator, `| pattern | update, delete |`: a copy of an object with parts of it changed."""

from typing import Any

from sfc.asl.jsonata.text import shown
from sfc.asl.jsonata.values import UNDEFINED, Code, Env, Fault, items_of


def transformation(value: Any, pattern: Code, update: Code, delete: Code | None, env: Env) -> Any:
    """The changed copy; what a flow owns is never changed. Raises Fault T2011, T2012."""
    if value is UNDEFINED:
        return UNDEFINED
    if not isinstance(value, (dict, list)):
        raise Fault("T0410", 'Argument 1 of function "transform" does not match function signature')
    own: dict[int, dict[str, Any]] = {}
    copied = _copy(value, own, env)
    for match in items_of(pattern(copied, env)):
        if id(match) not in own:
            continue  # something that is no part of the copy
        made = update(match, env)
        if made is not UNDEFINED:
            if not isinstance(made, dict):
                raise Fault(
                    "T2011",
                    f"The insert/update clause of the transform expression must evaluate to an object: {shown(made)}",
                )
            match.update(made)
        if delete is not None:
            _delete(match, delete(match, env))
    return copied


def _copy(value: Any, own: dict[int, dict[str, Any]], env: Env) -> Any:
    env.meter.spend(1)
    if not isinstance(value, (dict, list)):
        return value
    env.meter.deeper(1)
    made: Any
    if isinstance(value, dict):
        made = {key: _copy(member, own, env) for key, member in value.items()}
        own[id(made)] = made
    else:
        made = [_copy(item, own, env) for item in value]
    env.meter.depth -= 1
    return made


def _delete(match: dict[str, Any], names: Any) -> None:
    for name in items_of(names):
        if not isinstance(name, str):
            raise Fault(
                "T2012",
                "The delete clause of the transform expression must evaluate to a string or array of strings: "
                + shown(names),
            )
        match.pop(name, None)
