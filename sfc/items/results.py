"""What a Map Run gives: an array for the state's output, or files with a manifest.

    <Prefix>/<uuid of the Map Run>/manifest.json      written last
                                  /SUCCEEDED_0.json   and _1 … when a file would become too large
                                  /FAILED_0.json      failed, timed out and aborted children, always as NONE
                                  /PENDING_0.json     children that were not started because the run failed before

Written again after a crash, from the beginning, under the same names.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, Final, Literal

import orjson

from sfc.arn import Partition
from sfc.asl.expression import FlowError
from sfc.asl.timestamps import format_ms
from sfc.interpreter.children import ChildEnd
from sfc.interpreter.map_run import child_name
from sfc.interpreter.map_specs import WriterSpec
from sfc.interpreter.measure import too_large
from sfc.items.storage import NotAllowed, Storage, failures_of
from sfc.jsonvalue import Json
from sfc.limits import MAP_RESULT_FILE_BYTES, PAYLOAD_BYTES

_FILES: Final = ("FAILED", "PENDING", "SUCCEEDED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The Map Run that results belong to."""

    arn: str
    uuid: str
    machine: str
    """`machine/label`, the name its children's ARNs have."""
    kind: Literal["STANDARD", "EXPRESS"]
    partition: Partition
    state: str
    """Name of the Map state."""

    def child_name(self, number: int) -> str:
        return child_name(self.uuid, number)

    def child_arn(self, number: int) -> str:
        name = self.child_name(number)
        if self.kind == "STANDARD":
            return self.partition.execution(self.machine, name)
        return self.partition.express(self.machine, name, name)


def state_output(run: Run, spec: WriterSpec, ends: Iterable[ChildEnd]) -> bytes:
    """The array of results in the order of the items. Raises FlowError States.DataLimitExceeded above 256 KiB; never
    holds much more.
    """
    parts: list[tuple[int, bytes]] = []
    size = 0
    for end in ends:
        text = _shown(run, spec, end)
        size += len(text) + 1
        if size > PAYLOAD_BYTES + 2:
            raise FlowError("States.DataLimitExceeded", too_large(run.state))
        parts.append((end.number, text))
    texts = [text for _number, text in sorted(parts) if text]
    if spec.output_type == "JSONL":
        return orjson.dumps(b"\n".join(b"\n".join(_lines(text)) for text in texts).decode())
    return b"[" + b",".join(texts) + b"]"


def export(storage: Storage, run: Run, spec: WriterSpec, ends: Iterable[ChildEnd]) -> bytes:
    """Write the files; gives the state's output as JSON text. Raises FlowError States.ResultWriterFailed."""
    arguments = spec.arguments or {}
    bucket, prefix = arguments.get("Bucket"), arguments.get("Prefix") or ""
    if not isinstance(bucket, str) or not bucket or not isinstance(prefix, str):
        raise _failed("The ResultWriter needs a Bucket and a Prefix that are texts.")
    folder = f"{prefix.rstrip('/')}/{run.uuid}" if prefix else run.uuid
    try:
        with failures_of(storage.locate(bucket, folder)), ExitStack() as stack:
            suffix = "json" if spec.output_type == "JSON" else "jsonl"
            files = {name: _Files(storage, bucket, f"{folder}/{name}", suffix, stack) for name in _FILES}
            for end in ends:
                name = end.status if end.status in files else "FAILED"
                text = _shown(run, spec, end)
                if text:
                    files[name].add(text)
            written = {name: file.finish() for name, file in files.items()}
            manifest = {"DestinationBucket": bucket, "MapRunArn": run.arn, "ResultFiles": written}
            place = storage.locate(bucket, f"{folder}/manifest.json")
            with place.files.open(place.path, "wb") as file:
                file.write(orjson.dumps(manifest))
    except NotAllowed as error:
        raise _failed(str(error)) from None
    except FlowError as error:
        raise _failed(error.failure.cause or "") from None
    details = {"Bucket": bucket, "Key": f"{folder}/manifest.json"}
    return orjson.dumps({"MapRunArn": run.arn, "ResultWriterDetails": details})


def _failed(cause: str) -> FlowError:
    return FlowError("States.ResultWriterFailed", cause)


def _shown(run: Run, spec: WriterSpec, end: ChildEnd) -> bytes:
    """One child's result as JSON text; several, joined by commas, when it is flattened; b"" for none."""
    if end.output is None or spec.transformation == "NONE":
        return orjson.dumps(_whole(run, end))
    if spec.transformation == "FLATTEN":
        value = orjson.loads(end.output)
        if isinstance(value, list):
            return b",".join(orjson.dumps(each) for each in value)
    return end.output


def _whole(run: Run, end: ChildEnd) -> dict[str, Json]:
    """The child with everything that is known of it, as the service exports it."""
    ended: dict[str, Json] = {}
    if end.output is not None:
        ended = {"Output": end.output.decode(), "OutputDetails": {"Included": True}}
    if end.error is not None:
        ended["Error"] = end.error
    if end.cause is not None:
        ended["Cause"] = end.cause
    shown: dict[str, Json] = {
        "ExecutionArn": run.child_arn(end.number),
        "Input": (end.input or b"{}").decode(),
        "InputDetails": {"Included": end.input is not None},
        "Name": run.child_name(end.number),
        **ended,
        "RedriveCount": 0,
        "StateMachineArn": run.partition.state_machine(run.machine),
        "Status": end.status,
    }
    if end.started_at:
        shown["StartDate"] = format_ms(end.started_at)
    if end.stopped_at:
        shown["StopDate"] = format_ms(end.stopped_at)
    return shown


def _lines(text: bytes) -> Iterable[bytes]:
    """The lines of JSONL that one child's result is."""
    return (orjson.dumps(each) for each in orjson.loads(b"[" + text + b"]"))


class _Files:
    """Files of one status, begun when there is something to write."""

    def __init__(self, storage: Storage, bucket: str, stem: str, suffix: str, stack: ExitStack) -> None:
        self._storage = storage
        self._bucket = bucket
        self._stem = stem
        self._suffix = suffix
        self._stack = stack
        self._file: IO[Any] | None = None
        self._size = 0
        self._done: list[dict[str, Json]] = []

    def add(self, text: bytes) -> None:
        lines = self._suffix == "jsonl"
        if lines:
            text = b"\n".join(_lines(text)) + b"\n"
        if self._size + len(text) > MAP_RESULT_FILE_BYTES:
            self._close()
        if self._file is None:
            place = self._storage.locate(self._bucket, self._key())
            self._file = self._stack.enter_context(place.files.open(place.path, "wb"))
            self._size = 0
            self._write(text if lines else b"[" + text)
        else:
            self._write(text if lines else b"," + text)

    def finish(self) -> list[dict[str, Json]]:
        """Key and size of each file."""
        self._close()
        return self._done

    def _key(self) -> str:
        return f"{self._stem}_{len(self._done)}.{self._suffix}"

    def _write(self, text: bytes) -> None:
        assert self._file is not None
        self._file.write(text)
        self._size += len(text)

    def _close(self) -> None:
        if self._file is None:
            return
        if self._suffix == "json":
            self._write(b"]")
        self._file.close()
        self._done.append({"Key": self._key(), "Size": self._size})
        self._file, self._size = None, 0
