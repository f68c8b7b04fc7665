"""ItemReaders over local directories and a look-alike of S3."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfc.asl.expression import FlowError
from sfc.interpreter.map_specs import ReaderSpec
from sfc.items.item import Item
from sfc.items.reader import open_items
from sfc.items.storage import Storage, StorageSettings


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(StorageSettings(roots=(str(tmp_path),)))


def put(folder: Path, key: str, data: str | bytes) -> None:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def spec(folder: Path, key: str, **more: Any) -> ReaderSpec:
    return ReaderSpec(action="getObject", arguments={"Bucket": f"file://{folder}", "Key": key}, **more)


def listing(folder: Path, prefix: str = "", **more: Any) -> ReaderSpec:
    return ReaderSpec(action="listObjectsV2", arguments={"Bucket": f"file://{folder}", "Prefix": prefix}, **more)


def values(items: Iterator[Item]) -> list[Any]:
    return [item.value for item in items]


def goes_on_anywhere(storage: Storage, which: ReaderSpec) -> list[Item]:
    """All items; reading from the place of each must give exactly those behind it."""
    read = list(open_items(storage, which))
    for index, item in enumerate(read):
        place = json.loads(json.dumps(item.place))
        assert list(open_items(storage, which, place, index + 1)) == read[index + 1 :]
    return read


@pytest.mark.parametrize(
    ("key", "data", "more", "want"),
    [
        ("a.json", "[1, 2, 3]", {}, [1, 2, 3]),
        ("a.json", '{"x": [1, 2]}', {"pointer": "/x"}, [1, 2]),
        ("a.csv", "H\n1\n2\n", {}, [{"H": "1"}, {"H": "2"}]),
        ("a", "1;2\n", {"input_type": "CSV", "headers": ("A", "B"), "delimiter": "SEMICOLON"}, [{"A": "1", "B": "2"}]),
        ("a.jsonl", "1\n2\n", {}, [1, 2]),
        ("a.txt", "1\n2\n3\n", {"input_type": "JSONL", "max_items": 2}, [1, 2]),
        ("a.jsonl.gz", gzip.compress(b"1\n2\n3\n"), {}, [1, 2, 3]),
        ("a.json", "[1, 2]", {"max_items": 100_000_001}, [1, 2]),
    ],
)  # fmt: skip
def test_items_of_a_file(
    storage: Storage, tmp_path: Path, key: str, data: str | bytes, more: dict[str, Any], want: list[Any]
) -> None:
    put(tmp_path, key, data)
    read = goes_on_anywhere(storage, spec(tmp_path, key, **more))
    assert [item.value for item in read] == want
    assert {item.source for item in read} == {f"file://{tmp_path}/{key}"}


def test_a_listing_gives_the_files_in_the_order_of_their_keys(storage: Storage, tmp_path: Path) -> None:
    for key in ("b.txt", "a/2", "a/1/x", "a-b", "a.txt", "c/d"):
        put(tmp_path, key, key)
    read = goes_on_anywhere(storage, listing(tmp_path))
    assert [item.value["Key"] for item in read] == sorted(("b.txt", "a/2", "a/1/x", "a-b", "a.txt", "c/d"))
    assert list(read[0].value) == ["Etag", "Key", "LastModified", "Size", "StorageClass"]
    assert [item.value["Key"] for item in open_items(storage, listing(tmp_path, "a/"))] == ["a/1/x", "a/2"]
    assert [item.value["Key"] for item in open_items(storage, listing(tmp_path, "a", max_items=2))] == ["a-b", "a.txt"]


def test_a_flattened_listing_gives_what_is_inside_the_files(storage: Storage, tmp_path: Path) -> None:
    put(tmp_path, "in/1.csv", "A\n1\n2\n")
    put(tmp_path, "in/2.csv", "A\n")
    put(tmp_path, "in/3.csv", "A\n3\n")
    read = goes_on_anywhere(storage, listing(tmp_path, "in/", flatten=True, input_type="CSV"))
    assert [(item.value["A"], item.source[-5:]) for item in read] == [("1", "1.csv"), ("2", "1.csv"), ("3", "3.csv")]


def test_an_inventory_gives_the_rows_of_its_files(storage: Storage, tmp_path: Path) -> None:
    manifest = {
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "d/1.csv.gz"}, {"key": "d/2.csv"}],
    }
    put(tmp_path, "manifest.json", json.dumps(manifest))
    put(tmp_path, "d/1.csv.gz", gzip.compress(b'"b","k1","5"\n"b","k2","6"\n'))
    put(tmp_path, "d/2.csv", '"b","k3","7"\n')
    for more in ({"input_type": "MANIFEST"}, {"manifest_type": "S3_INVENTORY"}):
        read = goes_on_anywhere(storage, spec(tmp_path, "manifest.json", **more))
        assert [item.value["Key"] for item in read] == ["k1", "k2", "k3"]
        assert read[0].value == {"Bucket": "b", "Key": "k1", "Size": "5"}


def test_an_athena_manifest_gives_the_items_of_the_files_it_names(storage: Storage, tmp_path: Path) -> None:
    put(tmp_path, "m.csv", f"file://{tmp_path}/1.jsonl\nfile://{tmp_path}/2.jsonl\n")
    put(tmp_path, "1.jsonl", "1\n2\n")
    put(tmp_path, "2.jsonl", "3\n")
    read = goes_on_anywhere(storage, spec(tmp_path, "m.csv", manifest_type="ATHENA_DATA", input_type="JSONL"))
    assert [item.value for item in read] == [1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ({"Bucket": "file:///etc", "Key": "passwd"}, "in none of the directories"),
        ({"Bucket": "file://HERE", "Key": "../secret"}, "in none of the directories"),
        ({"Bucket": "file://HERE", "Key": "link"}, "in none of the directories"),
        ({"Bucket": "http://example.org", "Key": "x"}, "neither the name of an S3 bucket"),
        ({"Bucket": "file://HERE", "Key": "absent.json"}, "The specified key does not exist"),
        ({"Bucket": "file://HERE", "Key": 5}, "needs a Key that is a text"),
        ({"Key": "x"}, "needs a Bucket that is a text"),
    ],
)  # fmt: skip
def test_what_may_not_or_cannot_be_read_is_a_failure_of_the_reader(
    tmp_path: Path, arguments: dict[str, Any], cause: str
) -> None:
    root = tmp_path / "root"
    put(tmp_path, "secret", "[1]")
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "secret")
    given = {
        name: value.replace("HERE", str(root)) if isinstance(value, str) else value for name, value in arguments.items()
    }
    with pytest.raises(FlowError) as raised:
        list(open_items(Storage(StorageSettings(roots=(str(root),))), ReaderSpec(action="getObject", arguments=given)))
    assert raised.value.failure.error == "States.ItemReaderFailed"
    assert cause in str(raised.value.failure.cause)


def test_a_negative_number_of_items_is_refused_in_the_words_of_the_service(storage: Storage, tmp_path: Path) -> None:
    put(tmp_path, "a.json", "[1]")
    with pytest.raises(FlowError, match="field MaxItems must be positive"):
        list(open_items(storage, spec(tmp_path, "a.json", max_items=-1)))


def test_a_file_that_changed_is_not_gone_on_with(storage: Storage, tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", "1\n2\n")
    first = next(open_items(storage, spec(tmp_path, "a.jsonl")))
    put(tmp_path, "a.jsonl", "1\n2\n3\n")
    with pytest.raises(FlowError, match="has changed since"):
        list(open_items(storage, spec(tmp_path, "a.jsonl"), first.place, 1))
