"""The condition of a Choice rule in JSONata. Implements `Condition`."""

from dataclasses import dataclass

from sfc.asl.expression import Expression, Scope
from sfc.asl.fields import Fields
from sfc.asl.jsonata.fields import read_typed
from sfc.asl.jsonata.template import is_expression
from sfc.jsonvalue import Json


@dataclass(frozen=True, slots=True)
class Holds:
    expression: Expression

    def test(self, data: Json, scope: Scope) -> bool:
        return bool(self.expression.evaluate(data, scope))


@dataclass(frozen=True, slots=True)
class Always:
    answer: bool

    def test(self, data: Json, scope: Scope) -> bool:
        return self.answer


def read_condition(rule: Fields, prefix: str) -> Holds | Always | None:
    """An expression that yields a boolean, or a boolean."""
    if not rule.require("Condition"):
        return None
    condition = rule.raw["Condition"]
    if isinstance(condition, bool):
        return Always(condition)
    if not is_expression(condition):
        rule.error("Condition", "Expected a JSONata expression or a boolean")
        return None
    value = read_typed(rule, "Condition", "boolean", prefix=prefix)
    return None if value is None else Holds(value)
