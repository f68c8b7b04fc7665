"""JSON files read value by value."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl.expression import FlowError
from sfc.items import json_stream
from sfc.items.json_stream import json_items

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.floats(-1e6, 1e6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def items(text: str | bytes, pointer: str = "", place: Any = None) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    return [value for value, _ in json_items(io.BytesIO(data), pointer, place)]


@given(st.lists(VALUES, max_size=6), st.integers(1, 9), st.booleans(), st.sampled_from([None, 1]))
def test_items_are_those_of_the_whole_document_whatever_the_chunks_and_the_place_it_goes_on_from(
    values: list[Any], chunk: int, ascii_only: bool, indent: int | None
) -> None:
    data = json.dumps({"skip": values, "a": {"b": values}}, ensure_ascii=ascii_only, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk)
        read = list(json_items(io.BytesIO(data), "/a/b", None))
        assert [value for value, _ in read] == values
        for index, (_value, place) in enumerate(read):
            assert items(data, "/a/b", place) == values[index + 1 :]


@pytest.mark.parametrize(
    ("text", "pointer", "want"),
    [
        pytest.param(" [1, 1.0, \"a]\", [2], {\"b\": \"}\"}] ", "", [1, 1.0, "a]", [2], {"b": "}"}], id="array"),
        pytest.param("[]", "", [], id="empty"),
        pytest.param('\ufeff["bom"]', "", ["bom"], id="byte order mark"),
        pytest.param('{"a": {"x": 1, "y": [2]}}', "/a", [{"Key": "x", "Value": 1}, {"Key": "y", "Value": [2]}],
                     id="members of an object that a pointer leads to"),
        pytest.param('{"a/b": {"~": [0, [7, 8]]}}', "/a~1b/~0/1", [7, 8], id="escapes and indexes in the pointer"),
        pytest.param('{"a": "\\"}]", "b": [1]}', "/b", [1], id="escaped quotes are skipped"),
    ],
)  # fmt: skip
def test_items_of_a_document(text: str, pointer: str, want: list[Any]) -> None:
    found = items(text, pointer)
    assert found == want
    assert json.dumps(found) == json.dumps(want)  # 1 and 1.0 differ


@pytest.mark.parametrize(
    ("text", "pointer", "cause"),
    [
        ('{"Hello": "world"}', "", "Attempting to map over non-iterable node."),
        ('"text"', "", "Attempting to map over non-iterable node."),
        ("", "", "Attempting to map over non-iterable node."),
        ('{"a": 1}', "/a", "Attempting to map over non-iterable node."),
        ('{"a": [1]}', "/b", "The ItemsPointer '/b' leads to nothing."),
        ('{"a": [1]}', "/a/0/x", "The ItemsPointer '/a/0/x' leads to nothing."),
        ("[1, 2", "", "something is wrong at byte"),
        ("[1,]", "", "something is wrong at byte"),
        ("[1 2]", "", "something is wrong at byte"),
        ("[nope]", "", "something is wrong at byte"),
        ('["never ends', "", "something is wrong at byte"),
        ('["\\', "", "something is wrong at byte"),
        ('{"a" 1, "b": [1]}', "/b", "something is wrong at byte"),
        ('{a: [1]}', "/a", "something is wrong at byte"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_items_is_refused_with_the_place(text: str, pointer: str, cause: str) -> None:
    with pytest.raises(FlowError) as raised:
        items(text, pointer)
    assert raised.value.failure.error == "States.ItemReaderFailed"
    assert cause in str(raised.value.failure.cause)


def test_an_item_above_the_limit_is_refused_before_it_is_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAP_ITEM_BYTES", 50)
    monkeypatch.setattr(json_stream, "_CHUNK", 10)
    file = io.BytesIO(b'["' + b"x" * 10_000 + b'"]')
    with pytest.raises(FlowError, match="larger than 50 bytes"):
        next(json_items(file, "", None))
    assert file.tell() < 200
