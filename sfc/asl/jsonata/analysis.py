"""What can be told of an expression without running it: which variables and parts of `$states` it reads, and whether
it asks for what there is none of, such as a context item at its top level.
"""

from dataclasses import dataclass
from typing import Any, Final

from sfc.asl.jsonata.functions import FUNCTIONS

Node = Any
STATES_FIELDS: Final = ("input", "context", "result", "errorOutput")


class Unsupported(ValueError):
    """The expression reads something that never exists, in the words of the service."""


@dataclass(frozen=True, slots=True)
class Analysis:
    fields: tuple[str, ...]
    """Parts of `$states` that are read."""
    variables: tuple[str, ...]
    """Names of the workflow's variables that are read, sorted."""
    whole: bool
    """Whether `$states` is read as a whole."""


def analyse(tree: Node) -> Analysis:
    """Raises Unsupported."""
    walk = _Walk()
    walk.visit(tree, frozenset(), top=True)
    fields = tuple(name for name in STATES_FIELDS if name in walk.fields or walk.whole)
    return Analysis(fields, tuple(sorted(walk.variables)), walk.whole)


class _Walk:
    """`bound`: names that the expression itself binds; `top`: whether the context item is that of the whole expression,
    of which there is none.
    """

    def __init__(self) -> None:
        self.variables: set[str] = set()
        self.fields: set[str] = set()
        self.whole = False

    def visit(self, node: Node, bound: frozenset[str], *, top: bool) -> frozenset[str]:
        """Gather from `node`; returns what is bound behind it."""
        if node.type == "path":
            bound = self.path(node, bound, top=top)
        elif node.type == "variable":
            self.variable(str(node.value), bound, top=top)
        elif node.type == "bind":
            bound = self.visit(node.rhs, bound, top=top)
            if node.lhs.value == "states":
                raise Unsupported("The variable '$states' is reserved and cannot be assigned.")
            bound |= {str(node.lhs.value)}
        elif node.type == "block":
            inner = bound
            for part in node.expressions:
                inner = self.visit(part, inner, top=top)
        elif node.type == "lambda":
            inner = bound | {str(each.value) for each in node.arguments}
            self.visit(node.body, inner, top=top and node.thunk)
        else:
            for part in _parts(node):
                bound = self.visit(part, bound, top=top)
        for part in _parts_within(node):
            self.visit(part, bound, top=False)
        return bound

    def path(self, node: Node, bound: frozenset[str], *, top: bool) -> frozenset[str]:
        first = node.steps[0]
        if first.type == "name" and top:
            raise Unsupported(f"Reference to '{first.value}' at the top level is not supported.")
        skip_first = False
        if first.type == "variable" and first.value == "states" and "states" not in bound and len(node.steps) > 1:
            second = node.steps[1]
            if second.type == "name" and not first.predicate and not first.stages:
                self.field(str(second.value))
                skip_first = True
        for number, step in enumerate(node.steps):
            if step.type == "sort":
                for term in step.terms:
                    self.visit(term.expression, bound, top=False)
            elif step.type != "name" and not (number == 0 and skip_first):
                bound = self.visit(step, bound, top=top and number == 0)
            for stage in step.stages or ():
                if stage.type == "filter":
                    self.visit(stage.expr, bound, top=False)
                else:
                    bound |= {str(stage.value)}
            for part in step.predicate or () if step.type == "name" else ():
                self.visit(part.expr, bound, top=False)
            bound |= {str(name) for name in (step.focus, step.index) if name is not None}
        return bound

    def variable(self, name: str, bound: frozenset[str], *, top: bool) -> None:
        if name == "$" and top:
            raise Unsupported("Reference to '$$' at the top level is not supported.")
        if name in bound or name in ("", "$"):
            return
        if name == "states":
            self.whole = True
        elif name not in FUNCTIONS:
            self.variables.add(name)

    def field(self, name: str) -> None:
        if name not in STATES_FIELDS:
            raise Unsupported(f"Field '$states.{name}' does not exist.")
        self.fields.add(name)


def _parts(node: Node) -> list[Node]:
    """The nodes below one of no special kind, in the order of evaluation."""
    found = [
        node.lhs, node.rhs, node.expression, node.condition, node.then, node._else, node.procedure,
        *(node.expressions or ()), *(node.arguments or ()),
    ]  # fmt: skip
    found += [part for pair in node.lhs_object or () for part in pair]
    return [part for part in found if part is not None and hasattr(part, "type") and part.type is not None]


def _parts_within(node: Node) -> list[Node]:
    """Those that are evaluated with an item of the node's as their context."""
    found = [part.expr for part in node.predicate or ()]
    if node.group is not None:
        found += [part for pair in node.group.lhs_object for part in pair]
    return found + [part for part in (node.pattern, node.update, node.delete) if part is not None]
