"""One `{% … %}` expression: read, checked, and made into something to run.

Most expressions of real workflows are literals or paths such as `$states.input.order.id` and `$total`; those are looked
up directly. Everything else is compiled to closures.
"""

import sys
from functools import lru_cache
from typing import Any, Final

import orjson
from jsonata.jexception import JException
from jsonata.parser import Parser

from sfc.asl.jsonata.analysis import Analysis, Unsupported, analyse
from sfc.asl.jsonata.compiler import compile_tree
from sfc.asl.jsonata.lookups import pick, plain_names
from sfc.asl.jsonata.regex import RegexSyntaxError, compile_regex
from sfc.asl.jsonata.states import States
from sfc.asl.jsonata.syntax import UNSUPPORTED, JsonataSyntaxError
from sfc.asl.jsonata.values import UNDEFINED, Code, Env, Meter, number, to_json, too_deep
from sfc.limits import JSON_DEPTH, JSONATA_CHARS

_FRAMES: Final = 6_000
# The library's import raises Python's own limit of recursion to 10,000 frames, of which JSONATA_DEPTH needs half, and
# other code of the process should get no more.
sys.setrecursionlimit(_FRAMES)
_LATER_OPERATORS: Final = ("??", "?:")
_LITERALS: Final = frozenset({"string", "number", "value"})


class Program:
    """A compiled expression. `source` is its text without the `{% %}`."""

    __slots__ = ("analysis", "picks", "run", "source")

    def __init__(self, source: str, tree: Any, analysis: Analysis) -> None:
        self.source = source
        self.analysis = analysis
        quick = quick_way(tree)
        self.picks = quick is not None
        """Whether it only gives a part of what it reads, so that its value needs no measuring."""
        self.run = slow_way(tree, analysis) if quick is None else quick
        """From what it may see to a JSON value, or UNDEFINED. Raises Fault."""


def compile_expression(source: str) -> Program:
    """Raises JsonataSyntaxError."""
    return _compile(source.strip())


@lru_cache(maxsize=4096)
def _compile(source: str) -> Program:
    if len(source) > JSONATA_CHARS:
        raise JsonataSyntaxError(f"The expression is longer than {JSONATA_CHARS} characters")
    tree = _parse(source)
    try:
        return Program(source, tree, analyse(tree))
    except Unsupported as error:
        raise JsonataSyntaxError(str(error), UNSUPPORTED) from None


_IDLE: Final[list[Parser]] = []
"""Readers between two uses: making one takes five times as long as reading with it. Each is used by one at a time."""


def _reader() -> Parser:
    """The library's, without the operators that came after the release which the service runs (2.0.6)."""
    parser = Parser()
    for operator in _LATER_OPERATORS:
        del parser.symbol_table[operator]
    return parser


def _parse(source: str) -> Any:
    try:
        parser = _IDLE.pop()
    except IndexError:  # asking first would race another thread
        parser = _reader()
    try:
        return parser.parse(source, compile_regex)
    except JException as error:
        raise JsonataSyntaxError(_message(error)) from None
    except RegexSyntaxError as error:
        raise JsonataSyntaxError(str(error)) from None
    except RecursionError:
        raise JsonataSyntaxError("The expression nests too deeply") from None
    except KeyError as error:
        symbol = error.args[0]
        if symbol not in _LATER_OPERATORS:
            raise JsonataSyntaxError(f'Unknown operator: "{symbol}"') from None
        raise JsonataSyntaxError(f'The symbol "{symbol[1]}" cannot be used as a unary operator') from None
    except Exception:  # noqa: BLE001  # the library's reader runs off the end of many an incomplete text
        raise JsonataSyntaxError("Unexpected end of expression") from None
    finally:
        parser.errors, parser.ancestry = [], []
        parser.ancestor_label = parser.ancestor_index = 0
        _IDLE.append(parser)


def _message(error: JException) -> str:
    """The reference implementation's sentence: the library leaves out its quotes."""
    template = JException.error_codes.get(error.error, str(error))
    for insert in (error.current, error.expected):
        start = template.find("{{")
        end = template.find("}}", start) + 2
        if start < 0:
            break
        shown = orjson.dumps(insert, default=str).decode()
        template = template[:start] + shown + template[end:]
    return str(template).replace("Object definition", "function definition")


def quick_way(tree: Any) -> Any:
    """A look-up or a constant for the plainest expressions; None for all others."""
    if tree.predicate or tree.group is not None or tree.keep_array:
        return None
    if tree.type in _LITERALS:
        value = number(tree.value) if tree.type == "number" else tree.value
        return lambda states: value
    if tree.type == "variable" and tree.value not in ("", "$", "states"):
        return _variable(str(tree.value), ())
    names = plain_names(tree)
    if names is None or tree.steps[0].type != "variable" or names[0] in ("", "$"):
        return None
    if names[0] != "states":
        return _variable(names[0], names[1:])
    return _state_field(names[1], names[2:]) if len(names) > 1 else None


def _variable(name: str, names: tuple[str, ...]) -> Any:
    def run(states: States) -> Any:
        return _picked(states.scope.variables.get(name, UNDEFINED), names, states)

    return run


def _state_field(name: str, names: tuple[str, ...]) -> Any:
    if name == "input":
        return lambda states: _picked(states.input, names, states)
    return lambda states: _picked(states.field(name), names, states)


def _picked(value: Any, names: tuple[str, ...], states: States) -> Any:
    """As `pick`, without a meter as long as there are only objects on the way."""
    for at, name in enumerate(names):
        if value.__class__ is not dict:
            meter = Meter(states.scope.now_ms, states.scope.entropy)
            return to_json(pick(value, names[at:], meter), meter, JSON_DEPTH)
        value = value.get(name, UNDEFINED)
    return value


def slow_way(tree: Any, analysis: Analysis) -> Any:
    code: Code = compile_tree(tree)
    fields = analysis.fields

    def run(states: States) -> Any:
        scope = states.scope
        meter = Meter(scope.now_ms, scope.entropy)
        names = {"states": states.object(fields)}
        try:
            value = code(UNDEFINED, Env(names, Env(scope.variables, None, meter), meter))
            return to_json(value, meter, JSON_DEPTH)
        except RecursionError:
            raise too_deep() from None

    return run
