"""Reads a Map state."""

from typing import Final

from sfc.asl.distributed import MOST, ONLY_DISTRIBUTED, read_distributed
from sfc.asl.expression import Expression
from sfc.asl.fields import Fields
from sfc.asl.jsonata.fields import read_integer, read_number, read_value
from sfc.asl.jsonata.items import read_items
from sfc.asl.model import Map, State
from sfc.asl.retry import read_catch, read_retry
from sfc.asl.states import Context, Kind, Language, comment_of, flow_of, next_of

_MODES: Final = ("INLINE", "DISTRIBUTED")
_MAX_CONCURRENCY: Final = 10_000


def read_map(state: Fields, name: str, language: Language, context: Context, depth: int) -> State | None:
    source = _processor_field(state)
    processor = state.object(source)
    mode, kind = _config(processor, context)
    distributed = mode == "DISTRIBUTED"
    apart = None
    if distributed:
        apart = read_distributed(state, name, kind, context.labels, language)
    else:
        for field in ONLY_DISTRIBUTED:
            if state.has(field):
                state.error(field, f"'{field}' is only supported in a Map whose Mode is DISTRIBUTED")
    inner, context.kind = context.kind, kind
    body = None if processor is None else context.machine(processor, context, depth + 1)
    context.kind = inner
    retry, catch = read_retry(state), read_catch(state, language)
    items, selector = _items(state, language)
    concurrency = _limit(state, "MaxConcurrency", _MAX_CONCURRENCY, language)
    count = _limit(state, "ToleratedFailureCount", MOST, language)
    percentage = _percentage(state, language)
    flow = flow_of(state, language, "InputPath", "OutputPath", "ResultSelector", "ResultPath")
    if body is None:
        return None
    return Map(
        name=name,
        comment=comment_of(state),
        flow=flow,
        next=next_of(state),
        items=items,
        item_selector=selector,
        processor=body,
        max_concurrency=concurrency or 0,
        tolerated_failure_count=count,
        tolerated_failure_percentage=percentage,
        distributed=apart,
        retry=retry,
        catch=catch,
    )


def _processor_field(state: Fields) -> str:
    state.exclude("ItemProcessor", "Iterator")
    if not state.has("ItemProcessor") and not state.has("Iterator"):
        state.require("ItemProcessor")
    return "ItemProcessor" if state.has("ItemProcessor") else "Iterator"


def _config(processor: Fields | None, context: Context) -> tuple[str, Kind]:
    """The processor's mode, and the kind its states are checked for."""
    config = None if processor is None else processor.object("ProcessorConfig")
    if config is None:
        return "INLINE", context.kind
    config.only(("Mode", "ExecutionType"), "ProcessorConfig")
    mode = config.one_of("Mode", _MODES) or "INLINE"
    kind = config.one_of("ExecutionType", ("STANDARD", "EXPRESS"))
    if mode == "INLINE":
        return mode, context.kind
    config.require("ExecutionType")
    if context.kind == "EXPRESS":
        config.error("Mode", "Express state machine does not support a Map whose Mode is DISTRIBUTED")
    return mode, "EXPRESS" if kind == "EXPRESS" else "STANDARD"


def _items(state: Fields, language: Language) -> tuple[Expression | None, Expression | None]:
    """What is iterated over, and what is made of each item."""
    if language == "JSONata":
        return read_items(state), read_value(state, "ItemSelector")
    state.exclude("ItemSelector", "Parameters")
    return state.path("ItemsPath"), state.template("ItemSelector" if state.has("ItemSelector") else "Parameters")


def _limit(state: Fields, name: str, high: int, language: Language) -> int | Expression | None:
    if language == "JSONata":
        return read_integer(state, name, 0, high)
    state.exclude(name, f"{name}Path")
    value = state.integer(name, 0, high)
    return state.path(f"{name}Path") if value is None else value


def _percentage(state: Fields, language: Language) -> float | Expression | None:
    name = "ToleratedFailurePercentage"
    if language == "JSONata":
        return read_number(state, name, 0, 100)
    state.exclude(name, f"{name}Path")
    value = state.number(name, 0, 100)
    return state.path(f"{name}Path") if value is None else value
