"""Paths: steps that are taken for each item found so far, with predicates, order-by, grouping and bound names.

A path becomes a list of steps, each from items to items. As soon as a step binds a name (`@$x`, `#$i`) or is asked for
later by `%`, the items travel as a TupleStream.
"""

from collections.abc import Callable
from typing import Any

from sfc.asl.jsonata.lookups import flattened, look_up, pick, plain_names
from sfc.asl.jsonata.sorting import ordered
from sfc.asl.jsonata.text import shown
from sfc.asl.jsonata.values import (
    UNDEFINED,
    Code,
    ConsArray,
    Env,
    Fault,
    Sequence,
    TupleStream,
    append,
    is_number,
    items_of,
    settle,
    truth,
)

Node = Any
Step = Callable[[Any, Env], Any]
"""(items, scope) → items"""
Pair = tuple[Code, Code]


class PathCompiler:
    """The part of the compiler that deals with paths."""

    def code(self, node: Node) -> Code:
        raise NotImplementedError

    def path(self, node: Node) -> Code:
        names = plain_names(node)
        if names is not None:
            if node.steps[0].type == "name":
                return lambda context, env: pick(context, names, env.meter)
            root, rest = self.code(node.steps[0]), names[1:]
            return lambda context, env: pick(root(context, env), rest, env.meter)
        tuples = next((number for number, step in enumerate(node.steps) if step.tuple), len(node.steps))
        last = len(node.steps) - 1
        steps = [self.step(step, number == last) for number, step in enumerate(node.steps[:tuples])]
        streams = [self.tuple_step(step) for step in node.steps[tuples:]]
        from_variable, cons_first = node.steps[0].type == "variable", node.steps[0].consarray
        first = self.code(node.steps[0]) if cons_first and tuples else None
        group = None if node.group is None else self.pairs(node.group)
        keep, stays_stream = node.keep_singleton_array, node.tuple

        def run(context: Any, env: Env) -> Any:
            found: Any = context if isinstance(context, list) and not from_variable else [context]
            for number, step in enumerate(steps):
                if first is not None and number == 0:
                    found = first(found, env)
                    if not isinstance(found, list) and (steps[1:] or streams):
                        found = UNDEFINED  # the reference looks for items in what `[1][0]` has left, and finds none
                else:
                    found = step(found, env)
                if found is UNDEFINED or not found:
                    break
            else:
                if streams:
                    found = _stream(found, streams, env)
                    if group is None and not stays_stream:
                        found = Sequence([each["@"] for each in found])
            if keep:
                found = _kept(found)
            return found if group is None else group_items(found, group, env)

        return run

    def step(self, node: Node, last: bool) -> Step:
        if node.type == "sort":
            return self.sort_step(node)
        if node.type == "name" and not node.stages and not node.predicate and node.group is None:
            return _name_step(str(node.value), last)
        code = self.code(node)
        if node.stages:
            code = self.filtered(code, [stage.expr for stage in node.stages])

        def run(items: Any, env: Env) -> Any:
            env.meter.spend(len(items))
            found = []
            for item in items:
                value = code(item, env)
                if value is not UNDEFINED:
                    found.append(value)
            return flattened(found, last)

        return run

    def tuple_step(self, node: Node) -> Callable[[Any, TupleStream | None, Env], TupleStream]:
        stages = [self._stage(stage) for stage in node.stages or ()]
        if node.type == "sort":
            terms = self.terms(node)

            def sort(items: Any, bound: TupleStream | None, env: Env) -> TupleStream:
                if bound is None:
                    inputs = ordered(items, terms, env)
                    bound = TupleStream([{"@": item, node.index: at} for at, item in enumerate(inputs)])
                else:
                    bound = TupleStream(ordered(bound, terms, env, streams=True))
                return _staged(bound, stages, env)

            return sort
        code = self.code(node)
        focus, index = node.focus, node.index
        ancestor = None if node.ancestor is None else node.ancestor.label

        def run(items: Any, bound: TupleStream | None, env: Env) -> TupleStream:
            if bound is None:
                bound = TupleStream([{"@": item} for item in items])
            made = TupleStream()
            for outer in bound:
                env.meter.spend(1)
                value = code(outer["@"], Env(dict(outer), env, env.meter))
                deeper = isinstance(value, TupleStream)
                for at, item in enumerate(items_of(value)):
                    env.meter.spend(1 + len(outer))
                    inner = dict(outer)
                    if deeper:
                        inner.update(item)
                    else:
                        inner["@" if focus is None else focus] = item
                        if index is not None:
                            inner[index] = at
                        if ancestor is not None:
                            inner[ancestor] = outer["@"]
                    made.append(inner)
            return _staged(made, stages, env)

        return run

    def _stage(self, stage: Node) -> Callable[[TupleStream, Env], TupleStream]:
        if stage.type == "index":
            name = str(stage.value)
            return lambda stream, env: TupleStream([{**each, name: at} for at, each in enumerate(stream)])
        predicate = self.predicate(stage.expr)
        return lambda stream, env: TupleStream(predicate(stream, env))

    def sort_step(self, node: Node) -> Step:
        terms = self.terms(node)
        stages = [self.predicate(stage.expr) for stage in node.stages or ()]

        def run(items: Any, env: Env) -> Any:
            found = ordered(items, terms, env)
            for stage in stages:
                found = stage(found, env)
            return found

        return run

    def terms(self, node: Node) -> list[tuple[Code, bool]]:
        return [(self.code(term.expression), term.descending) for term in node.terms]

    def pairs(self, node: Node) -> list[Pair]:
        return [(self.code(key), self.code(value)) for key, value in node.lhs_object]

    def filtered(self, code: Code, predicates: list[Node]) -> Code:
        stages = [self.predicate(each) for each in predicates]

        def run(context: Any, env: Env) -> Any:
            value = code(context, env)
            for stage in stages:
                value = stage(value, env)
            return value

        return run

    def predicate(self, node: Node) -> Step:
        """`[…]`: by position, or what holds for the item."""
        if node.type == "number":
            position = int(node.value // 1)
            return lambda value, env: _element(items_of(value), position)
        code = self.code(node)

        def run(value: Any, env: Env) -> Any:
            items = items_of(value)
            streams = isinstance(value, TupleStream)
            env.meter.spend(len(items))
            found = TupleStream() if streams else Sequence()
            for at, item in enumerate(items):
                answer = code(item["@"], Env(dict(item), env, env.meter)) if streams else code(item, env)
                found.extend([item] * _times(answer, at, len(items), env))
            return found

        return run

    def name(self, node: Node) -> Code:
        name = str(node.value)
        return lambda context, env: settle(look_up(context, name, env.meter))

    def wildcard(self, node: Node) -> Code:
        def run(context: Any, env: Env) -> Any:
            members = context.values() if isinstance(context, dict) else context if isinstance(context, list) else ()
            found = Sequence()
            for member in members:
                env.meter.spend(1)
                if isinstance(member, list):
                    _flatten(member, found, env)
                else:
                    found.append(member)
            return found

        return run

    def descendant(self, node: Node) -> Code:
        def run(context: Any, env: Env) -> Any:
            found = Sequence()
            if context is not UNDEFINED:
                _descend(context, found, env)
            return found

        return run


def _name_step(name: str, last: bool) -> Step:
    def run(items: Any, env: Env) -> Any:
        env.meter.spend(len(items))
        found = []
        for item in items:
            value = item.get(name, UNDEFINED) if item.__class__ is dict else settle(look_up(item, name, env.meter))
            if value is not UNDEFINED:
                found.append(value)
        return flattened(found, last)

    return run


def _stream(items: Any, streams: list[Any], env: Env) -> TupleStream:
    bound: TupleStream | None = None
    for step in streams:
        bound = step(items, bound, env)
    assert bound is not None
    return bound


def _staged(stream: TupleStream, stages: list[Any], env: Env) -> TupleStream:
    for stage in stages:
        stream = stage(stream, env)
    return stream


def _kept(found: Any) -> Any:
    if found.__class__ is ConsArray:
        found = Sequence([found])
    if found.__class__ is Sequence:
        found.keep = True
    return found


def _element(items: list[Any], position: int) -> Any:
    if not -len(items) <= position < len(items):
        return Sequence()
    item = items[position]
    return item if isinstance(item, list) else Sequence([item])


def _times(answer: Any, at: int, size: int, env: Env) -> int:
    """How often a predicate's answer selects the item: once if it holds, or once for each position it names."""
    if answer.__class__ is bool:
        return int(answer)
    positions = [answer] if is_number(answer) else answer
    if not isinstance(positions, list):
        return int(truth(answer, env.meter))
    env.meter.spend(len(positions))
    if not all([is_number(each) for each in positions]):  # noqa: C419
        return int(truth(answer, env.meter))
    return sum([(each // 1) + (size if each < 0 else 0) == at for each in positions])


def _flatten(value: list[Any], found: Sequence, env: Env) -> None:
    env.meter.spend(1 + len(value))
    env.meter.deeper(1)
    for item in value:
        if isinstance(item, list):
            _flatten(item, found, env)
        else:
            found.append(item)
    env.meter.depth -= 1


def _descend(value: Any, found: Sequence, env: Env) -> None:
    env.meter.spend(1)
    if not isinstance(value, list):
        found.append(value)
    if isinstance(value, (list, dict)):
        env.meter.deeper(1)
        for member in value if isinstance(value, list) else value.values():
            _descend(member, found, env)
        env.meter.depth -= 1


def grouped(code: Code, pairs: list[Pair]) -> Code:
    return lambda context, env: group_items(code(context, env), pairs, env)


def group_items(value: Any, pairs: list[Pair], env: Env) -> Any:
    """`items{key: value}`: an object with a member for each different key."""
    streams = isinstance(value, TupleStream)
    items = items_of(value) or [UNDEFINED]  # a literal object is made of nothing
    groups: dict[str, tuple[int, Any]] = {}
    for item in items:
        scope = Env(dict(item), env, env.meter) if streams else env
        context = item["@"] if streams else item
        for number, (key_code, _value_code) in enumerate(pairs):
            env.meter.spend(1)
            key = key_code(context, scope)
            if key is UNDEFINED:
                continue
            if not isinstance(key, str):
                raise Fault("T1003", f"Key in object structure must evaluate to a string; got: {shown(key)}")
            known = groups.get(key)
            if known is None:
                groups[key] = (number, [item])
            elif known[0] != number:
                raise Fault("D1009", f"Multiple key definitions evaluate to same key: {shown(key)}")
            else:
                known[1].append(item)
    made = {}
    for key, (number, members) in groups.items():
        context, scope = _gathered(members, streams, env)
        member = pairs[number][1](context, scope)
        if member is not UNDEFINED:
            made[key] = member
    return made


def _gathered(members: list[Any], streams: bool, env: Env) -> tuple[Any, Env]:
    """The context that a group's value is evaluated in: its one member, or all of them as an array."""
    if not streams:
        if len(members) == 1:
            return members[0], env
        env.meter.spend(len(members))
        flat: list[Any] = []
        for member in members:
            flat.extend(items_of(member))
        return flat, env
    names: dict[str, Any] = dict(members[0])
    for member in members[1:]:
        for key, value in member.items():
            names[key] = append(names.get(key, UNDEFINED), value)
            env.meter.spend(len(items_of(names[key])) >> 3)
    context = names.pop("@")
    return context, Env(names, env, env.meter)
