"""What the bytes of a message mean: `json` (the default), `text`, `bytes`; with a schema registry `avro`, `protobuf`
and `json-schema`.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from sfc import jsonvalue
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json

PLAIN: Final = ("json", "text", "bytes")
WITH_REGISTRY: Final = ("avro", "protobuf", "json-schema")
FORMATS: Final = PLAIN + WITH_REGISTRY


class NotInFormat(ValueError):
    """These bytes are not of that format, or this value cannot be written in it; trying again will not help."""


class Format(Protocol):
    """Calls may block while a schema is fetched for the first time, and raise Unavailable while that cannot be done."""

    def read(self, data: bytes, topic: str) -> Json:
        """Raises NotInFormat."""
        ...

    def write(self, value: Json, topic: str) -> bytes:
        """Raises NotInFormat."""
        ...


class Formats:
    """The formats by name; each is made when it is first asked for."""

    def __init__(self, registry: Mapping[str, str] | None = None) -> None:
        """`registry`: what confluent's SchemaRegistryClient takes: `url`, maybe `basic.auth.user.info`, `ssl.…`."""
        self._registry = registry
        self._made: dict[str, Format] = {"json": _Json(), "text": _Text(), "bytes": _Bytes()}

    def of(self, name: str) -> Format:
        """Raises InvalidRequest for a name that is none, or that needs a registry or a library that is not there."""
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._make(name)
        return made

    def _make(self, name: str) -> Format:
        if name not in WITH_REGISTRY:
            raise InvalidRequest(f"there is no format {name!r}; there are {', '.join(FORMATS)}", field="format")
        if self._registry is None:
            raise InvalidRequest(f"the format {name} needs a schema registry: --schema-registry", field="format")
        try:
            from sfc.kafka import schemas
        except ImportError as error:
            missing = f"the format {name} needs the extra `kafka-schemas`: {error}"
            raise InvalidRequest(missing, field="format") from None
        kinds: dict[str, Callable[[Mapping[str, str]], Format]] = {
            "avro": schemas.Avro, "protobuf": schemas.Protobuf, "json-schema": schemas.JsonSchema
        }  # fmt: skip
        return kinds[name](self._registry)


class _Json:
    def read(self, data: bytes, topic: str) -> Json:
        try:
            return jsonvalue.loads(data)
        except jsonvalue.NotJson as error:
            raise NotInFormat(f"not JSON: {error}") from None

    def write(self, value: Json, topic: str) -> bytes:
        try:
            return jsonvalue.dumps(value)
        except jsonvalue.NotJson as error:
            raise NotInFormat(str(error)) from None


class _Text:
    """UTF-8; the value is a string."""

    def read(self, data: bytes, topic: str) -> Json:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise NotInFormat(f"not UTF-8: {error}") from None

    def write(self, value: Json, topic: str) -> bytes:
        if not isinstance(value, str):
            raise NotInFormat("the format text writes strings only")
        return value.encode(errors="surrogatepass")


class _Bytes:
    """Anything; the value is a string, base64."""

    def read(self, data: bytes, topic: str) -> Json:
        return base64.b64encode(data).decode()

    def write(self, value: Json, topic: str) -> bytes:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise NotInFormat("the format bytes writes base64 strings only") from None
