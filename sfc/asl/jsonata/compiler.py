"""From a syntax tree to closures: one for each part of an expression, so that evaluating looks nothing up by name.

The tree is jsonata-python's. It is evaluated here and not by that library, because an evaluation must be bounded by
steps instead of seconds, must tell null from nothing inside of what a flow hands in, and must leave that as it is.
Source of the semantics: https://docs.jsonata.org and the reference implementation.
"""

from collections.abc import Callable
from typing import Any, Final

from sfc.asl.jsonata.calls import HOLE, Chain, Lambda, Made, Partial
from sfc.asl.jsonata.functions import FUNCTIONS
from sfc.asl.jsonata.operators import BINARY, negated
from sfc.asl.jsonata.paths import PathCompiler, grouped
from sfc.asl.jsonata.signature import Signature
from sfc.asl.jsonata.transform import transformation
from sfc.asl.jsonata.values import (
    MISSING,
    UNDEFINED,
    Callee,
    Code,
    ConsArray,
    Env,
    Fault,
    Sequence,
    TailCall,
    apply,
    number,
    settle,
    too_deep,
    truth,
)
from sfc.limits import JSONATA_DEPTH

Node = Any
"""jsonata.parser.Parser.Symbol"""


def compile_tree(tree: Node) -> Code:
    """Never raises; a tree that nests too deeply becomes code that says so when it is run, as at the service."""
    compiler = Compiler()
    try:
        code = compiler.code(tree)
    except Fault:
        return _overflow
    levels = compiler.deepest

    def run(context: Any, env: Env) -> Any:
        env.meter.deeper(levels)
        result = code(context, env)
        env.meter.depth -= levels
        return result

    return run


def _overflow(context: Any, env: Env) -> Any:
    raise too_deep()


class Compiler(PathCompiler):
    """Compiles a node and what is below it; `deepest` tells how many levels that were."""

    def __init__(self) -> None:
        self.level = 0
        self.deepest = 0

    def code(self, node: Node) -> Code:
        """The node's code, with its predicates and grouping. Raises Fault when the tree nests too deeply."""
        self.level += 1
        self.deepest = max(self.deepest, self.level)
        if self.level > JSONATA_DEPTH:
            raise too_deep()
        made: Code = _COMPILERS[node.type](self, node)
        if node.predicate:
            made = self.filtered(made, [part.expr for part in node.predicate])
        if node.type != "path" and node.group is not None:
            made = grouped(made, self.pairs(node.group))
        self.level -= 1
        if node.keep_array:
            return _kept(made)
        return _settled(made) if node.predicate or node.type in _MAKES_SEQUENCES else made

    def literal(self, node: Node) -> Code:
        value = number(node.value) if node.type == "number" else node.value
        return lambda context, env: value

    def variable(self, node: Node) -> Code:
        name = str(node.value)
        if not name:
            return lambda context, env: context
        builtin = FUNCTIONS.get(name, UNDEFINED)

        def run(context: Any, env: Env) -> Any:
            found = env.find(name)
            return builtin if found is MISSING else found

        return run

    def parent(self, node: Node) -> Code:
        label = node.slot.label

        def run(context: Any, env: Env) -> Any:
            found = env.find(label)
            return UNDEFINED if found is MISSING else found

        return run

    def binary(self, node: Node) -> Code:
        left, right = self.code(node.lhs), self.code(node.rhs)
        sign = str(node.value)
        if sign == "and":
            return lambda context, env: truth(left(context, env), env.meter) and truth(right(context, env), env.meter)
        if sign == "or":
            return lambda context, env: truth(left(context, env), env.meter) or truth(right(context, env), env.meter)
        combine = BINARY[sign]
        return lambda context, env: combine(left(context, env), right(context, env), env.meter)

    def unary(self, node: Node) -> Code:
        if node.value == "[":
            return self.array(node)
        if node.value == "{":
            return grouped(lambda context, env: context, self.pairs(node))
        operand = self.code(node.expression)
        return lambda context, env: negated(operand(context, env))

    def array(self, node: Node) -> Code:
        parts = [(self.code(item), item.type == "unary" and item.value == "[") for item in node.expressions]
        make = ConsArray if node.consarray else list

        def run(context: Any, env: Env) -> Any:
            made: list[Any] = make()
            for code, whole in parts:
                value = code(context, env)
                if value is UNDEFINED:
                    continue
                if not whole and isinstance(value, list):
                    env.meter.hold((len(made) + len(value)) * 8)
                    made.extend(value)
                else:
                    made.append(value)
            return made

        return run

    def condition(self, node: Node) -> Code:
        test, then = self.code(node.condition), self.code(node.then)
        other = None if node._else is None else self.code(node._else)

        def run(context: Any, env: Env) -> Any:
            if truth(test(context, env), env.meter):
                return then(context, env)
            return UNDEFINED if other is None else other(context, env)

        return run

    def block(self, node: Node) -> Code:
        parts = [self.code(part) for part in node.expressions]

        def run(context: Any, env: Env) -> Any:
            inner = Env({}, env, env.meter)
            result: Any = UNDEFINED
            for part in parts:
                result = part(context, inner)
            return result

        return run

    def bind(self, node: Node) -> Code:
        name, value = str(node.lhs.value), self.code(node.rhs)

        def run(context: Any, env: Env) -> Any:
            made = env.names[name] = value(context, env)
            return made

        return run

    def lambda_(self, node: Node) -> Code:
        if node.thunk:
            return self.tail_call(node.body)
        parameters = tuple(str(each.value) for each in node.arguments)
        signature = None if node.signature is None else Signature(node.signature)
        outer, self.deepest = self.deepest, self.level
        body = self.code(node.body)
        levels = self.deepest - self.level + 1
        self.deepest = max(outer, self.deepest)
        return lambda context, env: Lambda(parameters, body, levels, signature, context, env)

    def function(self, node: Node) -> Code:
        return self._call(node, lambda callee, args, context, env: settle(apply(callee, args, context, env)))

    def tail_call(self, node: Node) -> Code:
        if node.group is not None or node.keep_array:
            return self.code(node)
        return self._call(node, lambda callee, args, context, env: TailCall(callee, args, context))

    def _call(self, node: Node, go: Callable[[Any, list[Any], Any, Env], Any], first: Code | None = None) -> Code:
        procedure = node.procedure
        find = self.code(procedure)
        codes = [*([] if first is None else [first]), *(self.code(arg) for arg in node.arguments)]
        bare = _bare_name(procedure)

        def run(context: Any, env: Env) -> Any:
            callee = find(context, env)
            if callee is UNDEFINED and bare is not None and (bare in FUNCTIONS or env.find(bare) is not MISSING):
                raise Fault("T1005", f"Attempted to invoke a non-function. Did you mean ${bare}?")
            return go(callee, [code(context, env) for code in codes], context, env)

        return run

    def partial(self, node: Node) -> Code:
        find = self.code(node.procedure)
        codes = [None if each.type == "operator" and each.value == "?" else self.code(each) for each in node.arguments]

        def run(context: Any, env: Env) -> Any:
            callee = find(context, env)
            if not isinstance(callee, Callee):
                raise Fault("T1008", "Attempted to partially apply a non-function")
            return Partial(callee, [HOLE if code is None else code(context, env) for code in codes])

        return run

    def applied(self, node: Node) -> Code:
        left = self.code(node.lhs)
        if node.rhs.type == "function":
            return self._call(
                node.rhs, lambda callee, args, context, env: settle(apply(callee, args, context, env)), left
            )
        right = self.code(node.rhs)

        def run(context: Any, env: Env) -> Any:
            value, callee = left(context, env), right(context, env)
            if not isinstance(callee, Callee):
                raise Fault("T2006", "The right side of the function application operator ~> must be a function")
            if isinstance(value, Callee):
                return Chain(value, callee)
            return settle(apply(callee, [value], UNDEFINED, env))

        return run

    def transform(self, node: Node) -> Code:
        pattern, update = self.code(node.pattern), self.code(node.update)
        delete = None if node.delete is None else self.code(node.delete)

        def run(context: Any, env: Env) -> Any:
            scope = env
            return Made(lambda value, env: transformation(value, pattern, update, delete, scope))

        return run


def _bare_name(procedure: Node) -> str | None:
    if procedure.type == "path" and procedure.steps[0].type == "name":
        return str(procedure.steps[0].value)
    return None


def _settled(code: Code) -> Code:
    def run(context: Any, env: Env) -> Any:
        value = code(context, env)
        if value.__class__ is not Sequence:
            return value
        if len(value) == 1:
            return value if value.keep else value[0]
        return value or UNDEFINED

    return run


def _kept(code: Code) -> Code:
    def run(context: Any, env: Env) -> Any:
        value = code(context, env)
        if value.__class__ is Sequence:
            if not value:
                return UNDEFINED
            value.keep = True
        return value

    return run


_MAKES_SEQUENCES: Final = frozenset({"path", "wildcard", "descendant"})
_COMPILERS: Final[dict[str, Callable[[Compiler, Node], Code]]] = {
    "path": Compiler.path,
    "name": Compiler.name,
    "wildcard": Compiler.wildcard,
    "descendant": Compiler.descendant,
    "parent": Compiler.parent,
    "string": Compiler.literal,
    "number": Compiler.literal,
    "value": Compiler.literal,
    "regex": Compiler.literal,
    "variable": Compiler.variable,
    "binary": Compiler.binary,
    "unary": Compiler.unary,
    "condition": Compiler.condition,
    "block": Compiler.block,
    "bind": Compiler.bind,
    "lambda": Compiler.lambda_,
    "function": Compiler.function,
    "partial": Compiler.partial,
    "apply": Compiler.applied,
    "transform": Compiler.transform,
}
