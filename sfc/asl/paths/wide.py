"""Paths with wide steps, found by jsonpath-ng, under Jayway's rules.

jsonpath-ng has no `&&`, `||`, `!`, `in` or `[?()]` on a single object, and nothing that bounds its work; so the steps
here are its own classes behind a counter, and filters are ours. Its expression is put together for each evaluation
(a few objects), which keeps the counter out of shared state.
"""

import operator
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

from jsonpath_ng.jsonpath import DatumInContext, Descendants, Index, JSONPath, Slice, This, Wildcard

from sfc.asl.expression import PathError, Scope, runtime_error
from sfc.asl.functions import identity, is_number
from sfc.asl.paths.plain import not_found, variable
from sfc.asl.paths.regex import compile_regex
from sfc.asl.paths.syntax import (
    All,
    AnyOf,
    Compare,
    Descent,
    Element,
    Elements,
    Every,
    Exists,
    Length,
    Literal,
    Matches,
    Member,
    Members,
    Not,
    Operand,
    ParsedPath,
    Range,
    Step,
    Test,
    Where,
)
from sfc.jsonvalue import Json
from sfc.limits import PATH_VISITS

_ORDERS: Final[dict[str, Callable[[Json, Json], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class WidePath:
    """Implements `Expression` for every path that is not plain."""

    __slots__ = ("path", "source")
    references = 1_000
    """`$..*` can hold each value once for every level above it, so what it gives has to be counted with care."""

    def __init__(self, path: ParsedPath) -> None:
        self.path = path
        self.source = path.text

    def evaluate(self, data: Json, scope: Scope) -> Json:
        root = self.path.root
        if root == "$$":
            data = scope.context()
        elif root != "$":
            data = variable(root[1:], self.source, data, scope)
        return _Search(data, self.source).value(self.path)


class _Search:
    """One evaluation: the document, and how much of it may still be looked at."""

    __slots__ = ("left", "root", "source")

    def __init__(self, root: Json, source: str) -> None:
        self.root = root
        self.source = source
        self.left = PATH_VISITS

    def spend(self, visits: int) -> None:
        self.left -= visits
        if self.left < 0:
            raise runtime_error(f"Invalid path '{self.source}' : it looks at more than {PATH_VISITS} values")

    def value(self, path: ParsedPath) -> Json:
        """Raises PathError when the path is definite and finds nothing."""
        steps = path.steps
        counts = isinstance(steps[-1], Length)
        found = self.find(steps[:-1] if counts else steps, self.root)
        if not _is_definite(steps[:-1] if counts else steps):
            return len(found) if counts else found
        if not found:
            if any(isinstance(step, Members) for step in steps):
                raise PathError(path.text, f"No results for path: {path.text}", self.root)
            raise not_found(ParsedPath(path.text, path.root, steps[:-1] if counts else steps), self.root)
        if not counts:
            return found[0]
        if not isinstance(found[0], (list, dict)):
            raise PathError(path.text, "length() needs an array or an object", self.root)
        return len(found[0])

    def find(self, steps: tuple[Step, ...], start: Json) -> list[Json]:
        """The values that `steps` lead to."""
        nodes = [DatumInContext(start)]
        deep = False
        for number, step in enumerate(steps):
            if isinstance(step, Descent):
                deep = True
                continue
            finder = self.finder(step, deep=deep, last=number == len(steps) - 1)
            whole = Descendants(This(), finder) if deep else finder
            nodes = [found for node in nodes for found in whole.find(node)]
            deep = False
        return [node.value for node in nodes]

    def finder(self, step: Step, *, deep: bool, last: bool) -> "_Step":
        match step:
            case Member(name):
                return _Names(self, (name,))
            case Members(names):
                return _Merge(self, names) if last else _Names(self, names)
            case Element(index):
                return _Borrowed(self, Index(index))
            case Elements(indexes):
                return _Borrowed(self, Index(*indexes))
            case Range(start, end):
                return _Borrowed(self, Slice(start or 0, end))
            case Where(test):
                return _Filter(self, test, deep)
            case _:
                assert isinstance(step, Every)
                return _Borrowed(self, Wildcard())

    def holds(self, test: Test, value: Json) -> bool:
        self.spend(1)
        match test:
            case All(parts):
                return all(self.holds(part, value) for part in parts)
            case AnyOf(parts):
                return any(self.holds(part, value) for part in parts)
            case Not(part):
                return not self.holds(part, value)
            case Exists(operand):
                return self.operand(operand, value) is not _NOTHING
            case Matches(left, pattern, ignore_case):
                text = self.operand(left, value)
                if not isinstance(text, str):
                    return False
                return compile_regex(pattern, ignore_case)(text, self.spend)
            case _:
                assert isinstance(test, Compare)
                left_value, right_value = self.operand(test.left, value), self.operand(test.right, value)
                return self.compare(left_value, test.operator, right_value)

    def operand(self, operand: Operand | Literal, value: Json) -> Json:
        """The operand's value, _NOTHING when its path finds none."""
        if isinstance(operand, Literal):
            return operand.value
        start = value if operand.root == "@" else self.root
        steps = operand.steps
        counts = bool(steps) and isinstance(steps[-1], Length)
        if counts:
            steps = steps[:-1]
        found = self.find(steps, start)
        one: Json = found if not _is_definite(steps) else found[0] if found else _NOTHING
        if counts:
            return len(one) if isinstance(one, (list, dict)) else _NOTHING
        return one

    def compare(self, left: Json, sign: str, right: Json) -> bool:
        if sign in {"==", "!="}:
            return self.same(left, right) is (sign == "==")
        if sign in {"in", "nin"}:
            inside = isinstance(right, list) and any(self.same(left, one) for one in right)
            return inside is (sign == "in")
        comparable = (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str))
        return comparable and _ORDERS[sign](left, right)

    def same(self, left: Json, right: Json) -> bool:
        if isinstance(left, (dict, list)) and isinstance(right, (dict, list)):
            self.spend(_weight(left) + _weight(right))
            return identity(left) == identity(right)
        self.spend(1)
        return identity(left) == identity(right) if type(left) is type(right) or is_number(left) else False


_NOTHING: Final = object()


def _is_definite(steps: tuple[Step, ...]) -> bool:
    """Whether there is at most one value to find. Several names at the end are one: they become an object."""
    return all(isinstance(step, (Member, Element)) for step in steps[:-1]) and (
        not steps or isinstance(steps[-1], (Member, Element, Members))
    )


class _Step(JSONPath):
    """Finds the children of one value; descent calls it for every value below."""

    def __init__(self, search: _Search) -> None:
        self.search = search

    def find(self, datum: DatumInContext) -> list[DatumInContext]:
        self.search.spend(1)
        found = self.children(datum)
        self.search.spend(len(found))
        return found

    @abstractmethod
    def children(self, datum: DatumInContext) -> list[DatumInContext]: ...


class _Borrowed(_Step):
    """A step of jsonpath-ng."""

    def __init__(self, search: _Search, step: JSONPath) -> None:
        super().__init__(search)
        self.step = step

    def children(self, datum: DatumInContext) -> list[DatumInContext]:
        found: list[DatumInContext] = self.step.find(datum)
        return found


class _Names(_Step):
    """Members by name. jsonpath-ng's own takes the name `*` for a wildcard."""

    def __init__(self, search: _Search, names: tuple[str, ...]) -> None:
        super().__init__(search)
        self.names = names

    def children(self, datum: DatumInContext) -> list[DatumInContext]:
        value = datum.value
        if not isinstance(value, dict):
            return []
        return [DatumInContext(value[name]) for name in self.names if name in value]


class _Merge(_Step):
    """Several names at the end of a path: an object of those that are there."""

    def __init__(self, search: _Search, names: tuple[str, ...]) -> None:
        super().__init__(search)
        self.names = names

    def children(self, datum: DatumInContext) -> list[DatumInContext]:
        value = datum.value
        if not isinstance(value, dict):
            return []
        return [DatumInContext({name: value[name] for name in self.names if name in value})]


class _Filter(_Step):
    """Elements of an array that pass, or the object itself if it does. Below a descent every object is met by itself,
    so there elements of an array are not tried a second time.
    """

    def __init__(self, search: _Search, test: Test, deep: bool) -> None:
        super().__init__(search)
        self.test = test
        self.deep = deep

    def children(self, datum: DatumInContext) -> list[DatumInContext]:
        value = datum.value
        if isinstance(value, dict):
            return [datum] if self.search.holds(self.test, value) else []
        if not isinstance(value, list):
            return []
        tried = [one for one in value if not isinstance(one, dict)] if self.deep else value
        return [DatumInContext(one) for one in tried if self.search.holds(self.test, one)]


def _weight(value: Json) -> int:
    """How many values there are in `value`."""
    count, todo = 0, [value]
    while todo:
        node = todo.pop()
        count += 1
        if isinstance(node, dict):
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
    return count
