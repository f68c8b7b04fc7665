"""Members by name, through arrays as well: what most steps of most paths are."""

from typing import Any

from sfc.asl.jsonata.values import UNDEFINED, ConsArray, Meter, Sequence, settle

Node = Any


def plain_names(node: Node) -> tuple[str, ...] | None:
    """The names of a path that is a root (a name or a variable) and names behind it, with nothing else to any step."""
    if node.type != "path" or node.keep_singleton_array or node.tuple or node.group is not None:
        return None
    first, *rest = node.steps
    if first.type not in ("name", "variable") or any(step.type != "name" for step in rest):
        return None
    return tuple(str(step.value) for step in node.steps) if all(map(_is_plain, node.steps)) else None


def _is_plain(step: Node) -> bool:
    return not (
        step.predicate or step.stages or step.keep_array or step.tuple or step.group is not None
        or step.focus is not None or step.index is not None
    )  # fmt: skip


def pick(value: Any, names: tuple[str, ...], meter: Meter) -> Any:
    """The value at a path of names; through an array it leads to that of each of its items."""
    for at, name in enumerate(names):
        if value.__class__ is dict:
            value = value.get(name, UNDEFINED)
        elif isinstance(value, list):
            return _pick_from_each(value, names[at:], meter)
        else:
            return UNDEFINED
    return value


def _pick_from_each(items: Any, names: tuple[str, ...], meter: Meter) -> Any:
    for at, name in enumerate(names, 1):
        meter.spend(len(items))
        found = [value for item in items if (value := settle(look_up(item, name, meter))) is not UNDEFINED]
        items = flattened(found, at == len(names))
        if not items and at < len(names):
            return UNDEFINED
    return settle(items)


def look_up(value: Any, name: str, meter: Meter) -> Any:
    """The member `name` of an object, or of every object in an array."""
    if value.__class__ is dict:
        return value.get(name, UNDEFINED)
    if not isinstance(value, list):
        return UNDEFINED
    meter.spend(len(value))
    meter.deeper(1)
    found = Sequence()
    for item in value:
        member = item.get(name, UNDEFINED) if item.__class__ is dict else look_up(item, name, meter)
        if isinstance(member, list):
            found.extend(member)
        elif member is not UNDEFINED:
            found.append(member)
    meter.depth -= 1
    return found


def flattened(found: list[Any], last: bool) -> Any:
    """What a step found as one sequence; the only array that a last step finds is left as it is."""
    if len(found) == 1 and last and isinstance(found[0], list) and found[0].__class__ is not Sequence:
        return found[0]
    made = Sequence()
    for value in found:
        if isinstance(value, list) and value.__class__ is not ConsArray:
            made.extend(value)
        else:
            made.append(value)
    return made
