"""Reads what only a distributed Map has: its label, reader, batcher and writer."""

import re
from hashlib import blake2b
from typing import Any, Final

from sfc.asl.expression import Expression
from sfc.asl.fields import Fields
from sfc.asl.jsonata.fields import read_integer, read_value
from sfc.asl.model import Distributed, ItemBatcher, ItemReader, ResultWriter
from sfc.asl.states import Kind, Language

ONLY_DISTRIBUTED: Final = ("ItemReader", "ItemBatcher", "ResultWriter", "Label")
MOST: Final = 2**31 - 1
_LABEL_CHARS: Final = 40
_NOT_IN_LABELS: Final = re.compile(r"[\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f\x7f-\x9f]")
_BATCH_BYTES: Final = 262_144
_READ: Final = re.compile(r"arn:[\w-]+:states:::s3:(getObject|listObjectsV2)")
_WRITE: Final = re.compile(r"arn:[\w-]+:states:::s3:putObject")


def read_distributed(state: Fields, name: str, kind: Kind, labels: set[str], language: Language) -> Distributed:
    """`labels` are those of the Maps read before. What is wrong is reported."""
    label = _label(state, name, labels)
    reader = _reader(state.object("ItemReader"), language)
    batcher = _batcher(state.object("ItemBatcher"), language)
    writer = _writer(state.object("ResultWriter"), language)
    return Distributed(label=label, kind=kind, reader=reader, batcher=batcher, writer=writer)


def _label(state: Fields, name: str, labels: set[str]) -> str:
    """The Label, or one that is made of the state's name, which may have characters that a label may not."""
    label = state.text("Label", empty=False)
    if label is None:
        return blake2b(name.encode(), digest_size=16).hexdigest()
    if len(label) > _LABEL_CHARS or _NOT_IN_LABELS.search(label):
        state.error(
            "Label", f'A Label has at most {_LABEL_CHARS} characters, without spaces and ?*<>{{}}[]:;,\\|^~$#%&`"'
        )
    elif label in labels:
        state.error("Label", f"The Label '{label}' is used by another Map")
    labels.add(label)
    return label


def _reader(reader: Fields | None, language: Language) -> ItemReader | None:
    if reader is None:
        return None
    arguments = "Parameters" if language == "JSONPath" else "Arguments"
    reader.only(("Resource", arguments, "ReaderConfig"), f"an ItemReader in {language}")
    reader.require("Resource")
    resource = reader.text("Resource", empty=False)
    action = None if resource is None else _READ.fullmatch(resource)
    if resource and action is None:
        reader.error("Resource", "An ItemReader's Resource is arn:aws:states:::s3:getObject or …:s3:listObjectsV2")
    given = _arguments(reader, language, "ItemReader/")
    more = _reader_config(reader.object("ReaderConfig"), language)
    return ItemReader(
        action="listObjectsV2" if action is not None and action[1] == "listObjectsV2" else "getObject",
        arguments=given,
        **more,
    )


def _reader_config(config: Fields | None, language: Language) -> dict[str, Any]:
    """The fields of `ItemReader` that stand in ReaderConfig."""
    if config is None:
        return {}
    config.only(
        ("InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems", "MaxItemsPath", "ItemsPointer",
         "Transformation", "ManifestType"), "a ReaderConfig",
    )  # fmt: skip
    location = config.one_of("CSVHeaderLocation", ("FIRST_ROW", "GIVEN"))
    headers = config.array("CSVHeaders")
    if headers is not None and not all(isinstance(header, str) for header in headers):
        config.error("CSVHeaders", "Expected an array of String")
    if location == "GIVEN" and not config.has("CSVHeaders"):
        config.error("CSVHeaderLocation", "CSVHeaders must be given when the CSVHeaderLocation is GIVEN")
    pointer = config.text("ItemsPointer") or ""
    if pointer and not pointer.startswith("/"):
        config.error("ItemsPointer", "An ItemsPointer is a JSON Pointer: it begins with '/'")
    max_items: int | Expression | None
    if language == "JSONata":
        max_items = read_integer(config, "MaxItems", -MOST, MOST, "ItemReader/ReaderConfig/")
    else:
        config.exclude("MaxItems", "MaxItemsPath")
        max_items = config.integer("MaxItems", -MOST, MOST)  # a negative one is an error of the execution
        if max_items is None:
            max_items = config.path("MaxItemsPath")
    return {
        "input_type": config.one_of("InputType", ("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")),
        "headers": tuple(headers) if headers is not None and location == "GIVEN" else None,
        "delimiter": config.one_of("CSVDelimiter", ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")) or "COMMA",
        "pointer": pointer,
        "flatten": config.one_of("Transformation", ("NONE", "LOAD_AND_FLATTEN")) == "LOAD_AND_FLATTEN",
        "manifest_type": config.one_of("ManifestType", ("ATHENA_DATA", "S3_INVENTORY")),
        "max_items": max_items or 0,
    }


def _batcher(batcher: Fields | None, language: Language) -> ItemBatcher | None:
    if batcher is None:
        return None
    limits = {"MaxItemsPerBatch": (1, MOST), "MaxInputBytesPerBatch": (2, _BATCH_BYTES)}
    paths = [f"{name}Path" for name in limits] if language == "JSONPath" else []
    batcher.only((*limits, *paths, "BatchInput"), f"an ItemBatcher in {language}")
    if not any(batcher.has(name) for name in (*limits, *paths)):
        batcher.report.error(batcher.at, f"An ItemBatcher must have one of {', '.join((*limits, *paths))}")
    found: list[int | Expression | None] = []
    for name, (low, high) in limits.items():
        if language == "JSONata":
            found.append(read_integer(batcher, name, low, high, "ItemBatcher/"))
        else:
            batcher.exclude(name, f"{name}Path")
            value = batcher.integer(name, low, high)
            found.append(batcher.path(f"{name}Path") if value is None else value)
    jsonata = language == "JSONata"
    given = read_value(batcher, "BatchInput", prefix="ItemBatcher/") if jsonata else batcher.template("BatchInput")
    return ItemBatcher(max_items=found[0], max_bytes=found[1], input=given)


def _writer(writer: Fields | None, language: Language) -> ResultWriter:
    if writer is None:
        return ResultWriter()
    arguments = "Parameters" if language == "JSONPath" else "Arguments"
    writer.only(("Resource", arguments, "WriterConfig"), f"a ResultWriter in {language}")
    resource = writer.text("Resource", empty=False)
    if resource and not _WRITE.fullmatch(resource):
        writer.error("Resource", "A ResultWriter's Resource is arn:aws:states:::s3:putObject")
    given = _arguments(writer, language, "ResultWriter/")
    if not writer.raw:
        writer.report.error(writer.at, "Value cannot be empty")
    config = writer.object("WriterConfig")
    transformation = output_type = None
    if config is not None:
        config.only(("Transformation", "OutputType"), "a WriterConfig")
        config.require("OutputType")
        transformation = config.one_of("Transformation", ("NONE", "COMPACT", "FLATTEN"))
        output_type = config.one_of("OutputType", ("JSON", "JSONL"))
    return ResultWriter(
        arguments=given,
        # Source: the developer guide, "ResultWriter": exported results are whole unless the definition says otherwise.
        transformation=transformation or ("COMPACT" if config is not None or given is None else "NONE"),  # type: ignore[arg-type]
        output_type="JSONL" if output_type == "JSONL" else "JSON",
    )


def _arguments(fields: Fields, language: Language, prefix: str) -> Expression | None:
    return fields.template("Parameters") if language == "JSONPath" else read_value(fields, "Arguments", prefix=prefix)
