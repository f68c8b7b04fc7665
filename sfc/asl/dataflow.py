"""The JSONPath side of a state: from raw input to arguments, from result to output.

Source: https://states-language.net/#filters; the order of the steps is that of the fields below.
"""

from dataclasses import dataclass, field
from typing import Final

from sfc.asl.expression import Expression, Scope
from sfc.asl.model import ResultPlace
from sfc.asl.paths import compile_path, compile_reference
from sfc.jsonvalue import Json

WHOLE: Final = compile_path("$")
REPLACE: Final = compile_reference("$")


@dataclass(frozen=True, slots=True)
class JsonPathFlow:
    """Implements `DataFlow`. With all defaults, arguments and output are the very objects that came in."""

    input_path: Expression | None = WHOLE
    """None: null in the definition, the effective input is {}."""
    parameters: Expression | None = None
    result_selector: Expression | None = None
    result_path: ResultPlace | None = REPLACE
    """None: null in the definition, the result is dropped and the raw input kept."""
    output_path: Expression | None = WHOLE
    """None: null in the definition, the output is {}."""
    assign: Expression | None = None
    growth: int = field(init=False)

    def __post_init__(self) -> None:
        for name in ("input_path", "output_path"):
            path: Expression | None = getattr(self, name)
            if path is not None and path.source == "$":
                object.__setattr__(self, name, WHOLE)
        if self.result_path is not None and self.result_path.source == "$":
            object.__setattr__(self, "result_path", REPLACE)
        paths = [path for path in (self.input_path, self.output_path) if path is not None]
        templates = [template for template in (self.parameters, self.result_selector) if template is not None]
        grows = sum(growth_of(path) for path in paths) + sum(max(1, growth_of(template)) for template in templates)
        placed = self.result_path is not None and self.result_path is not REPLACE
        object.__setattr__(self, "growth", grows + placed)

    def arguments(self, raw: Json, scope: Scope) -> Json:
        """InputPath, then Parameters. Raises FlowError."""
        path = self.input_path
        data = raw if path is WHOLE else {} if path is None else path.evaluate(raw, scope)
        return data if self.parameters is None else self.parameters.evaluate(data, scope)

    def output(self, raw: Json, result: Json, scope: Scope) -> Json:
        """ResultSelector, ResultPath (into the raw input), OutputPath. Raises FlowError."""
        if self.result_selector is not None:
            result = self.result_selector.evaluate(result, scope)
        place = self.result_path
        if place is None:
            result = raw
        elif place is not REPLACE:
            result = place.put(raw, result)
        path = self.output_path
        return result if path is WHOLE else {} if path is None else path.evaluate(result, scope)

    def assigned(self, raw: Json, result: Json, scope: Scope) -> dict[str, Json]:
        """Assign, a template over the result as the state made it, before ResultSelector. Raises FlowError."""
        return {} if self.assign is None else self.assign.evaluate(result, scope)


def growth_of(expression: Expression) -> int:
    """How many copies of what it reads `expression` may hold; 0 for a path that only picks a part."""
    return int(getattr(expression, "references", 0))


IDENTITY_FLOW: Final = JsonPathFlow()
"""All defaults: what a state without any of the fields has."""
