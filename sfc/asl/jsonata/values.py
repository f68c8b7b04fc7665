"""What an expression works with while it is evaluated: JSON values, and those that JSONata has besides.

JSON's null is None; nothing at all is UNDEFINED. An array that a query found is a Sequence: one of a single item stands
for that item, an empty one for nothing. Values that come from a flow are plain lists and objects and never changed.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from sfc.asl.expression import Entropy
from sfc.jsonvalue import Json
from sfc.limits import JSONATA_DEPTH, JSONATA_HELD_BYTES, JSONATA_STEPS


class Undefined:
    """The type of UNDEFINED."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


class Fault(Exception):
    """The evaluation cannot go on. `code` is JSONata's (T2001, D3030 …), "" where a bound of the evaluation is hit."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Sequence(list[Any]):
    """What a query found. `keep`: stays an array even with a single item (`items[]`)."""

    __slots__ = ("keep",)

    def __init__(self, items: Any = ()) -> None:
        super().__init__(items)
        self.keep = False


class ConsArray(list[Any]):
    """An array written out as the last step of a path, which is not flattened into what the path finds."""

    __slots__ = ()


class TupleStream(list[Any]):
    """Items with what `@`, `#` and `%` have bound on the way to them; "@" is the item itself."""

    __slots__ = ()


class Meter:
    """What one evaluation may still spend, and the time and chance it sees. Counting steps, not seconds, keeps an
    evaluation the same whenever and wherever it is repeated.
    """

    __slots__ = ("depth", "entropy", "now_ms", "steps")

    def __init__(self, now_ms: int, entropy: Entropy) -> None:
        self.steps = JSONATA_STEPS
        self.depth = 0
        self.now_ms = now_ms
        self.entropy = entropy

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise Fault("", "Expression evaluation timeout: Check for infinite loop")

    def hold(self, size: int) -> None:
        """Refuse a value of `size` bytes before it is made, or count what making it costs."""
        if size > JSONATA_HELD_BYTES:
            raise Fault("", "Expression evaluation memory limit exceeded: Check for excessive memory usage")
        self.spend(size >> 6)

    def deeper(self, levels: int) -> None:
        self.depth += levels
        if self.depth > JSONATA_DEPTH:
            raise too_deep()


def too_deep() -> Fault:
    return Fault(
        "", "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive"
    )


class Env:
    """Names that are bound here (str → value), and the scope around. The variables of a workflow are the outermost, in
    which nothing is bound later.
    """

    __slots__ = ("meter", "names", "parent")

    def __init__(self, names: Any, parent: "Env | None", meter: Meter) -> None:
        self.names = names
        self.parent = parent
        self.meter = meter

    def find(self, name: str) -> Any:
        """The value bound to `name`, or MISSING."""
        env: Env | None = self
        while env is not None:
            found = env.names.get(name, MISSING)
            if found is not MISSING:
                return found
            env = env.parent
        return MISSING


MISSING: Final = object()

Code: TypeAlias = Callable[[Any, Env], Any]
"""A compiled part of an expression: (context item, scope) → value."""


class Callee:
    """Whatever can be called: built in, written in the expression, or made of others."""

    __slots__ = ()

    def call(self, args: list[Any], context: Any, env: Env) -> Any:
        """The result; a TailCall leaves it to the caller to go on."""
        raise NotImplementedError

    @property
    def arity(self) -> int:
        """How many arguments a higher-order function passes to it."""
        raise NotImplementedError


class TailCall:
    """A call in tail position, made by the caller's loop so that the stack does not grow."""

    __slots__ = ("args", "callee", "context")

    def __init__(self, callee: Any, args: list[Any], context: Any) -> None:
        self.callee = callee
        self.args = args
        self.context = context


_CALL_LEVELS: Final = 2
"""What a call counts for in the depth, besides the levels of a function's body."""


def apply(callee: Any, args: list[Any], context: Any, env: Env) -> Any:
    """Call and go on until there is a value. Raises Fault when `callee` cannot be called."""
    meter = env.meter
    meter.deeper(_CALL_LEVELS)
    while True:
        meter.spend(1)
        if not isinstance(callee, Callee):
            raise Fault("T1006", "Attempted to invoke a non-function")
        result = callee.call(args, context, env)
        if result.__class__ is not TailCall:
            meter.depth -= _CALL_LEVELS
            return result
        callee, args, context = result.callee, result.args, result.context


def kind(value: Any) -> str:
    """The letter that signatures use: string, number, boolean, l for null, array, object, function, m for missing."""
    cls = value.__class__
    if cls is str:
        return "s"
    if cls is int or cls is float:
        return "n"
    if cls is bool:
        return "b"
    if value is None:
        return "l"
    if cls is dict:
        return "o"
    if isinstance(value, list):
        return "a"
    return "m" if value is UNDEFINED else "f"


def is_number(value: Any) -> bool:
    """Raises Fault for infinity, which is a number but none that JSONata goes on with."""
    if value.__class__ is int:
        return True
    if value.__class__ is not float:
        return False
    if value in (float("inf"), float("-inf")):
        raise Fault("D1001", f"Number out of range: {'-' if value < 0 else ''}Infinity")
    return bool(value == value)  # noqa: PLR0124  # false for NaN


def number(value: Any) -> int | float:
    """A result of arithmetic as a number of 64 bits, without the fraction it does not have: 2.0 → 2, -0.0 → 0."""
    if value.__class__ is int:
        if abs(value) <= _EXACT:
            return int(value)
        value = float(value) if abs(value) < _LARGEST else float("inf")
    if abs(value) < _INT64 and value.is_integer():
        return int(value) if abs(value) <= _EXACT else int(Decimal(repr(value)))
    return float(value)


_EXACT: Final = 2**53
_INT64: Final = 2**63
_LARGEST: Final = 2**1023


def truth(value: Any, meter: Meter) -> bool:
    """JSONata's cast to boolean; nothing, null and functions are false, an array is true when something in it is."""
    if not isinstance(value, list):
        return value.__class__ in _SCALARS and bool(value)
    todo = [value]
    while todo:
        items = todo.pop()
        meter.spend(1 + len(items))
        for item in items:
            if isinstance(item, list):
                todo.append(item)
            elif item.__class__ in _SCALARS and item:
                return True
    return False


_SCALARS: Final = frozenset({bool, str, int, float, dict})


def settle(value: Any) -> Any:
    """A sequence as what it stands for."""
    if value.__class__ is not Sequence:
        return value
    if len(value) == 1:
        return value if value.keep else value[0]
    return value or UNDEFINED


def items_of(value: Any) -> list[Any]:
    """A value as an array: itself, nothing, or the one item."""
    if isinstance(value, list):
        return value
    return [] if value is UNDEFINED else [value]


def append(first: Any, second: Any) -> Any:
    """Both as one array; a missing one leaves the other as it is."""
    if first is UNDEFINED:
        return second
    if second is UNDEFINED:
        return first
    return [*items_of(first), *items_of(second)]


def same(left: Any, right: Any, meter: Meter) -> bool:
    """Deep equality; 1 and 1.0 are equal, 1 and true are not."""
    meter.spend(1)
    if isinstance(left, list):
        if not isinstance(right, list) or len(left) != len(right):
            return False
        pairs = list(zip(left, right, strict=True))
    elif left.__class__ is dict:
        if right.__class__ is not dict or left.keys() != right.keys():
            return False
        pairs = [(member, right[key]) for key, member in left.items()]
    elif left.__class__ is bool or right.__class__ is bool:
        return left is right
    else:
        return bool(left == right)
    meter.deeper(1)
    for one, other in pairs:
        if not same(one, other, meter):
            meter.depth -= 1
            return False
    meter.depth -= 1
    return True


def to_json(value: Any, meter: Meter, depth: int) -> Json:
    """A result as JSON. What is JSON already is not copied; UNDEFINED stays what it is.

    `depth`: how much deeper it may nest. As JSON.stringify has it, functions in an object are left out and are null in
    an array; infinity is a text, as the service gives it.
    """
    cls = value.__class__
    if cls is str or value is None or cls is bool or cls is int:
        return value
    if cls is float:
        return _number_to_json(value)
    meter.spend(1)
    if depth < 0:
        raise Fault("", "Expression evaluation memory limit exceeded: Check for excessive memory usage")
    if cls is dict:
        return _object_to_json(value, meter, depth)
    if isinstance(value, list):
        same_items, made = cls is list, []
        for item in value:
            one = to_json(item, meter, depth - 1)
            if one is UNDEFINED:
                one = None
            same_items = same_items and one is item
            made.append(one)
        return value if same_items else made
    return UNDEFINED


def _object_to_json(value: dict[str, Any], meter: Meter, depth: int) -> Json:
    same_members, made = True, {}
    for key, member in value.items():
        one = to_json(member, meter, depth - 1)
        if one is not UNDEFINED:
            made[key] = one
        same_members = same_members and one is member
    return value if same_members else made


def _number_to_json(value: float) -> Json:
    if value != value:  # noqa: PLR0124  # NaN
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value
