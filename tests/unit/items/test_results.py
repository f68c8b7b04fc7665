"""What a Map Run gives: arrays and files."""

import json
from pathlib import Path
from typing import Any

import pytest

from sfc.arn import Partition
from sfc.asl.expression import FlowError
from sfc.interpreter.children import ChildEnd, decode_counts, decode_ends, encode_ends
from sfc.interpreter.map_specs import WriterSpec
from sfc.items import results
from sfc.items.results import Run, export, state_output
from sfc.items.storage import Storage, StorageSettings

UUID = "00000000-0000-0001-0000-000000000000"
RUN = Run(
    arn=f"arn:mapRun:m/Label:{UUID}", uuid=UUID, machine="m/Label", kind="STANDARD", partition=Partition(), state="Map"
)
ENDS = [
    ChildEnd(2, 1, "SUCCEEDED", 1_000, 2_000, b'{"c":1.0}', input=b"3"),
    ChildEnd(0, 1, "SUCCEEDED", 1_000, 2_000, b"[1,[2]]", input=b"1"),
    ChildEnd(1, 1, "FAILED", 1_000, 2_000, None, "Bad", "why", b"2"),
]
FAILED = {
    "ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:m/Label:00000000-0000-0001-0000-000000000002",
    "Input": "2", "InputDetails": {"Included": True}, "Name": "00000000-0000-0001-0000-000000000002",
    "Error": "Bad", "Cause": "why", "RedriveCount": 0,
    "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m/Label", "Status": "FAILED",
    "StartDate": "1970-01-01T00:00:01.000Z", "StopDate": "1970-01-01T00:00:02.000Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("transformation", "want"),
    [("COMPACT", [[1, [2]], FAILED, {"c": 1.0}]), ("FLATTEN", [1, [2], FAILED, {"c": 1.0}])],
)
def test_results_come_in_the_order_of_the_items_and_failed_children_whole(transformation: Any, want: list[Any]) -> None:
    assert json.loads(state_output(RUN, WriterSpec(transformation=transformation), ENDS)) == want


def test_without_transformation_every_child_is_shown_whole() -> None:
    whole = json.loads(state_output(RUN, WriterSpec(transformation="NONE"), ENDS))
    assert [each["Status"] for each in whole] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert whole[0]["Output"] == "[1,[2]]"
    assert whole[0]["OutputDetails"] == {"Included": True}


def test_json_lines_in_the_output_are_a_text() -> None:
    text = json.loads(state_output(RUN, WriterSpec(transformation="FLATTEN", output_type="JSONL"), ENDS[:2]))
    assert text == '1\n[2]\n{"c":1.0}'


def test_results_above_the_limit_are_refused_without_being_gathered() -> None:
    taken = 0

    def many() -> Any:
        nonlocal taken
        for number in range(1_000_000):
            taken += 1
            yield ChildEnd(number, 1, "SUCCEEDED", 0, 0, b'"' + b"x" * 998 + b'"')

    with pytest.raises(FlowError, match=r"States\.DataLimitExceeded"):
        state_output(RUN, WriterSpec(), many())
    assert taken < 300


def test_files_by_status_and_a_manifest(tmp_path: Path) -> None:
    storage = Storage(StorageSettings(roots=(str(tmp_path),)))
    spec = WriterSpec(arguments={"Bucket": f"file://{tmp_path}", "Prefix": "out/"}, transformation="FLATTEN")
    output = json.loads(export(storage, RUN, spec, [*ENDS, ChildEnd(3, 1, "PENDING", input=b"4")]))
    key = f"out/{UUID}/manifest.json"
    assert output == {"MapRunArn": RUN.arn, "ResultWriterDetails": {"Bucket": f"file://{tmp_path}", "Key": key}}
    manifest = json.loads((tmp_path / key).read_bytes())
    assert manifest["MapRunArn"] == RUN.arn
    contents = {}
    for status, files in manifest["ResultFiles"].items():
        (file,) = files
        path = tmp_path / file["Key"]
        assert path.stat().st_size == file["Size"]
        contents[status] = json.loads(path.read_bytes())
    assert contents["SUCCEEDED"] == [{"c": 1.0}, 1, [2]]
    assert contents["FAILED"] == [FAILED]
    assert contents["PENDING"][0]["Input"] == "4"
    assert export(storage, RUN, spec, ENDS) == export(storage, RUN, spec, ENDS), "a repeat writes the same"


def test_files_of_lines_begin_anew_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MAP_RESULT_FILE_BYTES", 25)
    storage = Storage(StorageSettings(roots=(str(tmp_path),)))
    spec = WriterSpec(arguments={"Bucket": f"file://{tmp_path}"}, output_type="JSONL")
    export(storage, RUN, spec, [ChildEnd(number, 1, "SUCCEEDED", output=b'"123456789"') for number in range(3)])
    manifest = json.loads((tmp_path / UUID / "manifest.json").read_bytes())
    assert [(file["Key"][-17:], file["Size"]) for file in manifest["ResultFiles"]["SUCCEEDED"]] == [
        ("SUCCEEDED_0.jsonl", 24), ("SUCCEEDED_1.jsonl", 12),
    ]  # fmt: skip


@pytest.mark.parametrize("bucket", ["file:///nowhere", "", None])
def test_results_that_cannot_be_written_fail_the_writer(tmp_path: Path, bucket: str | None) -> None:
    storage = Storage(StorageSettings(roots=(str(tmp_path),)))
    with pytest.raises(FlowError, match=r"States\.ResultWriterFailed"):
        export(storage, RUN, WriterSpec(arguments={"Bucket": bucket}), ENDS)


def test_ends_survive_the_journal() -> None:
    data = encode_ends(ENDS)
    assert decode_ends(data) == ENDS
    assert decode_counts(data) == [(2, 1, "SUCCEEDED"), (0, 1, "SUCCEEDED"), (1, 1, "FAILED")]
