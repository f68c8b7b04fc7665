"""Opens the items that an ItemReader names, from the beginning or from a place."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, Literal

from sfc.interpreter.map_specs import ReaderSpec
from sfc.items import manifest
from sfc.items.item import Item, reader_failed
from sfc.items.json_stream import json_items
from sfc.items.listing import objects
from sfc.items.parquet import parquet_rows
from sfc.items.rows import DELIMITERS, csv_rows, json_lines
from sfc.items.storage import Location, NotAllowed, Storage, identity, reading
from sfc.jsonvalue import Json

InputType = Literal["CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"]
_BY_SUFFIX: Final[dict[str, InputType]] = {
    "csv": "CSV", "json": "JSON", "jsonl": "JSONL", "ndjson": "JSONL", "parquet": "PARQUET",
}  # fmt: skip


def open_items(storage: Storage, spec: ReaderSpec, place: Json = None, seen: int = 0) -> Iterator[Item]:
    """The items behind `place`, of which `seen` were given before. Raises FlowError States.ItemReaderFailed."""
    if spec.max_items < 0:
        raise reader_failed("field MaxItems must be positive")
    try:
        items = _listed(storage, spec, place) if spec.action == "listObjectsV2" else _stored(storage, spec, place)
        yield from islice(items, max(0, spec.max_items - seen)) if spec.max_items else items
    except NotAllowed as error:
        raise reader_failed(str(error)) from None


def _stored(storage: Storage, spec: ReaderSpec, place: Json) -> Iterator[Item]:
    location = storage.locate(_argument(spec, "Bucket"), _argument(spec, "Key"))
    if spec.manifest_type is not None or spec.input_type == "MANIFEST":
        yield from _of_manifest(storage, spec, location, place)
    else:
        yield from contents(location, spec, _input_type(spec, location.key), place)


def contents(location: Location, spec: ReaderSpec, kind: InputType, place: Json) -> Iterator[Item]:
    """The items inside one object. Its identity is part of the place: a changed object cannot be gone on with."""
    which = identity(location)
    inner = None
    if place is not None:
        inner, before = place
        if which != before:
            raise reader_failed(f"{location.uri} has changed since its first items were read.")
    with reading(location, spec.arguments.get("VersionId")) as file:
        match kind:
            case "CSV":
                rows = csv_rows(file, spec.headers, DELIMITERS[spec.delimiter], inner)
            case "JSONL":
                rows = json_lines(file, inner)
            case "PARQUET":
                rows = parquet_rows(file, inner)
            case _:
                rows = json_items(file, spec.pointer, inner)
        members = kind == "JSON"
        for value, behind in rows:
            if members and not behind[1]:
                yield Item(value["Value"], [behind, which], location.uri, value["Key"])
            else:
                yield Item(value, [behind, which], location.uri)


def _listed(storage: Storage, spec: ReaderSpec, place: Json) -> Iterator[Item]:
    """Objects of a bucket. The place inside a flattened object is [its key, the place in it], else the last key."""
    bucket, prefix = _argument(spec, "Bucket"), spec.arguments.get("Prefix") or ""
    top = storage.locate(bucket, "")
    if not spec.flatten:
        for found in objects(top, prefix, place):
            yield Item(found, found["Key"], top.uri)
        return
    after = place[0] if place is not None else None
    if after is not None and place[1] is not None:
        yield from _inside(storage, spec, bucket, after, place[1])
    for found in objects(top, prefix, after):
        yield from _inside(storage, spec, bucket, found["Key"], None)


def _inside(storage: Storage, spec: ReaderSpec, bucket: str, key: str, place: Json) -> Iterator[Item]:
    if key.endswith("/"):
        return  # a "directory" that a console made: an empty object
    location = storage.locate(bucket, key)
    for item in contents(location, spec, _input_type(spec, key), place):
        yield item._replace(place=[key, item.place])


def _of_manifest(storage: Storage, spec: ReaderSpec, location: Location, place: Json) -> Iterator[Item]:
    """The items inside the files that a manifest names; a place is [number of the file, the place in it]."""
    number, inner = place if place is not None else (0, None)
    files = manifest.files(storage, location, spec.manifest_type)
    for at, file in enumerate(files):
        if at < number:
            continue
        # The manifest of an inventory knows the columns; of Athena's result files only the user does.
        read = spec if file.headers is None else _with_headers(spec, file.headers)
        kind: InputType = file.kind or _input_type(spec, file.location.key)
        for item in contents(file.location, read, kind, inner):
            yield item._replace(place=[at, item.place])
        inner = None


def _with_headers(spec: ReaderSpec, headers: Sequence[str]) -> ReaderSpec:
    return ReaderSpec(action=spec.action, arguments={}, input_type="CSV", headers=tuple(headers))


def _input_type(spec: ReaderSpec, key: str) -> InputType:
    """InputType, else what the name ends in, else JSON."""
    if spec.input_type is not None and spec.input_type != "MANIFEST":
        return spec.input_type
    name = key.lower().removesuffix(".gz")
    return _BY_SUFFIX.get(name.rpartition(".")[2], "JSON")


def _argument(spec: ReaderSpec, name: str) -> str:
    value = spec.arguments.get(name)
    if not isinstance(value, str) or not value:
        raise reader_failed(f"The ItemReader needs a {name} that is a text.")
    return value
