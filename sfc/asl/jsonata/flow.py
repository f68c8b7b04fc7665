"""The JSONata side of a state: Arguments before its work, Output and Assign after it."""

from dataclasses import dataclass, field
from typing import Literal

from sfc.asl.expression import Scope
from sfc.asl.jsonata.states import States
from sfc.asl.jsonata.template import JsonataValue
from sfc.jsonvalue import Json


@dataclass(frozen=True, slots=True)
class JsonataFlow:
    """Implements `DataFlow`. Without the fields, arguments and output are the very objects that came in."""

    argument: JsonataValue | None = None
    """Arguments; None: the raw input."""
    made: JsonataValue | None = None
    """Output; None: what the state hands on by itself."""
    assign: JsonataValue | None = None
    result_name: Literal["result", "errorOutput", ""] = ""
    """Where in `$states` Output and Assign find the result: "" for states that have none."""
    growth: int = field(init=False)

    def __post_init__(self) -> None:
        fields = [each for each in (self.argument, self.made) if each is not None]
        object.__setattr__(self, "growth", sum(max(1, each.references) for each in fields))

    def arguments(self, raw: Json, scope: Scope) -> Json:
        return raw if self.argument is None else self.argument.evaluate(raw, scope)

    def output(self, raw: Json, result: Json, scope: Scope) -> Json:
        return result if self.made is None else self.made.make(self._states(raw, result, scope))

    def assigned(self, raw: Json, result: Json, scope: Scope) -> dict[str, Json]:
        return {} if self.assign is None else self.assign.make(self._states(raw, result, scope))

    def _states(self, raw: Json, result: Json, scope: Scope) -> States:
        if self.result_name == "result":
            return States(raw, scope, result)
        return States(raw, scope, error_output=result) if self.result_name else States(raw, scope)


PLAIN_FLOW = JsonataFlow()
"""What a state without any of the fields has."""
