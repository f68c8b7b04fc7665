"""What `$states` stands for."""

from typing import Any

from sfc.asl.expression import Scope
from sfc.asl.jsonata.values import UNDEFINED
from sfc.jsonvalue import Json


class States:
    """What `$states` stands for while one field is evaluated. `result` and `error_output` are UNDEFINED where there is
    none.
    """

    __slots__ = ("error_output", "input", "result", "scope")

    def __init__(self, data: Json, scope: Scope, result: Any = UNDEFINED, error_output: Any = UNDEFINED) -> None:
        self.input = data
        self.scope = scope
        self.result = result
        self.error_output = error_output

    def field(self, name: str) -> Any:
        if name == "input":
            return self.input
        if name == "context":
            return self.scope.context()
        if name == "result":
            return self.result
        return self.error_output if name == "errorOutput" else UNDEFINED

    def object(self, fields: tuple[str, ...]) -> dict[str, Any]:
        """`$states` with as much of it as an expression reads."""
        found = {name: self.field(name) for name in fields}
        return {name: value for name, value in found.items() if value is not UNDEFINED}
