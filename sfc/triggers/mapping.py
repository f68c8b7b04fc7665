"""What a trigger makes of an event: whether it starts an execution, with which input and name.

    filter  `{% JSONata %}`, true or not; or a JSONPath, which must find something that is neither false nor null
    input   a template: strings `{% JSONata %}`, or members "name.$" with a JSONPath; or one of the two by itself
    name    an expression that gives a text: the name of the execution, so that the same event starts no second one

The event is `$states.input` in JSONata and `$` in JSONPath. All is compiled once and bounded as in a state.
"""

from collections.abc import Mapping as Members
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sfc import jsonvalue
from sfc.arn import check_name
from sfc.asl.expression import Expression, FlowError, PathError, Scope
from sfc.asl.intrinsics import IntrinsicSyntaxError, is_intrinsic
from sfc.asl.jsonata.states import States
from sfc.asl.jsonata.template import compile_value, is_expression
from sfc.asl.jsonata.values import UNDEFINED, Fault
from sfc.asl.paths import PathSyntaxError
from sfc.asl.paths.syntax import parse_path
from sfc.asl.template import SUFFIX, TemplateError, compile_reference_text, compile_template
from sfc.errors import InvalidName, InvalidRequest
from sfc.interpreter.entropy import SeededEntropy
from sfc.jsonvalue import Json
from sfc.limits import CAUSE_CHARS, PAYLOAD_BYTES

FIELDS: Final = ("filter", "input", "name")

_PARTS: Final = frozenset({"input"})
"""Of `$states`, what there is."""


class MappingFailed(Exception):
    """The event cannot be mapped. `field` is one of FIELDS, `detail` a sentence."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail[:CAUSE_CHARS]


class Mapped(NamedTuple):
    input: Json
    name: str | None

    def payload(self) -> bytes:
        """The input as UTF-8 JSON. Raises MappingFailed when it is larger than an execution takes."""
        try:
            data = jsonvalue.dumps(self.input)
        except jsonvalue.NotJson as error:
            raise MappingFailed("input", str(error)) from None
        if len(data) > PAYLOAD_BYTES:
            raise MappingFailed("input", f"{len(data):,} bytes; an execution takes {PAYLOAD_BYTES:,}")
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Compiled. Pure: the same event, time and seed give the same."""

    input: Expression
    filter: "_Filter | None" = None
    name: Expression | None = None

    def apply(self, event: Json, *, now_ms: int, seed: int) -> Mapped | None:
        """What the event starts; None when the filter leaves it out.

        `now_ms` and `seed` are the time and the chance that expressions see. Raises MappingFailed.
        """
        scope = Scope(context=dict, entropy=SeededEntropy(seed), now_ms=now_ms)
        if self.filter is not None and not _evaluated("filter", self.filter, event, scope):
            return None
        input = _evaluated("input", self.input, event, scope)
        name = None if self.name is None else _text("name", _evaluated("name", self.name, event, scope))
        if name is not None:
            try:
                check_name(name)
            except InvalidName as error:
                raise MappingFailed("name", error.message) from None
        return Mapped(input, name)


def read_mapping(settings: Members[str, Json], default: str = "$") -> Mapping:
    """The mapping that the settings say. `default` is the JSONPath of the input where there is none.

    Raises InvalidRequest that names the field.
    """
    given = {field: settings[field] for field in FIELDS if settings.get(field) is not None}
    return Mapping(
        input=_template("input", given.get("input", default)),
        filter=_Filter(given["filter"]) if "filter" in given else None,
        name=_computed("name", given["name"]) if "name" in given else None,
    )


@dataclass(frozen=True, slots=True)
class TextMapping:
    """One expression that gives a text. Pure, as a `Mapping`."""

    field: str
    expression: Expression

    def apply(self, event: Json, *, now_ms: int, seed: int) -> str:
        """Raises MappingFailed."""
        scope = Scope(context=dict, entropy=SeededEntropy(seed), now_ms=now_ms)
        return _text(self.field, _evaluated(self.field, self.expression, event, scope))


def read_text_mapping(field: str, source: Json) -> TextMapping:
    """Raises InvalidRequest that names the field."""
    return TextMapping(field, _computed(field, source))


class _Filter:
    """Implements `Expression`; gives a bool. What a JSONata filter looks at and is not there, is not true."""

    def __init__(self, source: Json) -> None:
        _computed("filter", source)
        self.source: str = source
        if is_expression(source):
            from sfc.asl.jsonata.program import compile_expression  # a tenth of a cold start

            self._program: Any = compile_expression(source[2:-2])
            return
        self._program = None
        self._path = compile_reference_text(source)
        self._finds = not is_intrinsic(source) and not parse_path(source).is_plain

    def evaluate(self, data: Json, scope: Scope) -> Json:
        if self._program is not None:
            return self._holds(data, scope)
        try:
            found = self._path.evaluate(data, scope)
        except PathError:
            return False
        return bool(found) if self._finds else found is not False and found is not None

    def _holds(self, data: Json, scope: Scope) -> bool:
        try:
            found = self._program.run(States(data, scope))
        except Fault as fault:
            raise MappingFailed("filter", f"{fault.code}: {fault.message}" if fault.code else fault.message) from None
        if found is UNDEFINED:
            return False
        if not isinstance(found, bool):
            raise MappingFailed("filter", f"gave {jsonvalue.text(found)[:200]}; it must give true or false")
        return found


def _evaluated(field: str, expression: "Expression | _Filter", event: Json, scope: Scope) -> Json:
    try:
        return expression.evaluate(event, scope)
    except FlowError as error:
        raise MappingFailed(field, error.failure.cause or error.failure.error or "") from None


def _text(field: str, value: Json) -> str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise MappingFailed(field, f"gave {jsonvalue.text(value)[:200]}; it must give a text")


def _computed(field: str, source: Json) -> Expression:
    """A field that is one expression."""
    if isinstance(source, str) and (is_expression(source) or _is_reference(source)):
        return _template(field, source)
    raise InvalidRequest(
        f"{field} must be an expression: {{% JSONata %}} or a JSONPath that begins with $", field=field
    )


def _template(field: str, source: Json) -> Expression:
    """A field of any JSON with expressions of one language in it. Raises InvalidRequest."""
    if isinstance(source, str) and _is_reference(source):
        try:
            return compile_reference_text(source)
        except (PathSyntaxError, IntrinsicSyntaxError) as error:
            raise InvalidRequest(f"{field}: {error}", field=field) from None
    jsonata, paths = _languages(source)
    if jsonata and paths:
        raise InvalidRequest(f"{field} mixes {{% JSONata %}} and members in JSONPath; keep to one", field=field)
    if paths:
        try:
            return compile_template(source)
        except TemplateError as error:
            pointer, message = error.problems[0]
            raise InvalidRequest(f"{field}{pointer}: {message}", field=field) from None
    compiled, problems = compile_value(source, field, _PARTS)
    if compiled is None:
        pointer, message, _ = problems[0]
        raise InvalidRequest(f"{field}{pointer}: {message}", field=field)
    return compiled


def _is_reference(source: str) -> bool:
    return source.startswith("$") or is_intrinsic(source)


def _languages(source: Json) -> tuple[bool, bool]:
    """Whether there is JSONata in it, and JSONPath."""
    jsonata, paths, todo = False, False, [source]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        elif isinstance(node, dict):
            todo += node.values()
            paths = paths or any(key.endswith(SUFFIX) for key in node)
        else:
            jsonata = jsonata or is_expression(node)
    return jsonata, paths
