"""Plain paths, one class for each shape, so that the common ones cost little more than the look-up itself."""

from sfc.asl.expression import Expression, PathError, Scope
from sfc.asl.paths.syntax import Element, Member, ParsedPath, Step
from sfc.jsonvalue import Json


def plain_path(path: ParsedPath) -> Expression:
    """`path` holds members and elements only."""
    steps = path.steps
    if path.root == "$":
        if not steps:
            return Whole(path)
        first = steps[0]
        if len(steps) == 1 and isinstance(first, Member):
            return OneMember(path, first.name)
        return _walk(path)
    return ContextPath(path) if path.root == "$$" else VariablePath(path)


class Whole:
    """`$`: the very same object."""

    __slots__ = ("source",)

    def __init__(self, path: ParsedPath) -> None:
        self.source = path.text

    def evaluate(self, data: Json, scope: Scope) -> Json:
        return data


class OneMember:
    """`$.name`"""

    __slots__ = ("name", "path", "source")

    def __init__(self, path: ParsedPath, name: str) -> None:
        self.path = path
        self.source = path.text
        self.name = name

    def evaluate(self, data: Json, scope: Scope) -> Json:
        try:
            return data[self.name]
        except (KeyError, TypeError):
            raise not_found(self.path, data) from None


class Walk:
    """`$.a.b.c`: members only."""

    __slots__ = ("keys", "path", "source")

    def __init__(self, path: ParsedPath) -> None:
        self.path = path
        self.source = path.text
        self.keys = keys_of(path.steps)

    def evaluate(self, data: Json, scope: Scope) -> Json:
        value = data
        try:
            for key in self.keys:
                value = value[key]
        except (KeyError, TypeError):
            raise not_found(self.path, data) from None
        return value


class IndexedWalk(Walk):
    """`$.a[0].b`: where an index could also pick a character of a string, which is no element."""

    __slots__ = ()

    def evaluate(self, data: Json, scope: Scope) -> Json:
        value = data
        try:
            for key in self.keys:
                if value.__class__ is str:
                    raise not_found(self.path, data)
                value = value[key]
        except (KeyError, IndexError, TypeError):
            raise not_found(self.path, data) from None
        return value


def _walk(path: ParsedPath) -> Walk:
    return Walk(path) if all(isinstance(step, Member) for step in path.steps) else IndexedWalk(path)


class ContextPath:
    """`$$…`"""

    __slots__ = ("source", "walk")
    references = 1
    """What it gives is no part of the input, so it can be larger."""

    def __init__(self, path: ParsedPath) -> None:
        self.source = path.text
        self.walk = _walk(path)

    def evaluate(self, data: Json, scope: Scope) -> Json:
        return self.walk.evaluate(scope.context(), scope)


class VariablePath:
    """`$name…`"""

    __slots__ = ("name", "source", "walk")
    references = 1

    def __init__(self, path: ParsedPath) -> None:
        self.source = path.text
        self.name = path.root[1:]
        self.walk = _walk(path)

    def evaluate(self, data: Json, scope: Scope) -> Json:
        return self.walk.evaluate(variable(self.name, self.source, data, scope), scope)


def variable(name: str, source: str, data: Json, scope: Scope) -> Json:
    """Raises PathError when there is no variable `name`."""
    try:
        return scope.variables[name]
    except KeyError:
        raise PathError(source, f"The variable '{name}' is not defined", data) from None


def keys_of(steps: tuple[Step, ...]) -> tuple[str | int, ...]:
    """What to look up for steps that are all plain."""
    return tuple(key_of(step) for step in steps)


def key_of(step: Step) -> str | int:
    assert isinstance(step, (Member, Element))
    return step.name if isinstance(step, Member) else step.index


def not_found(path: ParsedPath, data: Json) -> PathError:
    """The error of a plain path that finds nothing in `data`, in Jayway's words."""
    return PathError(path.text, _why(path.steps, data), data)


def _why(steps: tuple[Step, ...], data: Json) -> str:
    where, value, number = "$", data, 0
    while not (why := _stop(value, steps[number], where, last=number == len(steps) - 1)):
        value, where = value[key_of(steps[number])], f"{where}{steps[number]}"
        number += 1
    return why


def _stop(value: Json, step: Step, where: str, *, last: bool) -> str:
    """Why `step` leads nowhere from `value`, which stands at `where`; empty when it does lead on."""
    if isinstance(step, Member):
        if not isinstance(value, dict):
            return f"Expected to find an object with property {step} in path {where} but found '{kind(value)}'"
        if step.name not in value:
            return f"{'No results for path:' if last else 'Missing property in path'} {where}{step}"
        return ""
    assert isinstance(step, Element)
    if value is None:
        return f"The path {where} is null"
    if not isinstance(value, list):
        return f"Expected to find an array with index {step} in path {where} but found '{kind(value)}'"
    return "" if -len(value) <= step.index < len(value) else f"Index out of bounds when evaluating path {where}{step}"


def kind(value: Json) -> str:
    """The JSON name of a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
