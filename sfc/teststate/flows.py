"""Data flows that note what they make on their way. Each stage is done by the flow of the language itself."""

from dataclasses import dataclass, replace
from typing import Final

from sfc.asl.dataflow import JsonPathFlow
from sfc.asl.expression import Failure, Scope
from sfc.asl.model import DataFlow, Map, Resource
from sfc.interpreter.states.map_items import items_of
from sfc.interpreter.states.map_limits import max_concurrency
from sfc.interpreter.states.map_run import batch_spec, tolerated_count, tolerated_percentage
from sfc.items.batches import child_inputs
from sfc.jsonvalue import Json, loads
from sfc.teststate.notes import Notes
from sfc.teststate.readers import read_items

MOCKED: Final = Resource(text="task:mocked", kind="task", service="task", action="mocked")
"""What a mocked Map or Parallel calls in the place of its iterations or branches."""


def inspected(flow: DataFlow, notes: Notes) -> DataFlow:
    return InspectedJsonPath(flow, notes) if isinstance(flow, JsonPathFlow) else Inspected(flow, notes)


@dataclass(frozen=True, slots=True)
class Inspected:
    """Implements `DataFlow` over one of JSONata."""

    flow: DataFlow
    notes: Notes

    @property
    def growth(self) -> int:
        return self.flow.growth

    def arguments(self, raw: Json, scope: Scope) -> Json:
        made = self.flow.arguments(raw, scope)
        self.notes.values["afterArguments"] = made
        return made

    def output(self, raw: Json, result: Json, scope: Scope) -> Json:
        self.notes.values["result"] = result
        return self.flow.output(raw, result, scope)

    def assigned(self, raw: Json, result: Json, scope: Scope) -> dict[str, Json]:
        made = self.flow.assigned(raw, result, scope)
        self.notes.variables = {**scope.variables, **made}
        return made


@dataclass(frozen=True, slots=True)
class InspectedJsonPath:
    """Implements `DataFlow` over one of JSONPath, stage by stage."""

    flow: JsonPathFlow
    notes: Notes

    @property
    def growth(self) -> int:
        return self.flow.growth

    def arguments(self, raw: Json, scope: Scope) -> Json:
        data = JsonPathFlow(input_path=self.flow.input_path).arguments(raw, scope)
        self.notes.values["afterInputPath"] = data
        made = JsonPathFlow(parameters=self.flow.parameters).arguments(data, scope)
        self.notes.values["afterParameters"] = made
        return made

    def output(self, raw: Json, result: Json, scope: Scope) -> Json:
        self.notes.values["result"] = result
        selected = JsonPathFlow(result_selector=self.flow.result_selector).output(raw, result, scope)
        self.notes.values["afterResultSelector"] = selected
        placed = JsonPathFlow(result_path=self.flow.result_path).output(raw, selected, scope)
        self.notes.values["afterResultPath"] = placed
        return JsonPathFlow(output_path=self.flow.output_path).output(raw, placed, scope)

    def assigned(self, raw: Json, result: Json, scope: Scope) -> dict[str, Json]:
        made = self.flow.assigned(raw, result, scope)
        self.notes.variables = {**scope.variables, **made}
        return made


@dataclass(frozen=True, slots=True)
class Caught:
    """The flow of a catcher: notes which one it was, and what it caught."""

    flow: DataFlow
    notes: Notes
    index: int

    @property
    def growth(self) -> int:
        return self.flow.growth

    def arguments(self, raw: Json, scope: Scope) -> Json:
        return self.flow.arguments(raw, scope)

    def output(self, raw: Json, result: Json, scope: Scope) -> Json:
        self.notes.catcher = self.index
        self.notes.failure = Failure(result["Error"], result["Cause"])
        return self.flow.output(raw, result, scope)

    def assigned(self, raw: Json, result: Json, scope: Scope) -> dict[str, Json]:
        return self.flow.assigned(raw, result, scope)


@dataclass(frozen=True, slots=True)
class Mapped:
    """The flow of a Map whose iterations are mocked: notes all that they would be given."""

    flow: DataFlow
    notes: Notes
    state: Map
    read: str | None
    """What an ItemReader is said to have read."""

    @property
    def growth(self) -> int:
        return self.flow.growth

    def arguments(self, raw: Json, scope: Scope) -> Json:
        data = self.flow.arguments(raw, scope)
        notes, state = self.notes, self.state
        reader = None if state.distributed is None else state.distributed.reader
        if reader is None:
            notes.items = notes.values["afterItemsPath"] = items_of(state, data, scope)
        else:
            notes.items = read_items(reader, self.read or "")
        notes.limits["maxConcurrency"] = max_concurrency(state.max_concurrency, data, scope)
        count = tolerated_count(state.tolerated_failure_count, data, scope)
        if count is not None:
            notes.limits["toleratedFailureCount"] = count
        percentage = tolerated_percentage(state.tolerated_failure_percentage, data, scope)
        if percentage is not None:
            notes.limits["toleratedFailurePercentage"] = float(percentage)
        self._select(data, scope)
        return data

    def _select(self, data: Json, scope: Scope) -> None:
        notes, selector = self.notes, self.state.item_selector
        items = notes.items
        selected = items if isinstance(items, list) else [{"Key": key, "Value": items[key]} for key in items]
        if selector is not None:
            selected = [selector.evaluate(data, _with_item(scope, index, item)) for index, item in enumerate(selected)]
            notes.values["afterItemSelector"] = selected
        batcher = None if self.state.distributed is None else self.state.distributed.batcher
        if batcher is not None:
            inputs = child_inputs(((value, None) for value in selected), batch_spec(batcher, data, scope))
            notes.values["afterItemBatcher"] = [loads(each.input) for each in inputs]

    def output(self, raw: Json, result: Json, scope: Scope) -> Json:
        return self.flow.output(raw, result, scope)

    def assigned(self, raw: Json, result: Json, scope: Scope) -> dict[str, Json]:
        return self.flow.assigned(raw, result, scope)


def _with_item(scope: Scope, index: int, item: Json) -> Scope:
    """What an ItemSelector sees."""
    return replace(scope, context=lambda: {**scope.context(), "Map": {"Item": {"Index": index, "Value": item}}})
