"""Reads a Map state. What only a distributed Map may have is checked here and kept as it is written."""

import re
from typing import Final

from sfc.asl.expression import Expression
from sfc.asl.fields import Fields
from sfc.asl.jsonata.fields import read_integer, read_number, read_value
from sfc.asl.jsonata.items import read_items
from sfc.asl.model import Map, State
from sfc.asl.retry import read_catch, read_retry
from sfc.asl.states import Context, Kind, Language, comment_of, flow_of, next_of

_ONLY_DISTRIBUTED: Final = ("ItemReader", "ItemBatcher", "ResultWriter", "Label")
_MODES: Final = ("INLINE", "DISTRIBUTED")
_LABEL_CHARS: Final = 40
_NOT_IN_LABELS: Final = re.compile(r"[\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f\x7f-\x9f]")
_MAX_CONCURRENCY: Final = 10_000
_BATCH_BYTES: Final = 262_144
_MOST: Final = 2**31 - 1
_INPUT_TYPES: Final = ("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")


def read_map(state: Fields, name: str, language: Language, context: Context, depth: int) -> State | None:
    source = _processor_field(state)
    processor = state.object(source)
    mode, kind = _config(processor, context)
    distributed = mode == "DISTRIBUTED"
    if distributed:
        state.report.later(state.at, "A distributed Map cannot be run yet")
        _check_distributed(state, context, language)
    else:
        for field in _ONLY_DISTRIBUTED:
            if state.has(field):
                state.error(field, f"'{field}' is only supported in a Map whose Mode is DISTRIBUTED")
    inner, context.kind = context.kind, kind
    body = None if processor is None else context.machine(processor, context, depth + 1)
    context.kind = inner
    retry, catch = read_retry(state), read_catch(state, language)
    items, selector = _items(state, language)
    concurrency = _limit(state, "MaxConcurrency", _MAX_CONCURRENCY, language)
    count = _limit(state, "ToleratedFailureCount", _MOST, language)
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
        max_concurrency=concurrency,
        tolerated_failure_count=count,
        tolerated_failure_percentage=percentage,
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


def _limit(state: Fields, name: str, high: int, language: Language) -> int | Expression:
    if language == "JSONata":
        return read_integer(state, name, 0, high) or 0
    state.exclude(name, f"{name}Path")
    value = state.integer(name, 0, high)
    if value is not None:
        return value
    return state.path(f"{name}Path") or 0


def _percentage(state: Fields, language: Language) -> float | Expression:
    name = "ToleratedFailurePercentage"
    if language == "JSONata":
        return read_number(state, name, 0, 100) or 0.0
    state.exclude(name, f"{name}Path")
    value = state.number(name, 0, 100)
    if value is not None:
        return value
    return state.path(f"{name}Path") or 0.0


def _check_distributed(state: Fields, context: Context, language: Language) -> None:
    label = state.text("Label", empty=False)
    if label is not None:
        if len(label) > _LABEL_CHARS or _NOT_IN_LABELS.search(label):
            state.error(
                "Label", f'A Label has at most {_LABEL_CHARS} characters, without spaces and ?*<>{{}}[]:;,\\|^~$#%&`"'
            )
        elif label in context.labels:
            state.error("Label", f"The Label '{label}' is used by another Map")
        context.labels.add(label)
    _check_reader(state.object("ItemReader"), language)
    _check_batcher(state.object("ItemBatcher"), language)
    _check_writer(state.object("ResultWriter"), language)


def _check_reader(reader: Fields | None, language: Language) -> None:
    if reader is None:
        return
    arguments = "Parameters" if language == "JSONPath" else "Arguments"
    reader.only(("Resource", arguments, "ReaderConfig"), f"an ItemReader in {language}")
    reader.require("Resource")
    reader.text("Resource", empty=False)
    _check_arguments(reader, language)
    config = reader.object("ReaderConfig")
    if config is None:
        return
    config.only(
        ("InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems", "MaxItemsPath", "ItemsPointer",
         "Transformation", "ManifestType"), "a ReaderConfig",
    )  # fmt: skip
    config.one_of("InputType", _INPUT_TYPES)
    config.one_of("CSVHeaderLocation", ("FIRST_ROW", "GIVEN"))
    config.one_of("CSVDelimiter", ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"))
    config.one_of("Transformation", ("NONE", "LOAD_AND_FLATTEN"))
    config.one_of("ManifestType", ("ATHENA_DATA", "S3_INVENTORY"))
    config.array("CSVHeaders")
    config.text("ItemsPointer")
    if language == "JSONata":
        read_integer(config, "MaxItems", -_MOST, _MOST)
    else:
        config.exclude("MaxItems", "MaxItemsPath")
        config.integer("MaxItems", -_MOST, _MOST)  # a negative one is an error of the execution
        config.path("MaxItemsPath")


def _check_batcher(batcher: Fields | None, language: Language) -> None:
    if batcher is None:
        return
    limits = {"MaxItemsPerBatch": _MOST, "MaxInputBytesPerBatch": _BATCH_BYTES}
    paths = [f"{name}Path" for name in limits] if language == "JSONPath" else []
    batcher.only((*limits, *paths, "BatchInput"), f"an ItemBatcher in {language}")
    if not any(batcher.has(name) for name in (*limits, *paths)):
        batcher.report.error(batcher.at, f"An ItemBatcher must have one of {', '.join((*limits, *paths))}")
    for name, high in limits.items():
        low = 1 if name == "MaxItemsPerBatch" else 2
        if language == "JSONata":
            read_integer(batcher, name, low, high)
        else:
            batcher.exclude(name, f"{name}Path")
            batcher.integer(name, low, high)
            batcher.path(f"{name}Path")
    if language == "JSONPath":
        batcher.template("BatchInput")
    else:
        read_value(batcher, "BatchInput")


def _check_writer(writer: Fields | None, language: Language) -> None:
    if writer is None:
        return
    arguments = "Parameters" if language == "JSONPath" else "Arguments"
    writer.only(("Resource", arguments, "WriterConfig"), f"a ResultWriter in {language}")
    writer.text("Resource", empty=False)
    _check_arguments(writer, language)
    if not writer.raw:
        writer.report.error(writer.at, "Value cannot be empty")
    config = writer.object("WriterConfig")
    if config is not None:
        config.only(("Transformation", "OutputType"), "a WriterConfig")
        config.require("OutputType")
        config.one_of("Transformation", ("NONE", "COMPACT", "FLATTEN"))
        config.one_of("OutputType", ("JSON", "JSONL"))


def _check_arguments(fields: Fields, language: Language) -> None:
    if language == "JSONPath":
        fields.template("Parameters")
    else:
        read_value(fields, "Arguments")
