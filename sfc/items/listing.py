"""s3:listObjectsV2: the objects of a bucket, in the order of their keys. A place is the last key."""

import os
from collections.abc import Iterator
from typing import Any, Final

from sfc.items.storage import Location, failures_of
from sfc.jsonvalue import Json

_PAGE: Final = 1_000


def objects(location: Location, prefix: str, after: str | None) -> Iterator[dict[str, Json]]:
    """One object each, with AWS's members. Raises FlowError States.ItemReaderFailed."""
    with failures_of(location):
        if location.files.protocol == "s3" or "s3" in location.files.protocol:
            yield from _of_bucket(location.files, location.bucket, prefix, after)
        else:
            yield from _of_directory(location.path, prefix, after)


def _of_bucket(files: Any, bucket: str, prefix: str, after: str | None) -> Iterator[dict[str, Json]]:
    more: dict[str, Json] = {} if after is None else {"StartAfter": after}
    while True:
        page = files.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=_PAGE, **more)
        for found in page.get("Contents", ()):
            yield {
                "Etag": found["ETag"],
                "Key": found["Key"],
                "LastModified": found["LastModified"].timestamp(),
                "Size": found["Size"],
                "StorageClass": found.get("StorageClass", "STANDARD"),
            }
        if not page.get("IsTruncated"):
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}


def _of_directory(directory: str, prefix: str, after: str | None) -> Iterator[dict[str, Json]]:
    for key, entry in _walk(directory, "", prefix, after):
        status = entry.stat()
        yield {
            "Etag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"',
            "Key": key,
            "LastModified": status.st_mtime,
            "Size": status.st_size,
            "StorageClass": "STANDARD",
        }


def _walk(directory: str, at: str, prefix: str, after: str | None) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Files by key, as S3 orders them: by the bytes of the whole key, in which a directory ends in a slash. Links are
    not followed.
    """
    with os.scandir(os.path.join(directory, at)) as found:
        entries = sorted(
            ((f"{at}{entry.name}/" if entry.is_dir(follow_symlinks=False) else f"{at}{entry.name}"), entry)
            for entry in found
        )
    for key, entry in entries:
        if key.endswith("/"):
            wanted = key.startswith(prefix) or prefix.startswith(key)
            if wanted and (after is None or key > after or after.startswith(key)):
                yield from _walk(directory, key, prefix, after)
        elif key.startswith(prefix) and (after is None or key > after) and entry.is_file(follow_symlinks=False):
            yield key, entry
