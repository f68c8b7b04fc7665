"""Manifests: files that name the files which hold the items.

S3_INVENTORY: the `manifest.json` of an S3 Inventory report; its files are CSV (often .gz) without headers, or Parquet.
ATHENA_DATA: the manifest of an Athena query's data (`…-manifest.csv`), one `s3://` location a line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from sfc.items.item import reader_failed
from sfc.items.storage import Location, Storage, reading
from sfc.jsonvalue import Json, NotJson, loads
from sfc.limits import MAP_ITEM_BYTES

_FORMATS: Final[dict[str, Literal["CSV", "PARQUET"]]] = {"CSV": "CSV", "Parquet": "PARQUET"}


@dataclass(frozen=True, slots=True)
class ManifestFile:
    location: Location
    kind: Literal["CSV", "PARQUET"] | None
    """None: as the ItemReader says."""
    headers: tuple[str, ...] | None
    """Columns of a CSV file that has no row of headers."""


def files(
    storage: Storage, location: Location, kind: Literal["ATHENA_DATA", "S3_INVENTORY"] | None
) -> Iterator[ManifestFile]:
    """In the manifest's order. Raises FlowError States.ItemReaderFailed, NotAllowed."""
    with reading(location) as file:
        text = file.read(MAP_ITEM_BYTES + 1)
    if len(text) > MAP_ITEM_BYTES:
        raise reader_failed(f"The manifest {location.uri} is larger than {MAP_ITEM_BYTES} bytes.")
    if kind == "ATHENA_DATA":
        for line in text.decode(errors="replace").splitlines():
            uri = line.strip().strip('"')
            if uri:
                yield ManifestFile(storage.locate_uri(uri), None, None)
        return
    try:
        yield from _inventory(storage, location, loads(text))
    except NotJson as error:
        raise reader_failed(f"The manifest {location.uri} is no valid JSON: {error}") from None
    except (KeyError, TypeError, AttributeError):
        raise reader_failed(f"{location.uri} is no manifest of an S3 Inventory.") from None


def _inventory(storage: Storage, location: Location, manifest: Json) -> Iterator[ManifestFile]:
    form = manifest["fileFormat"]
    if form not in _FORMATS:
        raise reader_failed(f"The inventory {location.uri} is in {form}, not in CSV or Parquet.")
    schema = manifest["fileSchema"]
    headers = tuple(name.strip() for name in schema.split(",")) if form == "CSV" else None
    # Beside local files a manifest names no bucket: its files are where it is itself.
    bucket = manifest.get("destinationBucket") or location.bucket
    for each in manifest["files"]:
        yield ManifestFile(storage.locate(bucket, each["key"]), _FORMATS[form], headers)
