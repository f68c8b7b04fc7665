"""Where items are read from and results are written to: buckets of S3, and directories of this machine.

    Bucket "orders"                Key "2026/01.csv"   an object of S3, by s3fs (extra `aws`), at any endpoint
    Bucket "file:///data/orders"   Key "2026/01.csv"   a file, if it is inside one of the configured roots

A local file is named by its real path, so no `..` and no symbolic link leads out of a root.
"""

import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final

from sfc.asl.expression import FlowError
from sfc.items.item import reader_failed
from sfc.jsonvalue import Json

_BUCKET_ARN: Final = "arn:aws:s3:::"
_BUFFER: Final = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    roots: tuple[str, ...] = ()
    """Directories of this machine that a Map may read and write; none: no local files."""
    s3_endpoint: str | None = None
    """URL of a service that speaks S3's API; None: AWS, or what the environment says."""
    region: str | None = None
    """Of S3; None: what the environment says."""


class NotAllowed(Exception):
    """The location is not one that a Map may use; the text says why."""


@dataclass(frozen=True, slots=True)
class Location:
    """One object or directory. `files` is an fsspec file system."""

    files: Any
    path: str
    uri: str
    """As `$$.Map.Item.Source` spells it: `S3://bucket/key`, `file:///path`."""
    bucket: str
    key: str


class Storage:
    """Resolves locations. Its methods block."""

    def __init__(self, settings: StorageSettings | None = None) -> None:
        self._settings = settings or StorageSettings()
        self._roots = [os.path.realpath(root) for root in self._settings.roots]
        self._systems: dict[str, Any] = {}

    def locate(self, bucket: str, key: str) -> Location:
        """Raises NotAllowed."""
        bucket = bucket.removeprefix(_BUCKET_ARN)
        if bucket.startswith("file:"):
            return self._local(bucket, key)
        if "://" in bucket:
            raise NotAllowed(f"{bucket} is neither the name of an S3 bucket nor a file:// directory")
        path = f"{bucket}/{key}"
        return Location(self._s3(), path, f"S3://{path}" if key else f"S3://{bucket}", bucket, key)

    def locate_uri(self, uri: str) -> Location:
        """`s3://bucket/key` or `file:///path`. Raises NotAllowed."""
        if uri.startswith("file:"):
            directory, _, name = uri.rpartition("/")
            return self.locate(directory, name)
        scheme, _, rest = uri.partition("://")
        if scheme.lower() != "s3":
            raise NotAllowed(f"{uri} is neither an s3:// nor a file:// location")
        bucket, _, key = rest.partition("/")
        return self.locate(bucket, key)

    def _local(self, bucket: str, key: str) -> Location:
        directory = "/" + bucket.removeprefix("file:").lstrip("/")
        path = os.path.realpath(os.path.join(directory, key))
        if not any(path == root or path.startswith(root.rstrip("/") + "/") for root in self._roots):
            raise NotAllowed(f"file://{path} is in none of the directories that a Map may use (see --map-files)")
        if "file" not in self._systems:
            from fsspec.implementations.local import LocalFileSystem

            self._systems["file"] = LocalFileSystem(auto_mkdir=True, skip_instance_cache=True)
        return Location(self._systems["file"], path, f"file://{path}", bucket, key)

    def _s3(self) -> Any:
        if "s3" not in self._systems:
            try:
                from botocore.session import get_session
                from s3fs import S3FileSystem
            except ImportError:
                raise NotAllowed(
                    "locations in S3 need the extra `aws` (pip install service-flow-conductor[aws])"
                ) from None
            endpoint, region = self._settings.s3_endpoint, self._settings.region
            # As for tasks: an endpoint of its own is called with made-up credentials when there are none.
            made_up = endpoint is not None and get_session().get_credentials() is None
            self._systems["s3"] = S3FileSystem(
                key="sfc" if made_up else None,
                secret="sfc" if made_up else None,
                endpoint_url=endpoint,
                client_kwargs={"region_name": region} if region else {},
                use_listings_cache=False,
                skip_instance_cache=True,
            )
        return self._systems["s3"]


@contextmanager
def reading(location: Location, version: str | None = None) -> Iterator[IO[bytes]]:
    """The object's bytes, unpacked when its name ends in .gz. Raises FlowError States.ItemReaderFailed."""
    with failures_of(location):
        more = {} if version is None else {"version_id": version}
        with location.files.open(location.path, "rb", **more) as file:
            raw = gzip.GzipFile(fileobj=file) if location.path.endswith(".gz") else file
            with io.BufferedReader(raw, _BUFFER) as buffered:
                yield buffered


def identity(location: Location) -> Json:
    """Tells one content of an object from another: the ETag, or size and time of change."""
    with failures_of(location):
        info = location.files.info(location.path)
        return info.get("ETag") or [info.get("size"), str(info.get("mtime", ""))]


@contextmanager
def failures_of(location: Location) -> Iterator[None]:
    """Turns what a file system may raise into FlowError States.ItemReaderFailed."""
    try:
        yield
    except FlowError:
        raise
    except FileNotFoundError:
        raise reader_failed(f"The specified key does not exist: {location.uri}") from None
    except (OSError, EOFError, ValueError) as error:
        raise reader_failed(f"{location.uri} could not be read: {error}") from None
    except Exception as error:
        if type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp")):
            raise reader_failed(f"{location.uri} could not be read: {error}") from None
        raise
