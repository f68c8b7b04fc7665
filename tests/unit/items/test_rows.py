"""CSV, JSON Lines and Parquet."""

import datetime
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl.expression import FlowError
from sfc.items.parquet import parquet_rows
from sfc.items.rows import csv_rows, json_lines


def values(rows: Iterator[tuple[Any, Any]]) -> list[Any]:
    return [value for value, _ in rows]


@pytest.mark.parametrize(
    ("text", "headers", "delimiter", "want"),
    [
        pytest.param("A,B\n1,2\n", None, ",", [{"A": "1", "B": "2"}], id="first row"),
        pytest.param("1,2\n", ["A", "B"], ",", [{"A": "1", "B": "2"}], id="given"),
        pytest.param("1|2\n", ["A", "B"], "|", [{"A": "1", "B": "2"}], id="pipe"),
        # As recorded from the service: surplus values are dropped, missing ones are empty.
        pytest.param(",,,\nNull,None,\n   \n", ["A", "B", "C"], ",",
                     [{"A": "", "B": "", "C": ""}, {"A": "Null", "B": "None", "C": ""}, {"A": "   ", "B": "", "C": ""}],
                     id="ragged"),
        pytest.param('A\n"x,\ny"\n\nz', None, ",", [{"A": "x,\ny"}, {"A": "z"}], id="quoted over lines, blank line"),
        pytest.param("\ufeffA\r\n1\r\n", None, ",", [{"A": "1"}], id="byte order mark"),
        pytest.param("", None, ",", [], id="empty"),
    ],
)  # fmt: skip
def test_rows_of_csv(text: str, headers: list[str] | None, delimiter: str, want: list[Any]) -> None:
    assert values(csv_rows(io.BytesIO(text.encode()), headers, delimiter, None)) == want


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=5)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5))
def test_csv_goes_on_at_any_place(rows: list[list[str]]) -> None:
    quoted = ["\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [["A", "B"], *rows])]
    data = "".join(quoted).encode()
    read = list(csv_rows(io.BytesIO(data), None, ",", None))
    assert [list(value.values()) for value, _ in read] == rows
    for index, (_value, place) in enumerate(read):
        assert [list(v.values()) for v in values(csv_rows(io.BytesIO(data), None, ",", place))] == rows[index + 1 :]


@pytest.mark.parametrize(
    ("data", "headers", "cause"),
    [
        (b"1,2", ["A", "A"], "CSV headers cannot contain duplicates."),
        (b"A,A\n1,2", None, "CSV headers cannot contain duplicates."),
        (b"A\n\xff\n", None, "The line that ends at byte 4 is not UTF-8."),
        (b"A\n\"" + b"x" * 140_000 + b"\"\n", None, "is no valid CSV"),
    ],
)  # fmt: skip
def test_csv_that_cannot_be_read_says_where(data: bytes, headers: list[str] | None, cause: str) -> None:
    with pytest.raises(FlowError) as raised:
        values(csv_rows(io.BytesIO(data), headers, ",", None))
    assert cause in str(raised.value.failure.cause)


def test_json_lines_skip_blank_lines_and_go_on_at_any_place() -> None:
    data = b'{"a": 1}\n\n  \n[2]\n3'
    read = list(json_lines(io.BytesIO(data), None))
    assert [value for value, _ in read] == [{"a": 1}, [2], 3]
    assert values(json_lines(io.BytesIO(data), read[0][1])) == [[2], 3]
    assert values(json_lines(io.BytesIO(data), read[2][1])) == []
    with pytest.raises(FlowError, match="byte 4 is no valid JSON"):
        values(json_lines(io.BytesIO(b"1\n{\n"), None))


def test_parquet_gives_rows_of_json_and_goes_on_at_any_row() -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    day = datetime.date(2026, 11, 24)
    table = pa.table({
        "id": list(range(10)),
        "when": [day] * 10,
        "price": [Decimal("1.50")] * 10,
        "raw": [b"\x00\xff"] * 10,
        "tags": [["a", "b"]] * 10,
        "odd": [float("nan")] * 10,
    })  # fmt: skip
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=3)
    read = list(parquet_rows(file, None))
    assert read[4][0] == {
        "id": 4,
        "when": "2026-11-24",
        "price": "1.50",
        "raw": "AP8=",
        "tags": ["a", "b"],
        "odd": None,
    }
    for index, (_value, place) in enumerate(read):
        assert [value["id"] for value in values(parquet_rows(file, place))] == list(range(index + 1, 10))
    with pytest.raises(FlowError, match="no valid Parquet"):
        values(parquet_rows(io.BytesIO(b"nothing of the kind"), None))
