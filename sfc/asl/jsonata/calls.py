"""What can be called: functions that are built in, written in an expression, or made of others."""

import inspect
from collections.abc import Callable
from typing import Any

from sfc.asl.jsonata.signature import Signature, read_signature
from sfc.asl.jsonata.values import UNDEFINED, Callee, Code, Env, TailCall, apply


class Native(Callee):
    """A built-in function. Its implementation takes the scope, then the arguments."""

    __slots__ = ("arity_", "function", "most", "name", "needs_first", "signature")

    def __init__(self, name: str, signature: str, function: Callable[..., Any], *, undefined: bool) -> None:
        self.name = name
        self.signature = read_signature(signature)
        self.function = function
        parameters = inspect.signature(function).parameters.values()
        self.most = None if any(each.kind is each.VAR_POSITIONAL for each in parameters) else len(parameters) - 1
        self.needs_first = not undefined
        """Of nothing it makes nothing, so that its implementation need not ask."""
        self.arity_ = self.signature.required

    def call(self, args: list[Any], context: Any, env: Env) -> Any:
        checked = self.signature.check(args, context, self.name)
        if self.needs_first and checked and checked[0] is UNDEFINED:
            return UNDEFINED
        return self.function(env, *checked)

    @property
    def arity(self) -> int:
        return self.arity_


class Lambda(Callee):
    """`function($x, $y) { … }`, with the scope and the context item it was written in."""

    __slots__ = ("body", "context", "env", "levels", "parameters", "signature")

    def __init__(
        self, parameters: tuple[str, ...], body: Code, levels: int, signature: Signature | None, context: Any, env: Env
    ) -> None:
        self.parameters = parameters
        self.body = body
        self.levels = levels
        self.signature = signature
        self.context = context
        self.env = env

    def call(self, args: list[Any], context: Any, env: Env) -> Any:
        if self.signature is not None:
            args = self.signature.check(args, context, "lambda")
        names = dict.fromkeys(self.parameters, UNDEFINED)
        names.update(zip(self.parameters, args, strict=False))
        meter = env.meter
        meter.deeper(self.levels)
        result = self.body(self.context, Env(names, self.env, meter))
        meter.depth -= self.levels
        return result

    @property
    def arity(self) -> int:
        return len(self.parameters)


HOLE = object()
"""An argument that a partial application leaves open (`?`)."""


class Partial(Callee):
    """`$f(?, 2)`"""

    __slots__ = ("args", "callee")

    def __init__(self, callee: Any, args: list[Any]) -> None:
        self.callee = callee
        self.args = args

    def call(self, args: list[Any], context: Any, env: Env) -> Any:
        given = iter(args)
        return TailCall(self.callee, [next(given, UNDEFINED) if arg is HOLE else arg for arg in self.args], context)

    @property
    def arity(self) -> int:
        return sum(arg is HOLE for arg in self.args)


class Chain(Callee):
    """`$f ~> $g`: the function that calls one after the other."""

    __slots__ = ("first", "second")

    def __init__(self, first: Any, second: Any) -> None:
        self.first = first
        self.second = second

    def call(self, args: list[Any], context: Any, env: Env) -> Any:
        env.meter.deeper(1)
        middle = apply(self.first, args[:1], UNDEFINED, env)
        env.meter.depth -= 1
        return TailCall(self.second, [middle], UNDEFINED)

    @property
    def arity(self) -> int:
        return 1


class Made(Callee):
    """A function that an expression makes as it runs, such as a transformation."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[Any, Env], Any]) -> None:
        self.function = function

    def call(self, args: list[Any], context: Any, env: Env) -> Any:
        return self.function(args[0] if args else UNDEFINED, env)

    @property
    def arity(self) -> int:
        return 1


def call_item(callee: Any, item: Any, place: Any, whole: Any, env: Env) -> Any:
    """What higher-order functions do for each item: the function gets as much of (item, place, whole) as it takes."""
    arity = callee.arity if isinstance(callee, Callee) else 1
    args = [item, place, whole][: max(1, arity)]
    return apply(callee, args, UNDEFINED, env)
