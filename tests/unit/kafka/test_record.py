"""A record survives being written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.kafka.record import Record, decode, encode

BYTES = st.none() | st.binary(max_size=40)
HEADERS = st.lists(st.tuples(st.text(max_size=8), BYTES), max_size=4)


@given(key=BYTES, value=BYTES, headers=HEADERS, offset=st.integers(0, 1 << 62))
def test_what_is_read_is_what_was_written(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]], offset: int
) -> None:
    record = Record("orders", 3, offset, 1_790_000_000_000, key, value, headers)
    assert decode(encode(record)) == record


@pytest.mark.parametrize(
    ("record", "size"),
    [
        (Record("t", 0, 0, 0, None, None, ()), 0),
        (Record("t", 0, 0, 0, b"ab", b"cde", (("f", b"gh"), ("i", None))), 9),
    ],
)
def test_the_size_counts_value_key_and_headers(record: Record, size: int) -> None:
    assert record.size == size
