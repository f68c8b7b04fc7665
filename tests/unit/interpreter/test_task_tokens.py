"""Task tokens: what they are of, and that nobody can make one up."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.interpreter.task_token import TokenPlace, make, read

SECRET = b"s" * 32
NUMBERS = st.integers(0, 2**64 - 1)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_token_tells_what_it_answers_for(execution: int, task: int, attempt: int) -> None:
    place = TokenPlace(execution, task, attempt)
    token = make(SECRET, place)
    assert len(token) == 76
    assert read(SECRET, token) == place
    assert read(b"t" * 32, token) is None


@given(st.integers(0, 56), st.integers(1, 255))
def test_a_token_with_any_byte_changed_is_none(index: int, change: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(make(SECRET, TokenPlace(1, 2, 3))))
    raw[index] ^= change
    assert read(SECRET, base64.urlsafe_b64encode(raw).decode()) is None


@pytest.mark.parametrize("text", ["", "A" * 75, "A" * 76, "A" * 77, "!" * 76, "\udcff" * 76])
def test_what_is_no_token_is_read_as_none(text: str) -> None:
    assert read(SECRET, text) is None
